"""The settings of the shop that runs in this folder, so that a command beside it works on its database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from quickshop.runtime.failures import CannotStart
from quickshop.runtime.home import Home, chosen
from quickshop.runtime.shop import recorded_processes


def settings_beside(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment that names a database: the given one, or that of the shop which runs in QUICKSHOP_HOME.

    Where neither does, the given one: what is missing is then said by who reads the settings.
    """
    if environ.get("DATABASE_URL"):
        return environ
    try:
        web = recorded_processes(Home(chosen(environ)).path)["web"]
        pairs = Path(f"/proc/{web}/environ").read_text().split("\0")
    except (OSError, KeyError, ValueError, CannotStart):
        return environ
    return {**environ, **dict(pair.split("=", 1) for pair in pairs if "=" in pair)}
