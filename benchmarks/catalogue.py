"""Catalogue reads over HTTP at a size: latency alone, throughput with 32 connections, CPU, with and without the cache.

    python -m benchmarks.catalogue --products 1000 [--seconds 5] [--connections 32] [--plans benchmarks/plans]

Starts a database, fills it with a generated catalogue, and two web workers; nothing else runs. With DATABASE_URL and
REDIS_URL set it uses those and fills in what is missing. `EXPLAIN` of each hot statement goes to --plans.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import psutil

from benchmarks import load
from quickshop.catalog import queries as catalog
from quickshop.config import load_settings
from quickshop.factory import create_app
from quickshop.kernel import db
from quickshop.kernel.prepared import PLANNED_ANEW
from quickshop.runtime import ports, servers
from quickshop.search.filters import ProductQuery
from quickshop.search.queries import list_json
from quickshop.search.suggestions import suggest_json

LIST = "/api/v1/products"
DEEP_PAGES = 40


@contextlib.contextmanager
def database() -> Iterator[None]:
    """Name a database and a broker in the environment: those that are named already, or new ones for this run."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield
        return
    with servers.start(durable=False) as running:
        os.environ |= {"DATABASE_URL": running.database, "REDIS_URL": running.redis}
        yield


@contextlib.contextmanager
def web(cache: str) -> Iterator[tuple[int, psutil.Process]]:
    """Two web workers: their port and their parent process."""
    port = ports.free_port()
    settings = {"PORT": str(port), "WEB_WORKERS": "2", "CATALOGUE_CACHE_SECONDS": cache}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"], env=os.environ | settings
    )
    try:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}{LIST}?limit=1", timeout=5).close()
                break
            if time.monotonic() > until or process.poll() is not None:
                raise SystemExit("The web workers did not start.")
            time.sleep(0.2)
        yield port, psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def scenarios() -> dict[str, list[ProductQuery | str]]:
    """What is asked, by name: lists as the core knows them, and addresses."""
    roots = [r.slug for r in db.rows("SELECT slug FROM categories WHERE parent_id IS NULL ORDER BY position, slug")]
    some = db.rows(
        "SELECT p.slug, p.name FROM listings l JOIN products p ON p.id = l.product_id ORDER BY p.id LIMIT 50"
    )
    cursor = None
    for _ in range(DEEP_PAGES):
        page = orjson.loads(list_json(ProductQuery(cursor=cursor, limit=24)))
        cursor = page["next_cursor"] or cursor
    narrow: dict[str, Any] = {"min_price": 2000, "max_price": 9000, "in_stock": True, "min_rating": 3}
    return {
        "first page": [ProductQuery()],
        "deep page": [ProductQuery(cursor=cursor)],
        "by price": [ProductQuery(sort="price")],
        "category": [ProductQuery(category=[r]) for r in roots],
        "category, 3 filters, facets": [ProductQuery(category=[r], facets=True, **narrow) for r in roots],
        "common word, facets": [ProductQuery(q=w, facets=True) for w in ("classic", "travel", "modern", "slim")],
        "common word": [ProductQuery(q=w) for w in ("classic", "travel", "modern", "slim")],
        "rare words": [ProductQuery(q=p.name) for p in some],
        "misspelt word": [ProductQuery(q=w) for w in ("headphnes", "teepot", "keybord", "bicylce")],
        "suggestions": [f"/api/v1/search/suggest?q={w}" for w in ("he", "hea", "teap", "classic%20m")],
        "product": [f"{LIST}/{p.slug}" for p in some],
    }


def address(asked: ProductQuery | str) -> str:
    """The address of what is asked."""
    if isinstance(asked, str):
        return asked
    names = ("q", "min_price", "max_price", "min_rating", "sort", "cursor")
    parts = [f"{n}={quote(str(getattr(asked, n)))}" for n in names if getattr(asked, n) is not None]
    parts += [f"category={quote(c)}" for c in asked.category]
    parts += [f"{n}=true" for n in ("in_stock", "facets") if getattr(asked, n)]
    return f"{LIST}?{'&'.join(parts)}" if parts else LIST


def keep_plans(asked: Mapping[str, list[ProductQuery | str]], folder: Path) -> None:
    """Write how PostgreSQL runs each statement of each scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    run = db.run
    told: list[str] = []

    def explaining(sql: str, /, **params: Any) -> Any:
        bare = sql.removeprefix(PLANNED_ANEW)
        plan = run(f"{PLANNED_ANEW}EXPLAIN (ANALYZE, BUFFERS) {bare}", **params)
        told.append("\n".join(row[0] for row in plan.all()))
        return run(sql, **params)

    db.run = explaining
    try:
        for name, things in asked.items():
            told.clear()
            first = things[0]
            if isinstance(first, ProductQuery):
                list_json(first)
            elif "suggest" in first:
                suggest_json("he")
            else:
                catalog.product_json(first.rpartition("/")[2])
            text = f"\n\n{'-' * 100}\n\n".join(told)
            (folder / f"{name.replace(',', '').replace(' ', '-')}.txt").write_text(text + "\n")
    finally:
        db.run = run


def cpu(processes: list[psutil.Process]) -> float:
    """CPU seconds used so far by these processes and their children."""
    total = 0.0
    for process in processes:
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total += times.user + times.system
    return total


def backends() -> float:
    """CPU seconds used so far by the database's sessions."""
    used = 0.0
    for row in db.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database()"):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = psutil.Process(row.pid).cpu_times()
            used += times.user + times.system
    return used


def measure(asked: Mapping[str, list[ProductQuery | str]], cache: str, connections: int, seconds: float) -> None:
    """Print a line per scenario."""
    kept = "kept for up to a second" if float(cache) else "never kept"
    print(f"\nanswers {kept}; ms alone, then {connections} connections\n")
    print(f"{'':30}{'p50':>8}{'p95':>8} |{'req/s':>8}{'p50':>8}{'p95':>8} | CPU ms/request: web, database")
    with web(cache) as (port, process):
        for name, things in asked.items():
            paths = [address(thing) for thing in things]
            place = ("127.0.0.1", port)
            load.run(place, paths, 4, 0.5)
            alone = load.run(place, paths, 1, seconds / 2)
            before, sessions = cpu([process]), backends()
            many = load.run(place, paths, connections, seconds)
            requests = max(1.0, many.rate * seconds)
            print(
                f"{name:30}{alone.percentile(0.5):8.2f}{alone.percentile(0.95):8.2f} |{many.rate:8.0f}"
                f"{many.percentile(0.5):8.2f}{many.percentile(0.95):8.2f} |"
                f" {(cpu([process]) - before) / requests * 1000:5.2f} {(backends() - sessions) / requests * 1000:5.2f}",
                flush=True,
            )


def main() -> None:
    """Fill, measure, keep the plans."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--plans", type=Path, default=Path("benchmarks/plans"))
    args = parser.parse_args()
    os.environ |= {"QUICKSHOP_ENV": "development", "LIMITS_PROFILE": "demo"}
    with database():
        for command in (["migrate"], ["generate-catalog", "--products", str(args.products), "--seed", "1"]):
            subprocess.run([sys.executable, "-m", "quickshop", *command], check=True)
        loads = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        print(f"{args.products} products, {os.cpu_count()} cores shared by client, shop and database; load {loads}")
        with create_app(role="report", settings=load_settings(os.environ)).app_context():
            asked = scenarios()
            keep_plans(asked, args.plans / str(args.products))
            for cache in ("1", "0"):
                measure(asked, cache, args.connections, args.seconds)


if __name__ == "__main__":
    main()
