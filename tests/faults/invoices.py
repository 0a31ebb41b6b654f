"""`python -m tests.faults.invoices`: workers issue and print invoices of many orders while they are killed at random.

Then every number, paper, file and sum is checked. The same seed kills in the same rhythm. Also measured, with nobody
killed: what issuing and printing one invoice takes.
"""

import argparse
import hashlib
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from quickshop.accounts.people import person_key
from quickshop.config import load_settings
from quickshop.factory import create_app
from quickshop.invoices import issuing, printing
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import processing
from quickshop.payments.gateways import registry
from tests.factories import shop
from tests.factories.gateways import ROOT
from tests.factories.invoices import text_of
from tests.factories.scripted import ScriptedGateway
from tests.factories.servers import running_servers
from tests.faults.checker import Check

MEASURED = 50
READ = 60


# --- one worker, in a process of its own -------------------------------------------------------------------


def work():
    """Issue and print until somebody ends this process."""
    app = create_app(role="worker", settings=load_settings(os.environ))
    while True:
        with app.app_context():
            if not issuing.drain(1.0) and not printing.print_due(budget_seconds=1.0):
                time.sleep(0.02)  # nothing to do at this moment


class Workers:
    """So many of them; who is killed is followed by another."""

    def __init__(self, count, environment, log):
        self._environment, self._log = {**os.environ, **environment}, log
        self._running = [self._start() for _ in range(count)]
        self.kills = 0

    def _start(self):
        command = [sys.executable, "-m", "tests.faults.invoices", "--work"]
        return subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=self._log, stderr=self._log)

    def kill_one(self, dice):
        """Kill one of them in whatever it is doing."""
        place = dice.randrange(len(self._running))
        self._running[place].kill()
        self._running[place].wait()
        self._running[place] = self._start()
        self.kills += 1

    def end(self):
        """End them all."""
        for process in self._running:
            process.send_signal(signal.SIGKILL)
        for process in self._running:
            process.wait()


# --- the orders --------------------------------------------------------------------------------------------


def place(count):
    """Confirmed orders, of which every tenth is refunded in part and every twentieth cancelled."""
    variants = {shop.a_variant(price=700 + 130 * n, stock=10**6): 1 + n % 3 for n in range(4)}
    items = [dict(list(variants.items())[: 1 + n % 4]) for n in range(4)]
    for n in range(count):
        order = shop.an_order(items[n % 4])
        processing.process(order.id)
        if n % 20 == 5:
            shop.cancel(order)
        elif n % 10 == 0:
            shop.refund(order, 150)


def measure():
    """Milliseconds for issuing one paper, and for printing one: (by the clock, of this process's CPU), many times."""

    def timed(work):
        clock, cpu = time.perf_counter(), time.process_time()
        work()
        return (time.perf_counter() - clock) * 1000, (time.process_time() - cpu) * 1000

    issued = [timed(lambda: run_unit(lambda: issuing._take_one(set(), []))) for _ in range(MEASURED)]
    ids = shop.look("SELECT invoice_id FROM invoice_files WHERE sha256 IS NULL LIMIT :n", n=MEASURED)
    return issued, [timed(lambda row=row: printing._print(row.invoice_id, printing.draw)) for row in ids]


def waiting(servers):
    """(facts, files) that are not done."""
    facts = servers.run("SELECT count(*) FROM pending_facts WHERE consumer = 'invoices'")[0][0]
    return facts, servers.run("SELECT count(*) FROM invoice_files WHERE sha256 IS NULL")[0][0]


def storm(servers, environment, plan, log):
    """Let the workers do it all under kills; (seconds until the last number, until the last file, kills)."""
    dice, began = random.Random(plan.seed), time.monotonic()
    workers, numbered = Workers(plan.workers, environment, log), None
    try:
        while any(left := waiting(servers)):
            assert time.monotonic() < began + plan.seconds, f"not done in {plan.seconds} s: {left} are left"
            time.sleep(dice.uniform(0.1, 0.6))  # the rhythm of the kills
            if numbered is None and left[0] == 0:
                numbered = time.monotonic() - began
                # What a killed worker had claimed to print comes back after a minute: let that minute be over.
            if numbered is not None:
                servers.run("UPDATE invoice_files SET due_at = now() WHERE sha256 IS NULL AND attempts > 0")
            if workers.kills < plan.kills:
                workers.kill_one(dice)
    finally:
        workers.end()
    return numbered, time.monotonic() - began, workers.kills


# --- the checks --------------------------------------------------------------------------------------------


def check(servers):
    """Everything that must be true of the papers."""
    run = servers.run
    series = run("SELECT s.name, s.last_number, count(i.id), count(DISTINCT i.number), min(i.number), max(i.number)"
                 " FROM invoice_series s JOIN invoices i ON i.series = s.name GROUP BY s.name ORDER BY 1")  # fmt: skip
    late = run("SELECT count(*) FROM (SELECT issued_at < lag(issued_at) OVER (PARTITION BY series ORDER BY number) AS l"
               " FROM invoices) AS x WHERE l")[0][0]  # fmt: skip
    lacking = run("SELECT count(*) FROM orders o WHERE confirmed_at IS NOT NULL AND (SELECT count(*) FROM invoices i"
                  " WHERE i.order_id = o.id AND i.kind = 'invoice') <> 1")[0][0]  # fmt: skip
    notes = run(
        "SELECT count(*), count(i.id), count(DISTINCT i.id) FROM refunds r LEFT JOIN invoices i ON i.refund_id = r.id"
    )
    told = run("SELECT count(*), count(DISTINCT e.data->>'invoice') FROM order_events e"
               " WHERE type IN ('order.invoiced', 'order.credited')")[0]  # fmt: skip
    papers = run("SELECT count(*) FROM invoices")[0][0]
    sums = run("SELECT (SELECT sum(total_minor) FROM orders WHERE confirmed_at IS NOT NULL), sum(total_minor) FILTER"
               " (WHERE kind = 'invoice'), (SELECT sum(amount_minor) FROM refunds), sum(total_minor) FILTER"
               " (WHERE kind = 'credit_note') FROM invoices")[0]  # fmt: skip
    files = run("SELECT count(*), count(DISTINCT sha256) FROM invoice_files WHERE sealed IS NOT NULL")[0]
    return [
        *(
            Check(f"{name}: no number is missing, none is there twice", last == n == distinct == high and low == 1,
                  f"{n} of {last}, from {low} to {high}")
            for name, last, n, distinct, low, high in series
        ),
        Check("a later number has no earlier time", late == 0, f"{late} have"),
        Check("each confirmed order has one invoice", lacking == 0, f"{lacking} have not"),
        Check("each refund has one credit note", len(set(notes[0])) == 1, f"{notes[0][1]} of {notes[0][0]}"),
        Check("each paper is told of once in its order's log", told == (papers, papers), f"{told[0]} of {papers}"),
        Check("sums of papers are those of orders and refunds", sums[0] == sums[1] and sums[2] == sums[3], f"{sums}"),
        Check("each paper has a file of its own", files == (papers, papers), f"{files[1]} of {papers}"),
    ]  # fmt: skip


def check_files(seed):
    """Open some files: their digests, and that they say the number, the order and the total."""
    wrong = []
    found = shop.look(
        "SELECT i.id, i.code, i.document, f.sealed, f.sha256, per.id AS person_id, per.key_id, per.wrapped_key"
        " FROM invoices i JOIN invoice_files f ON f.invoice_id = i.id JOIN persons per ON per.id = i.person_id"
    )
    for row in random.Random(seed).sample(found, min(READ, len(found))):
        key = person_key(row.person_id, row.key_id, row.wrapped_key)
        body = key.unseal_bytes(row.sealed, f"invoice_files/sealed/{row.id}")
        said, total = text_of(body), row.document["total_minor"]
        words = (row.code, row.document["order"]["number"], f"{total // 100}.{total % 100:02d}", "Robin Ashdown")
        if hashlib.sha256(body).digest() != bytes(row.sha256) or not all(word in said for word in words):
            wrong.append(row.code)
    return Check(f"{min(READ, len(found))} files open, have their digest and say what they must", not wrong, f"{wrong}")


def figures(measured):
    """Medians and 95th percentiles in words."""
    clock, cpu = (sorted(side) for side in zip(*measured, strict=True))
    late = int(len(clock) * 0.95) - 1
    return f"p50 {statistics.median(clock):.1f} ms, p95 {clock[late]:.1f} ms (CPU {statistics.median(cpu):.1f} ms)"


def run(plan):
    """One run; what was checked."""
    with running_servers() as servers, tempfile.TemporaryDirectory() as home:
        environment = {**servers.environment(Path(home)), "POOL_SIZE": "2"}
        settings = load_settings(environment)
        gateway = ScriptedGateway()
        registry._MAKERS[registry.SIMULATOR] = lambda settings: gateway
        registry._gateways = {}
        app = create_app(role="command", settings=settings)
        with app.app_context(), (Path(home) / "workers.log").open("ab") as log:
            began = time.monotonic()
            place(plan.orders + MEASURED)
            print(
                f"{plan.orders + MEASURED} orders placed and confirmed in {time.monotonic() - began:.0f} s", flush=True
            )
            issued, drawn = measure()
            print(f"one worker: issue {figures(issued)}; print {figures(drawn)}", flush=True)
            numbered, printed, kills = storm(servers, {k: str(v) for k, v in environment.items()}, plan, log)
            papers = shop.look("SELECT count(*) AS n FROM invoices")[0].n
            print(f"{plan.workers} workers, {kills} killed: {papers} numbers within {numbered:.1f} s, all files within"
                  f" {printed:.1f} s")  # fmt: skip
            sizes = shop.look("SELECT min(size) AS a, max(size) AS b FROM invoice_files")[0]
            print(f"files of {sizes.a / 1024:.1f} to {sizes.b / 1024:.1f} KiB")
            checks = [*check(servers), check_files(plan.seed)]
            db.release()
        return checks


def main():
    """The command; 1 where a check fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.invoices", description=__doc__)
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--seconds", type=float, default=480.0, help="how long it may take at most")
    parser.add_argument("--work", action="store_true", help="be one of the workers")
    plan = parser.parse_args()
    if plan.work:
        work()
    print(f"seed {plan.seed}", flush=True)
    checks = run(plan)
    width = max(len(c.name) for c in checks)
    for c in checks:
        print(f"  {'ok  ' if c.holds else 'FAIL'}  {c.name:<{width}}  {c.figures}")
    return 0 if all(c.holds for c in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
