"""Time: UTC only, and a clock that tests may set. Durations use the monotonic clock, never this one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

_now: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731 - replaced by tests


def now() -> datetime:
    """The present moment, in UTC."""
    return _now()


def use(source: Callable[[], datetime]) -> Callable[[], datetime]:
    """Replace the clock (tests only); returns the previous one."""
    global _now
    before, _now = _now, source
    return before


def rfc3339(moment: datetime | None) -> str | None:
    """The API's form of a time: RFC 3339 in UTC with milliseconds and `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
