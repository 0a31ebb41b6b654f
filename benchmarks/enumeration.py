"""Whether time tells if an account exists: sign-in, registration, recovery and resending, for known and unknown ones.

    python -m benchmarks.enumeration [--samples 500]

Each call is made as often for known as for unknown accounts, in one shuffled sequence. Prints medians and the effect
size (Cohen's d), once over all samples and once without the slowest and fastest twentieth, in which a small difference
shows better. Ends with 1 where one of them reaches 0.2, or where status or body differ. Starts a shop if none runs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

from benchmarks.client import Client, Refused
from benchmarks.shop import a_shop, find

LIMIT = 0.2
PASSWORD = "Steady-Harbour-58"
GUESSES = 5  # free of any wait for one account
WARM_UP = 25
TRIMMED = 0.05

Call = Callable[[str], tuple[int, Any]]


class Visitor:
    """Makes the calls by account name; each answers status and body."""

    def __init__(self, url: str, mark: str) -> None:
        self._client, self._mark, self._numbers = Client(url), mark, itertools.count()

    def _call(self, path: str, body: dict[str, str]) -> tuple[int, Any]:
        try:
            return 202, self._client.call("POST", f"/api/v1/auth{path}", body)
        except Refused as refusal:
            return refusal.status, refusal.code

    def sign_in(self, name: str) -> tuple[int, Any]:
        """A wrong password."""
        return self._call("/login", {"login": address(name), "password": "Wrong-Password-1"})

    def register(self, name: str) -> tuple[int, Any]:
        """With a username that is free."""
        body = {
            "email": address(name),
            "username": f"b{self._mark}-{next(self._numbers)}",
            "password": PASSWORD,
            "first_name": "Load",
            "last_name": "Test",
        }
        return self._call("/register", body)

    def forgot(self, name: str) -> tuple[int, Any]:
        """A forgotten password."""
        return self._call("/password/forgot", {"email": address(name)})

    def resend(self, name: str) -> tuple[int, Any]:
        """The verification link once more."""
        return self._call("/resend-verification", {"email": address(name)})


def address(name: str) -> str:
    """The e-mail address of a name."""
    return f"{name}@load.quickshop.example"


def measure(call: Call, known: list[str], unknown: list[str]) -> tuple[list[float], list[float], set[str]]:
    """Seconds for known and unknown accounts, and the different answers that came."""
    for name in unknown[:WARM_UP]:
        call(name)
    turns = [(name, True) for name in known] + [(name, False) for name in unknown[WARM_UP:]]
    random.shuffle(turns)  # so that what one call leaves to do in the background falls on both alike
    took: dict[bool, list[float]] = {True: [], False: []}
    answers = set()
    for name, exists in turns:
        began = time.perf_counter()
        answer = call(name)
        took[exists].append(time.perf_counter() - began)
        answers.add(repr(answer))
    return took[True], took[False], answers


def effect(one: list[float], other: list[float]) -> float:
    """Cohen's d: the difference of the means in standard deviations."""
    spread = ((statistics.variance(one) + statistics.variance(other)) / 2) ** 0.5
    return (statistics.fmean(one) - statistics.fmean(other)) / spread


def trimmed(values: list[float]) -> list[float]:
    """Without the lowest and highest twentieth."""
    cut = int(len(values) * TRIMMED)
    return sorted(values)[cut : len(values) - cut]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=500)
    args = parser.parse_args()
    with a_shop():
        told = compare(find().url, args.samples)
    if told:
        print("can be told apart:", ", ".join(told))
        sys.exit(1)


def compare(url: str, samples: int) -> list[str]:
    """Print the figures of each call; the names of those that tell whether an account exists."""
    mark = uuid.uuid4().hex[:8]
    visitor = Visitor(url, mark)
    members = [f"known-{mark}-{number}" for number in range(-(-samples // GUESSES))]
    for name in members:
        visitor.register(name)
    known = (members * GUESSES)[:samples]
    strangers = [f"nobody-{mark}-{number}" for number in range(len(members) + WARM_UP)]
    # Each as often as a known one; registration needs a new one each time, since it makes it known.
    unknown = strangers[:WARM_UP] + (strangers[WARM_UP:] * GUESSES)[:samples]
    fresh = [f"fresh-{mark}-{number}" for number in range(samples + WARM_UP)]
    told = []
    print(f"{samples} calls each for known and unknown accounts, load {os.getloadavg()[0]:.1f}")
    for label, call, others in (
        ("sign-in", visitor.sign_in, unknown),
        ("recovery", visitor.forgot, unknown),
        ("resending", visitor.resend, unknown),
        ("registration", visitor.register, fresh),
    ):
        for_known, for_unknown, answers = measure(call, known, others)
        whole, middle = effect(for_known, for_unknown), effect(trimmed(for_known), trimmed(for_unknown))
        print(
            f"{label:13} known {statistics.median(for_known) * 1000:7.2f} ms, unknown"
            f" {statistics.median(for_unknown) * 1000:7.2f} ms   d {whole:+.3f}, of the middle {middle:+.3f}"
            f"   answers {len(answers)}"
        )
        if len(answers) > 1 or max(abs(whole), abs(middle)) >= LIMIT:
            told.append(label)
    return told


if __name__ == "__main__":
    main()
