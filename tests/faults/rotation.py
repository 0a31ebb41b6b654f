"""Key rotation under load: every person's key is wrapped anew while members read profiles and guests their orders.

`python -m tests.faults.rotation --people 20000`. Prints how long it took, how many reads there were and how many of
them failed or showed something else than was written. Fails for a single one, or where the old key is still in use.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import urllib3

from blueprints import register
from blueprints.http.tokens import token_pair
from quickshop.accounts.refreshing import Origin, start_session
from quickshop.config import load_settings
from quickshop.factory import create_app
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.gateways import ROOT
from tests.factories.live import LiveShop
from tests.factories.shop import ADDRESS, a_cart, a_member, a_variant, order_cart

OLD = "before:YmVmb3JlLWJlZm9yZS1iZWZvcmUtYmVmb3JlLWJlZm8="
NEW = "after:YWZ0ZXItYWZ0ZXItYWZ0ZXItYWZ0ZXItYWZ0ZXItYWY="
READERS = 4


@dataclass
class Reading:
    """Something to read with the headers that allow it, and what must stand in the answer."""

    path: str
    headers: dict
    expected: tuple


class Reads:
    """What readers saw."""

    def __init__(self):
        self.right = 0
        self.wrong = []
        self._lock = threading.Lock()

    def note(self, reading, status, body):
        """An answer came."""
        fine = status == 200 and all(text in body for text in reading.expected)
        with self._lock:
            self.right += fine
            if not fine:
                self.wrong.append((reading.path, status, body[:200]))


def populate(app, *, people, members, orders):
    """People under the old key; readings of some members' profiles and of guests' orders."""
    readings = []
    with app.app_context():
        mug = a_variant(stock=10 * orders)
        for number in range(orders):
            placed = order_cart(a_cart({mug: 1}), email=f"reader{number}@quickshop.example")
            token = {"X-Order-Token": placed.document["token"]}
            readings.append(Reading(f"/orders/{placed.number}", token, (ADDRESS["line1"], ADDRESS["name"])))
        for number in range(people - orders):
            email = f"rotated{number}@quickshop.example"
            member = a_member(email=email)
            if number < members:
                session = run_unit(lambda member=member: start_session(member.user_id, Origin("reader", "192.0.2.1")))
                bearer = {"Authorization": f"Bearer {token_pair(session)['access_token']}"}
                readings.append(Reading("/me", bearer, (email, "Robin", "Ashdown")))
    return readings


def read_on(url, readings, reads, over):
    """Read at random until it is over."""
    http, dice = urllib3.PoolManager(maxsize=1, retries=False, timeout=urllib3.Timeout(total=15)), random.Random()
    while not over.is_set():
        reading = dice.choice(readings)
        try:
            answer = http.request("GET", f"{url}/api/v1{reading.path}", headers=reading.headers)
            reads.note(reading, answer.status, answer.data.decode())
        except urllib3.exceptions.HTTPError as error:
            reads.note(reading, 0, type(error).__name__)


def rotate(environment):
    """Run the command as an operator does; its exit code and output."""
    done = subprocess.run(
        [sys.executable, "-m", "quickshop", "rotate-keys"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def run(people):
    """The whole of it; what there is to tell, and whether it was fine."""
    with LiveShop(durable=True, MASTER_KEYS=f"{NEW},{OLD}") as shop:
        secrets = json.loads((shop.home / "secrets.json").read_text())
        environment = shop.pair.environment(shop.home) | secrets
        environment |= {"POOL_SIZE": "2", "MASTER_KEYS": f"{NEW},{OLD}"}
        settings = load_settings(environment)
        before = replace(settings, master_keys=settings.master_keys[::-1])
        app = create_app([register], role="command", settings=before)
        readings = populate(app, people=people, members=min(400, people // 4), orders=min(100, people // 4))
        reads, over = Reads(), threading.Event()
        with ThreadPoolExecutor(READERS) as pool:
            readers = [pool.submit(read_on, shop.url, readings, reads, over) for _ in range(READERS)]
            try:
                began = time.monotonic()
                code, said = rotate(environment)
                took = time.monotonic() - began
            finally:
                over.set()
            for reader in readers:
                reader.result()
        left = shop.pair.run("SELECT count(*) FROM persons WHERE key_id <> 'after'")[0][0]
        checked = Reads()
        with ThreadPoolExecutor(1) as pool:
            only_new = replace(settings, master_keys=settings.master_keys[:1])
            pool.submit(_read_all, only_new, readings, checked).result()
    return {
        "people": people,
        "seconds": round(took, 1),
        "exit": code,
        "said": said,
        "left under the old key": left,
        "reads while rotating": reads.right + len(reads.wrong),
        "failed reads": len(reads.wrong) + len(checked.wrong),
        "examples": (reads.wrong + checked.wrong)[:3],
    }


def _read_all(settings, readings, reads):
    """Everything once more by an application that has the new key alone."""
    client = create_app([register], settings=settings).test_client()
    for reading in readings:
        answer = client.get(f"/api/v1{reading.path}", headers=reading.headers)
        reads.note(reading, answer.status_code, answer.text)


def fine(told):
    """Whether nothing failed and nothing was left."""
    return told["exit"] == 0 and not told["failed reads"] and not told["left under the old key"]


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    told = run(parser.parse_args().people)
    for name, value in told.items():
        print(f"{name}: {value}")
    return 0 if fine(told) else 1


if __name__ == "__main__":
    sys.exit(main())
