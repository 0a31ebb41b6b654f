"""A large import from file to shop: rows a second, peak memory, a kill in the middle, and how long locks last.

    python -m benchmarks.csv_import [--rows 100000]

Starts databases of its own. Imports the file undisturbed, then into an empty shop again with the worker killed twice,
and compares the catalogues; then all rows or none: new prices and stock beside a shopper who takes one of the variants,
and products into an empty shop. The worker is a process of its own, with the rights and modules of a real one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2

from quickshop.catalog.service import create_category
from quickshop.config import load_settings
from quickshop.factory import create_app
from quickshop.imports import exporting, queries, service, uploading, working
from quickshop.imports.kinds import Kind
from quickshop.imports.progress import WORKING
from quickshop.imports.reading import row_of
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.runtime import databases, servers

LEASE_SECONDS = 2
CATEGORIES = 40
SIZES = ("S", "M", "L", "XL")
MATERIALS = ("oak", "beech", "steel", "linen", "wool", "glass")
_WORDS = "quiet amber north field river stone cloud maple copper evening garden harbour letter morning paper"
WORDS = _WORDS.split()
_COLUMNS = ("slug", "sku", "name", "category", "description", "attributes", "options", "price", "weight", "stock")


def product_file(rows: int) -> Iterator[str]:
    """The same file every time: products of one to four variants, texts of a few sentences."""
    rng = random.Random(7)
    yield row_of(
        ("slug", "sku", "name", "category", "description", "attributes", "options", "price", "weight", "stock")
    )
    made = number = 0
    while made < rows:
        number += 1
        name = f"{rng.choice(WORDS).title()} {rng.choice(WORDS)} {number}"
        text = " ".join(rng.choices(WORDS, k=30)).capitalize() + "."
        for place in range(min(rng.randint(1, 4), rows - made)):
            made += 1
            first = not place
            yield row_of(
                (
                    f"p-{number}",
                    f"SKU-{number}-{place}",
                    name,
                    f"Shelf {number % CATEGORIES}",
                    text if first else "",
                    f"material={rng.choice(MATERIALS)}" if first else "",
                    f"size={SIZES[place]}",
                    f"{rng.randint(100, 20000) / 100:.2f}",
                    rng.randint(50, 5000),
                    rng.randint(0, 40),
                )
            )


@contextlib.contextmanager
def empty_shop() -> Iterator[None]:
    """A new database with categories and nothing else, and an application of a web process in front of it."""
    with servers.start(durable=True) as running:
        os.environ |= {
            "QUICKSHOP_ENV": "development",
            "DATABASE_URL": running.database,
            "REDIS_URL": running.redis,
            "LEASE_SECONDS": str(LEASE_SECONDS),
        }
        subprocess.run([sys.executable, "-m", "quickshop", "migrate"], check=True, capture_output=True)
        with create_app(settings=load_settings(os.environ)).app_context():
            for n in range(CATEGORIES):
                run_unit(lambda n=n: create_category(f"shelf-{n}", f"Shelf {n}"))  # type: ignore[misc]
            yield


# --- the worker ----------------------------------------------------------------------------------------


def be_worker(import_id: UUID) -> None:
    """Take turns at an import until it has ended, then print the peak of this process' memory in KiB."""
    import tasks.imports  # noqa: F401 - as much is loaded as in a real worker

    with create_app(role="worker", settings=load_settings(os.environ)).app_context():
        while True:
            working.process(import_id)
            with reading():
                if queries.get_import(import_id)["state"] not in WORKING:
                    break
    # Not `ru_maxrss`: that begins with the memory of whoever started this process.
    [peak] = [
        line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    ]
    print(peak)


def start_worker(import_id: UUID) -> subprocess.Popen[str]:
    """Such a process."""
    command = [sys.executable, "-m", "benchmarks.csv_import", "--worker", str(import_id)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def peak_of(worker: subprocess.Popen[str]) -> float:
    """Wait for its end; its peak in MiB."""
    told, _ = worker.communicate()
    if worker.returncode:
        raise SystemExit("The worker failed.")
    return int(told) / 1024


# --- runs ----------------------------------------------------------------------------------------------


def begin(kind: Kind, content: bytes, mode: service.Mode) -> UUID:
    """Upload a file and have it imported."""
    import_id = run_unit(lambda: uploading.take(kind, io.BytesIO(content), f"{kind}.csv"))
    run_unit(lambda: service.begin(import_id, mode=mode, dry_run=False))
    return import_id


def stand(import_id: UUID) -> dict[str, Any]:
    """How an import stands."""
    with reading():
        return queries.get_import(import_id)


def run(title: str, kind: Kind, content: bytes, mode: service.Mode = "skip_bad") -> None:
    """Import undisturbed, and print how fast."""
    began = time.monotonic()
    import_id = begin(kind, content, mode)
    uploaded = time.monotonic() - began
    peak = peak_of(start_worker(import_id))
    seconds = time.monotonic() - began
    found = stand(import_id)
    rows = found["rows"]["applied"]
    print(
        f"{title:34}{found['state']:>8}{rows:9} rows{seconds:8.1f} s{rows / seconds:8.0f} rows/s"
        f"{peak:7.0f} MiB   (upload {uploaded:.1f} s)",
        flush=True,
    )


def run_killed(content: bytes) -> None:
    """Import with the worker killed while it checks, and again while it applies."""
    began = time.monotonic()
    import_id = begin(Kind.PRODUCTS, content, "skip_bad")
    for state, count in (("checking", "read"), ("applying", "applied")):
        worker = start_worker(import_id)
        while (found := stand(import_id))["state"] != state or not found["rows"][count] > 0.4 * found["rows"]["read"]:
            if worker.poll() is not None:
                raise SystemExit(f"It ended before it could be killed: {found}")
            time.sleep(0.05)
        time.sleep(0.5)
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        print(f"{'':34}killed while {state}: {stand(import_id)['rows']}")
        time.sleep(LEASE_SECONDS + 0.5)
    peak = peak_of(start_worker(import_id))
    found = stand(import_id)
    seconds = time.monotonic() - began
    print(f"{'killed twice and resumed':34}{found['state']:>8}{found['rows']['applied']:9} rows{seconds:8.1f} s"
          f"{'':15}{peak:7.0f} MiB")  # fmt: skip


_DIGEST = """
SELECT count(*), sum(price_minor), sum(on_hand), md5(string_agg(line, '|' ORDER BY sku))
FROM (
    SELECT v.sku, v.price_minor, s.on_hand, (
        v.sku, v.options, v.price_minor, v.weight_grams, v.position, s.on_hand, p.slug, p.name, p.description,
        p.attributes, p.options, p.card - 'id' - 'default_variant_id', p.published_at IS NOT NULL,
        (SELECT (l.price_minor, l.in_stock) FROM listings l WHERE l.product_id = p.id),
        (SELECT (t.title, t.codes, t.labels, t.body) FROM product_texts t WHERE t.product_id = p.id),
        (SELECT array_agg(h.price_minor ORDER BY h.id) FROM price_changes h WHERE h.variant_id = v.id),
        (SELECT array_agg((m.delta, m.cause) ORDER BY m.id) FROM stock_movements m WHERE m.variant_id = v.id)
    )::text AS line
    FROM variants v JOIN products p ON p.id = v.product_id JOIN stock_items s ON s.variant_id = v.id
) lines
"""


def totals() -> Any:
    """What the catalogue holds, in a few numbers and a digest of everything but ids and times."""
    with contextlib.closing(psycopg2.connect(databases.plain_url(os.environ["DATABASE_URL"]))) as connection:
        cursor = connection.cursor()
        cursor.execute(_DIGEST)
        variants, prices, stock, digest = cursor.fetchone()
    return {"variants": variants, "prices": int(prices), "stock": int(stock), "digest": digest}


class Shopper(threading.Thread):
    """Takes one variant's stock over and over, and measures how long that waits; `longest` in seconds."""

    def __init__(self, url: str, sku: str) -> None:
        super().__init__(daemon=True)
        self._url, self._sku = url, sku
        self._over = threading.Event()
        self.longest = 0.0

    def run(self) -> None:
        """Until told that it is over."""
        with contextlib.closing(psycopg2.connect(databases.plain_url(self._url))) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            while not self._over.wait(0.01):
                began = time.monotonic()
                cursor.execute(
                    "UPDATE stock_items s SET held = s.held FROM variants v WHERE v.id = s.variant_id AND v.sku = %s",
                    [self._sku],
                )
                self.longest = max(self.longest, time.monotonic() - began)

    def end(self) -> float:
        """Stop; the longest wait."""
        self._over.set()
        self.join()
        return self.longest


def beside_shopper(title: str, kind: Kind, content: bytes, mode: service.Mode) -> None:
    """An import beside a shopper."""
    shopper = Shopper(os.environ["DATABASE_URL"], "SKU-1-0")
    shopper.start()
    run(title, kind, content, mode)
    print(f"{'':34}a shopper of one of the variants waited {shopper.end():.2f} s at most")


def file_of(column: str, rows: Iterable[tuple[Any, ...]]) -> bytes:
    """A file of SKUs and one thing more."""
    return (row_of(("sku", column)) + "".join(map(row_of, rows))).encode()


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--worker", type=UUID)
    args = parser.parse_args()
    if args.worker:
        be_worker(args.worker)
        return
    content = "".join(product_file(args.rows)).encode()
    loads = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{args.rows} rows, {len(content) / 1024**2:.0f} MiB; {os.cpu_count()} cores, load {loads}")
    with empty_shop():
        run("products, new", Kind.PRODUCTS, content)
        undisturbed = totals()
        print(f"{'':34}{undisturbed}")
        began = time.monotonic()
        exported = "".join(exporting.export(Kind.PRODUCTS)).encode()
        print(f"{'exported':34}{len(exported) / 1024**2:10.0f} MiB in {time.monotonic() - began:.1f} s")
        run("the export, imported again", Kind.PRODUCTS, exported)
        print(f"{'':34}changed nothing: {totals() == undisturbed}")
        lines = [line.split(",") for line in "".join(exporting.export(Kind.PRICES)).splitlines()[1:]]
        lowered = file_of("price", ((line[0], f"0{line[1]}"[:-1] + "0") for line in lines))
        raised = file_of("price", ((line[0], f"9{line[1]}") for line in lines))
        stocked = file_of("quantity", ((line[0], 50) for line in lines))
        emptied = file_of("quantity", ((line[0], 0) for line in lines))
        beside_shopper("prices, skipping bad rows", Kind.PRICES, lowered, "skip_bad")
        beside_shopper("stock, skipping bad rows", Kind.STOCK, stocked, "skip_bad")
        beside_shopper("prices, all or nothing", Kind.PRICES, raised, "all_or_nothing")
        beside_shopper("stock to nothing, all or nothing", Kind.STOCK, emptied, "all_or_nothing")
    with empty_shop():
        run_killed(content)
        resumed = totals()
        print(f"{'':34}the same catalogue as undisturbed: {resumed == undisturbed}")
    with empty_shop():
        run("products, new, all or nothing", Kind.PRODUCTS, content, "all_or_nothing")
        print(f"{'':34}the same catalogue as undisturbed: {totals() == undisturbed}")


if __name__ == "__main__":
    main()
