"""What operators look at: signs of life, what waits, how fast it goes, today's sums. Reads only, all of them cheap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.money import money
from quickshop.monitoring.sweeping import UNHELD

CLASSES = ("vip", "high", "standard")
RATE_SECONDS = 10  # what "per second" is averaged over
SPREAD_SECONDS = 30  # what percentiles are taken over


def canary_ages() -> dict[str, float]:
    """Seconds since each queue was last served, by queue; a queue never served is missing."""
    found = db.rows("SELECT queue, extract(epoch FROM now() - seen_at) AS age FROM worker_canaries")
    return {r.queue: round(float(r.age), 1) for r in found}


def outbox_waiting() -> dict[str, Any]:
    """How many rows the relay has not sent, and how old the oldest is: {count, oldest_seconds}."""
    found = db.rows(
        "SELECT count(*) AS waiting, extract(epoch FROM now() - min(created_at)) AS oldest FROM outbox"
        " WHERE sent_at IS NULL"
    )[0]
    return _waiting(found.waiting, found.oldest)


def _waiting(count: int, oldest: Any) -> dict[str, Any]:
    return {"count": count, "oldest_seconds": round(max(0.0, float(oldest or 0)), 1)}


def orders_waiting() -> dict[str, dict[str, Any]]:
    """Orders that are due and that nobody works on, by the class that serves them now: {count, oldest_seconds}."""
    found = {
        r.queue: r
        for r in db.rows(
            """
            SELECT queue, count(*) AS waiting, extract(epoch FROM now() - min(waiting_since)) AS oldest
            FROM order_processing
            WHERE step <> 'done' AND next_run_at <= now() AND (lease_until IS NULL OR lease_until < now())
            GROUP BY queue
            """
        )
    }
    none = _waiting(0, 0)
    return {
        name: _waiting(r.waiting, r.oldest) if (r := found.get(f"orders.{name}")) is not None else dict(none)
        for name in CLASSES
    }


def notifications_waiting() -> dict[str, Any]:
    """Facts to be told and messages to be sent: {count, oldest_seconds}."""
    found = db.rows(
        f"""
        SELECT count(*) AS waiting, extract(epoch FROM now() - min(since)) AS oldest FROM (
            SELECT created_at AS since FROM pending_facts WHERE consumer IN ('accounts', 'notifications')
            UNION ALL SELECT d.next_run_at FROM deliveries d
            WHERE d.state = 'pending' AND d.next_run_at <= now() AND {UNHELD}) w
        """
    )[0]
    return _waiting(found.waiting, found.oldest)


def rates() -> dict[str, float]:
    """Orders placed, confirmed and ended otherwise, per second over the last 10 s."""
    found = db.rows(
        """
        SELECT (SELECT count(*) FROM orders WHERE placed_at > now() - make_interval(secs => :s)) AS placed,
               count(*) FILTER (WHERE o.status IN ('confirmed', 'completed')) AS confirmed, count(*) AS ended
        FROM order_processing p JOIN orders o ON o.id = p.order_id
        WHERE p.ended_at > now() - make_interval(secs => :s)
        """,
        s=RATE_SECONDS,
    )[0]
    return {
        "placed_per_s": round(found.placed / RATE_SECONDS, 1),
        "confirmed_per_s": round(found.confirmed / RATE_SECONDS, 1),
        "failed_per_s": round((found.ended - found.confirmed) / RATE_SECONDS, 1),
    }


_SPREADS = """
SELECT o.priority AS class, GROUPING(o.priority) = 1 AS whole,
       percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY p.started_at - p.waiting_since) AS wait,
       percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY p.ended_at - p.started_at) AS work
FROM order_processing p JOIN orders o ON o.id = p.order_id
WHERE p.ended_at > now() - make_interval(secs => :s) AND p.started_at IS NOT NULL
GROUP BY GROUPING SETS ((o.priority), ())
"""


def spreads() -> dict[str, Any]:
    """p50 and p95 of the wait for a worker by class, and of the work, over the last 30 s; None without orders.

    {wait_ms: {vip: {p50, p95}, ...}, processing_ms: {p50, p95}}
    """
    found = db.rows(_SPREADS, s=SPREAD_SECONDS)
    by_class = {r[0]: r.wait for r in found if not r.whole}
    work = next((r.work for r in found if r.whole), None)
    return {"wait_ms": {name: _spread(by_class.get(name)) for name in CLASSES}, "processing_ms": _spread(work)}


def _spread(pair: Sequence[Any] | None) -> dict[str, float | None]:
    if not pair or pair[0] is None:
        return {"p50": None, "p95": None}
    p50, p95 = (round(max(0.0, value.total_seconds()) * 1000, 1) for value in pair)
    return {"p50": p50, "p95": p95}


def database_now() -> datetime:
    """The database's clock."""
    moment: datetime = db.scalar("SELECT now()")
    return moment


def sums(since: datetime, until: datetime, currency: str) -> tuple[int, int]:
    """Orders placed in [since, until), and the money of the confirmed ones among them in minor units of `currency`."""
    found = db.rows(
        """
        SELECT count(*) AS orders,
               coalesce(sum(total_minor) FILTER (
                   WHERE currency = :currency AND status IN ('confirmed', 'completed')), 0) AS revenue
        FROM orders WHERE placed_at >= :since AND placed_at < :until
        """,
        since=since,
        until=until,
        currency=currency,
    )[0]
    return int(found.orders), int(found.revenue)


def feed(numbers: Sequence[str]) -> list[dict[str, Any]]:
    """How these orders stand now, newest first: {number, status, priority, total, country, at}."""
    found = db.rows(
        "SELECT number, status, priority, total_minor, currency, country, placed_at FROM orders"
        " WHERE number = ANY(:numbers) ORDER BY placed_at DESC, id DESC",
        numbers=list(numbers),
    )
    return [
        {
            "number": r.number,
            "status": r.status,
            "priority": r.priority,
            "total": money(r.total_minor, r.currency),
            "country": r.country,
            "at": rfc3339(r.placed_at),
        }
        for r in found
    ]
