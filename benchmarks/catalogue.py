"""Catalogue reads over HTTP at one size or several: latency, throughput, CPU, with and without the cache.

    python -m benchmarks.catalogue [--products 1000 10000 100000] [--seconds 5] [--connections 32] [--cache 1 0]
                                   [--plans benchmarks/plans] [--write benchmarks/catalogue.md]

Starts a database for each size, fills it with a generated catalogue, and two web workers; nothing else runs. With
DATABASE_URL and REDIS_URL set it uses those, fills in what is missing and takes the sizes in order. `EXPLAIN` of each
hot statement goes to --plans, a folder per size, and what is printed also to --write.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import psutil

from benchmarks import load
from benchmarks.machine import machine
from quickshop.catalog import queries as catalog
from quickshop.config import load_settings
from quickshop.factory import create_app
from quickshop.kernel import db
from quickshop.kernel.prepared import PLANNED_ANEW, PLANNED_ONCE, Prepared, driver_form
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
    before = dict(os.environ)
    with servers.start(durable=False) as running:
        os.environ |= {"DATABASE_URL": running.database, "REDIS_URL": running.redis}
        try:
            yield
        finally:
            os.environ.clear()
            os.environ |= before


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
        "common word, 3 filters, facets": [
            ProductQuery(q=w, facets=True, **narrow) for w in ("classic", "travel", "modern", "slim")
        ],
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


def plan_of(sql: str, params: Mapping[str, Any]) -> str:
    """How PostgreSQL runs a statement: planned once where the shop has it so, else with these values."""
    connection = db.db.engine.raw_connection()
    try:
        cursor: Any = connection.cursor()
        if sql.startswith(PLANNED_ONCE):
            made = Prepared(sql, 999_999)
            cursor.execute(made.prepare)
            mode, _, execute = made.execute.partition(";")
            cursor.execute(f"{mode};EXPLAIN (ANALYZE, BUFFERS) {execute}", made.values(dict(params)))
            told = cursor.fetchall()
            cursor.execute("DEALLOCATE q999999")
        else:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {driver_form(sql.removeprefix(PLANNED_ANEW))}", params)
            told = cursor.fetchall()
        return "\n".join(line for (line,) in told)
    finally:
        connection.close()


def keep_plans(asked: Mapping[str, list[ProductQuery | str]], folder: Path) -> None:
    """Write how PostgreSQL runs each statement of each scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    run = db.run
    told: list[str] = []

    def explaining(sql: str, /, **params: Any) -> Any:
        told.append(plan_of(sql, params))
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


@dataclass(frozen=True)
class Seen:
    """What one scenario showed: milliseconds alone, requests per second with all connections."""

    p50: float
    p95: float
    rate: float


# By products, cache seconds and scenario.
Figures = dict[tuple[int, str, str], Seen]


class Report:
    """Prints lines and keeps them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str = "") -> None:
        print(line, flush=True)
        self.lines.append(line)


def measure(
    asked: Mapping[str, list[ProductQuery | str]], cache: str, connections: int, seconds: float, say: Report
) -> dict[str, Seen]:
    """Say a line per scenario."""
    kept = "kept for up to a second" if float(cache) else "never kept"
    say(f"\nanswers {kept}; ms alone, then {connections} connections\n")
    say(f"{'':32}{'p50':>8}{'p95':>8} |{'req/s':>8}{'p50':>8}{'p95':>8} | CPU ms/request: web, database")
    found = {}
    with web(cache) as (port, process):
        for name, things in asked.items():
            paths = [address(thing) for thing in things]
            place = ("127.0.0.1", port)
            load.run(place, paths, connections, 0.5)
            alone = load.run(place, paths, 1, seconds / 2)
            before, sessions = cpu([process]), backends()
            many = load.run(place, paths, connections, seconds)
            requests = max(1.0, many.rate * seconds)
            say(
                f"{name:32}{alone.percentile(0.5):8.2f}{alone.percentile(0.95):8.2f} |{many.rate:8.0f}"
                f"{many.percentile(0.5):8.2f}{many.percentile(0.95):8.2f} |"
                f" {(cpu([process]) - before) / requests * 1000:5.2f} {(backends() - sessions) / requests * 1000:5.2f}"
            )
            found[name] = Seen(alone.percentile(0.5), alone.percentile(0.95), many.rate)
    return found


# Scenario and bar: requests per second at the smallest size, and by how much the largest size may be slower.
RATES = {"first page": 3000, "product": 3000, "category, 3 filters, facets": 600, "common word, facets": 600}
STEADY = ("first page", "deep page", "by price", "category", "product")
SLOWER = 1.5
FILTERED = ("category, 3 filters, facets", "common word, 3 filters, facets")
FILTERED_MS = 60


def compare(figures: Figures, say: Report) -> None:
    """Hold the figures against the bars."""
    sizes = sorted({size for size, _, _ in figures})
    first, last = sizes[0], sizes[-1]
    for cache in dict.fromkeys(cache for _, cache, _ in figures):
        say(f"\nagainst the bars, answers {'kept' if float(cache) else 'never kept'}\n")
        for name, bar in RATES.items():
            seen = figures[first, cache, name].rate
            say(f"{name:32} at {first:7}: {seen:8.0f} req/s, bar {bar:5}  {'met' if seen >= bar else 'missed'}")
        for name in STEADY if last > first else ():
            slower = figures[last, cache, name].p50 / figures[first, cache, name].p50
            fewer = figures[first, cache, name].rate / figures[last, cache, name].rate
            met = max(slower, fewer) <= SLOWER
            say(
                f"{name:32} {first} to {last}: p50 x {slower:.2f}, req/s / {fewer:.2f}, bar {SLOWER}"
                f"  {'met' if met else 'missed'}"
            )
        for name in FILTERED:
            seen = figures[last, cache, name].p95
            met = seen < FILTERED_MS
            say(f"{name:32} at {last:7}: p95 {seen:6.1f} ms, bar {FILTERED_MS}  {'met' if met else 'missed'}")


def at_size(products: int, args: argparse.Namespace, say: Report) -> Figures:
    """Fill a database with so many products, keep the plans, measure with and without the cache."""
    with database():
        for command in (["migrate"], ["generate-catalog", "--products", str(products), "--seed", "1"]):
            subprocess.run([sys.executable, "-m", "quickshop", *command], check=True)
        loads = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        say(f"\n{products} products, {os.cpu_count()} cores shared by client, shop and database; load {loads}")
        with create_app(role="report", settings=load_settings(os.environ)).app_context():
            asked = scenarios()
            keep_plans(asked, args.plans / str(products))
            found: Figures = {}
            for cache in args.cache:
                for name, seen in measure(asked, cache, args.connections, args.seconds, say).items():
                    found[products, cache, name] = seen
            db.db.engine.dispose()
            return found


def main() -> None:
    """Fill, measure, keep the plans, compare; for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, nargs="+", default=[1000])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--cache", nargs="+", default=["1", "0"])
    parser.add_argument("--plans", type=Path, default=Path("benchmarks/plans"))
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    os.environ |= {"QUICKSHOP_ENV": "development", "LIMITS_PROFILE": "demo"}
    say, figures = Report(), Figures()
    for products in sorted(args.products):
        figures |= at_size(products, args, say)
    compare(figures, say)
    if args.write:
        title = f"# Reads of the catalogue\n\n{machine()}\n\n`python -m benchmarks.catalogue {' '.join(sys.argv[1:])}`"
        args.write.write_text(title + "\n\n```\n" + "\n".join(say.lines).strip() + "\n```\n")


if __name__ == "__main__":
    main()
