"""`make guards`: takes each protection of the shop away, one by one, and demands that its tests then fail."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.factories.gateways import ROOT
from tests.guards.removals import GUARDS

_OPTIONS = ("-p", "tests.guards.plugin", "-p", "no:randomly", "-q", "--tb=line", "--show-capture=no", "--timeout=120")


def outcomes(tests, without=None):
    """Run tests without one protection; {test: [outcomes]} and what pytest said."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcomes.json"
        command = [sys.executable, "-m", "pytest", *_OPTIONS, f"--outcomes={path}", *tests]
        if without:
            command.append(f"--without={without}")
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        found = json.loads(path.read_text()) if path.exists() else {}
    return found, done.stdout[-3000:] + done.stderr[-2000:]


def verdict(guard, found):
    """Why the protection is not proven, or None: each of its tests must have failed while it ran."""
    for test in guard.tests:
        seen = found.get(test)
        if seen is None:
            return f"{test} did not run"
        if "failed" not in seen:
            return f"{test} {' and '.join(seen)}"
    return None


def check_baseline(names):
    """All the tests named must pass while every protection stands."""
    tests = sorted({test for name in names for test in GUARDS[name].tests})
    found, said = outcomes(tests)
    wrong = [test for test in tests if found.get(test) != ["passed"]]
    if wrong:
        print(said)
        print("With every protection in place these do not pass: " + ", ".join(wrong))
    return not wrong


def main():
    """Check the guards named on the command line, or all; 1 where one of them is not proven."""
    parser = argparse.ArgumentParser(prog="python -m tests.guards", description=__doc__)
    parser.add_argument("guards", nargs="*", metavar="GUARD", help=f"one of {', '.join(GUARDS)}; all by default")
    names = parser.parse_args().guards or list(GUARDS)
    if unknown := set(names) - set(GUARDS):
        parser.error(f"no such guard: {', '.join(sorted(unknown))}")
    if not check_baseline(names):
        return 1
    unproven = 0
    for name in names:
        began = time.monotonic()
        found, said = outcomes(GUARDS[name].tests, without=name)
        why = verdict(GUARDS[name], found)
        took = f"{time.monotonic() - began:.0f} s"
        print(f"  {name:<24} {'red, as it must be' if why is None else 'NOT PROVEN'}  {took:>5}  {GUARDS[name].what}")
        if why is not None:
            unproven += 1
            print(said)
            print(f"    {why}")
    print(f"{len(names) - unproven} of {len(names)} protections are proven: without them a test fails.")
    return 1 if unproven else 0


if __name__ == "__main__":
    sys.exit(main())
