"""`make bench`: every benchmark in turn, on the running shop or on one started for it; figures go to a file.

python -m benchmarks [--seconds 20] [--runs 3] [--write benchmarks/figures.md]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.shop import a_shop


def _run(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    print(f"\n$ python -m {module} {' '.join(arguments)}", flush=True)
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        for line in program.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if program.returncode:
        raise SystemExit(f"{module} ended with {program.returncode}")
    return f"## `python -m {module} {' '.join(arguments)}`\n\n```\n{''.join(lines)}```\n"


def main() -> None:
    """Run all benchmarks and write what they printed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", default="20")
    parser.add_argument("--runs", default="3")
    parser.add_argument("--write", type=Path, default=Path("benchmarks/figures.md"))
    args = parser.parse_args()
    with a_shop():
        here = machine()
        parts = [
            _run("benchmarks.purchase", "--seconds", args.seconds, "--runs", args.runs),
            _run("benchmarks.carts", "--seconds", args.seconds, "--runs", args.runs),
            _run("benchmarks.live_latency", "--rate", "20", "--seconds", args.seconds),
            _run("benchmarks.logins", "--seconds", args.seconds, "--runs", args.runs),
            _run("benchmarks.enumeration"),
        ]
    args.write.write_text(f"# Figures\n\n{here}. Client, shop and database share the machine.\n\n" + "\n".join(parts))
    print(f"\nwritten to {args.write}")


if __name__ == "__main__":
    main()
