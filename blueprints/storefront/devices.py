"""What a browser calls itself, in words that its owner knows it by. Pure."""

from __future__ import annotations

import re

# The first that fits counts: most browsers also name those that they once had to look like.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)
_PHONES = frozenset({"iPhone", "Android"})


def _first(user_agent: str, known: tuple[tuple[str, str], ...]) -> str | None:
    return next((name for mark, name in known if mark in user_agent), None)


def device_name(user_agent: str) -> str:
    """ "Firefox on Windows", or how a program that is no browser calls itself."""
    browser, system = _first(user_agent, _BROWSERS), _first(user_agent, _SYSTEMS)
    if browser and system:
        return f"{browser} on {system}"
    return browser or re.split(r"[\s/(]", user_agent, maxsplit=1)[0][:40] or "Unknown device"


def is_phone(user_agent: str) -> bool:
    """Whether it is held in a hand."""
    return _first(user_agent, _SYSTEMS) in _PHONES
