"""Slowing down guesses: failed sign-ins per account and per address, counted in Postgres so that they outlive Redis.

Guesses at a second factor have a counter of their own per account.
The wait grows with each failure and ends by itself; nobody is locked out for good.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.crypto import blind_index
from quickshop.security import audit

FORGET_AFTER = timedelta(minutes=15)
LONGEST_WAIT = 900


@dataclass(frozen=True)
class Budget:
    """How many failures are free, before the next must wait: `first_wait` seconds, then twice as long each time."""

    kind: str
    free: int
    first_wait: int = 2


ACCOUNT = Budget("account", 5)
# A code has six digits: five tries in five minutes, whatever challenge they belong to.
SECOND_FACTOR = Budget("second_factor", 5, 300)
# Hundreds of simulated buyers share one loopback address in the demo shop.
ADDRESS = {"strict": Budget("address", 50), "demo": Budget("address", 100_000)}


def wait_seconds(budget: Budget, failures: int, last_at: datetime, at: datetime) -> int:
    """How long the next attempt must wait: twice as long after each failure over the budget, 15 minutes at most."""
    over = failures - budget.free
    if over < 0 or at - last_at > FORGET_AFTER:
        return 0
    ends_at = last_at + timedelta(seconds=min(LONGEST_WAIT, budget.first_wait * 2 ** min(over, 10)))
    return max(0, math.ceil((ends_at - at).total_seconds()))


def _subject(budget: Budget, value: str) -> bytes:
    return blind_index(settings().index_key, f"login/{budget.kind}", value.strip().casefold())


def address_budget() -> Budget:
    """The budget of one client address under the limits in force."""
    return ADDRESS[settings().limits_profile]


def waiting(budget: Budget, value: str) -> int:
    """Seconds until the next attempt may be made; 0 for now. Takes the counter's lock, so that guesses queue up.

    A counter that is not there yet is made for that: else the first guesses of all would not see each other.
    """
    subject, at = _subject(budget, value), now()
    db.run(
        "INSERT INTO login_failures (subject, failures, last_at) VALUES (:s, 0, :at) ON CONFLICT DO NOTHING",
        s=subject,
        at=at,
    )
    row = db.row("SELECT failures, last_at FROM login_failures WHERE subject = :s FOR UPDATE", s=subject)
    return wait_seconds(budget, row.failures, row.last_at, now()) if row else 0


def count(budget: Budget, value: str) -> None:
    """Count an attempt as failed until `clear` or `forgive` says otherwise.

    The one that uses up the budget stands in the audit log.
    """
    at = now()
    failures = db.scalar(
        """
        INSERT INTO login_failures (subject, failures, last_at) VALUES (:s, 1, :at)
        ON CONFLICT (subject) DO UPDATE SET last_at = :at,
            failures = CASE WHEN login_failures.last_at < :fresh THEN 1 ELSE login_failures.failures + 1 END
        RETURNING failures
        """,
        s=_subject(budget, value),
        at=at,
        fresh=at - FORGET_AFTER,
    )
    if failures == budget.free:
        audit.record("attempts.slowed", target=_named(value), outcome="denied", data={"budget": budget.kind})


def _named(value: str) -> str | None:
    """Whose account it is; nothing for an address or a name that was only typed."""
    try:
        return f"user:{UUID(value)}"
    except ValueError:
        return None


def clear(budget: Budget, value: str) -> None:
    """Forget all failures: the right password was given."""
    db.run("DELETE FROM login_failures WHERE subject = :s", s=_subject(budget, value))


def forgive(budget: Budget, value: str) -> None:
    """Take back one counted attempt, which was right."""
    db.run(
        "UPDATE login_failures SET failures = greatest(failures - 1, 0) WHERE subject = :s", s=_subject(budget, value)
    )


def prune() -> int:
    """Delete counters that no longer count; returns how many."""
    return db.run("DELETE FROM login_failures WHERE last_at < :fresh", fresh=now() - FORGET_AFTER).rowcount
