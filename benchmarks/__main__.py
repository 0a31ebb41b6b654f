"""`make bench`: every benchmark in turn, on the running shop or on one started for it; figures go to a file.

python -m benchmarks [--seconds 20] [--runs 3] [--write benchmarks/figures.md]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from quickshop.runtime.home import chosen
from quickshop.runtime.shop import recorded_processes

START_SECONDS = 120
STOP_SECONDS = 30


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def own_shop() -> Iterator[None]:
    """A shop in a folder of its own for as long as the benchmarks run; its settings are those of `make run`."""
    with tempfile.TemporaryDirectory(prefix="quickshop-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        os.environ |= {"QUICKSHOP_HOME": f"{folder}/home", "PORT": str(_free_port())}
        shop = subprocess.Popen([sys.executable, "-m", "quickshop", "run"], stdout=subprocess.DEVNULL)
        try:
            _wait_ready(shop, f"http://127.0.0.1:{os.environ['PORT']}/readyz")
            yield
        finally:
            shop.send_signal(signal.SIGTERM)
            shop.wait(STOP_SECONDS)


def _wait_ready(shop: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and shop.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as answer:
            whole = not json.load(answer)["degraded"]  # every worker and the relay too, so that all are measured
            if whole and (Path(os.environ["QUICKSHOP_HOME"]) / "demo.json").exists():
                return
        time.sleep(0.2)
    raise SystemExit("The shop for the benchmarks did not start; try `make run` to see why.")


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


def _machine() -> str:
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · {os.cpu_count()} cores · {platform.system()} {platform.release()} · "
        f"Python {platform.python_version()} · load before: {loads}"
    )


def main() -> None:
    """Run all benchmarks and write what they printed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", default="20")
    parser.add_argument("--runs", default="3")
    parser.add_argument("--write", type=Path, default=Path("benchmarks/figures.md"))
    args = parser.parse_args()
    running = recorded_processes(chosen(os.environ))
    with contextlib.nullcontext() if running else own_shop():
        machine = _machine()
        parts = [
            _run("benchmarks.purchase", "--seconds", args.seconds, "--runs", args.runs),
            _run("benchmarks.live_latency", "--rate", "20", "--seconds", args.seconds),
        ]
    args.write.write_text(
        f"# Figures\n\n{machine}. Client, shop and database share the machine.\n\n" + "\n".join(parts)
    )
    print(f"\nwritten to {args.write}")


if __name__ == "__main__":
    main()
