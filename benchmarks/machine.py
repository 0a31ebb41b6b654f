"""What a benchmark ran on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime


def machine() -> str:
    """The moment, the machine and what it was busy with, in a line."""
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · {os.cpu_count()} cores · {platform.system()} {platform.release()} · "
        f"Python {platform.python_version()} · load before: {loads}"
    )
