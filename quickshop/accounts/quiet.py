"""Quiet hours: when somebody does not want to be woken by a text or push message, by the clock where they are."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from quickshop.accounts import log, users
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.errors import Invalid
from quickshop.kernel.events import Fact

CHANNELS = frozenset({"sms", "push"})  # what can wake somebody


def quiet_until(moment: datetime, begins: int, ends: int, timezone: str) -> datetime | None:
    """When the quiet hours around a moment are over; None outside of them. Minutes of the day, pure.

    They go over midnight where they end before they begin. Across a change of the clocks the wall clock counts.
    """
    here = moment.astimezone(ZoneInfo(timezone))
    minute = here.hour * 60 + here.minute
    over_midnight = ends < begins
    inside = (minute >= begins or minute < ends) if over_midnight else begins <= minute < ends
    if not inside:
        return None
    day = here.date() + timedelta(days=1 if over_midnight and minute >= begins else 0)
    return datetime.combine(day, time(ends // 60, ends % 60), here.tzinfo)


def quiet_hours(user_id: UUID) -> dict[str, str] | None:
    """A user's quiet hours as {from, to, timezone}, or None."""
    found = db.row("SELECT begins, ends, timezone FROM quiet_hours WHERE user_id = :user", user=user_id)
    return None if found is None else {**_words(found.begins, found.ends), "timezone": found.timezone}


def set_quiet_hours(user_id: UUID, begins: time, ends: time, timezone: str) -> None:
    """Let nothing wake the user from `begins` to `ends`, to the minute. Writes; the caller commits.

    Raises Invalid for hours that last no time and for an unknown time zone. Facts: account.quiet_hours_changed.
    """
    if timezone not in available_timezones():
        raise Invalid({"quiet_hours.timezone": ["A time zone such as Europe/Berlin."]})
    first, last = begins.hour * 60 + begins.minute, ends.hour * 60 + ends.minute
    if first == last:
        raise Invalid({"quiet_hours.to": ["They must end at another time than they begin."]})
    users.lock(user_id)
    present = quiet_hours(user_id)
    wanted: dict[str, Any] = {**_words(first, last), "timezone": timezone}
    if present == wanted:
        return
    db.run(
        """
        INSERT INTO quiet_hours (user_id, begins, ends, timezone, changed_at)
        VALUES (:user, :begins, :ends, :timezone, :at)
        ON CONFLICT (user_id) DO UPDATE SET begins = excluded.begins, ends = excluded.ends,
            timezone = excluded.timezone, changed_at = excluded.changed_at
        """,
        user=user_id,
        begins=first,
        ends=last,
        timezone=timezone,
        at=now(),
    )
    log.append(user_id, [Fact("account.quiet_hours_changed", {"on": True})])


def end_quiet_hours(user_id: UUID) -> None:
    """Have no quiet hours. Writes; the caller commits. Facts: account.quiet_hours_changed where there were some."""
    if db.row("DELETE FROM quiet_hours WHERE user_id = :user RETURNING user_id", user=user_id) is not None:
        log.append(user_id, [Fact("account.quiet_hours_changed", {"on": False})])


def _words(begins: int, ends: int) -> dict[str, str]:
    return {name: f"{m // 60:02d}:{m % 60:02d}" for name, m in (("from", begins), ("to", ends))}
