"""A step of work on an order: taking it by a lease, what was taken, and giving it back. The steps themselves are
in `processing` (towards the shopper's goods) and `undoing` (back towards their money).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from quickshop.accounts.people import person_key
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.log import PASSED, WAS, Overtaken, StepChange, change_step
from quickshop.orders.placing import payment_token_place

MOST_ATTEMPTS = 5
TOLD = ("notifications",)
# Who is told what puts an order on paper; of money that goes back `refunds` tells by itself.
BILLED = (*TOLD, "invoices")


@dataclass(frozen=True)
class Work:
    """A step taken: the order as it was then, and the lease that fences every write."""

    order_id: UUID
    number: str
    user_id: UUID | None
    status: str
    payment_status: str
    step: str
    attempt: int
    lease: UUID
    round: int
    total_minor: int
    due_minor: int  # what a card must pay of the total
    currency: str
    token: str | None  # None once the person was erased
    request_id: str | None
    provider: str
    provider_ref: str | None
    queue: str
    now: datetime

    @property
    def standing(self) -> tuple[str, str]:
        """Status and payment status the order has while a worker owns it: taking it made a placed one processing."""
        return ("processing" if self.status == "placed" else self.status, self.payment_status)


_TAKE = """
WITH p AS (
    UPDATE order_processing SET attempt = attempt + 1, lease_token = :lease,
        lease_until = now() + make_interval(secs => :seconds), started_at = coalesce(started_at, clock_timestamp()),
        taken_at = coalesce(taken_at, clock_timestamp()),
        tries = tries + CASE WHEN attempt < :most THEN 1 ELSE 0 END
    WHERE order_id = :id AND step <> 'done' AND next_run_at <= now()
      AND (lease_until IS NULL OR lease_until < now())
    RETURNING order_id, step, attempt, queue
)
SELECT o.id AS order_id, o.number, o.user_id, o.status, o.payment_status, p.step, p.attempt, p.queue,
       o.payment_round AS round, o.total_minor, o.total_minor - o.credit_minor AS due_minor, o.currency, o.request_id,
       coalesce(pay.provider, :provider) AS provider, pay.provider_ref, now() AS now,
       o.payment_token, o.payment_token_sealed, o.person_id, per.key_id, per.wrapped_key
FROM p JOIN orders o ON o.id = p.order_id JOIN persons per ON per.id = o.person_id
LEFT JOIN payments pay ON pay.order_id = o.id AND pay.round = o.payment_round
"""


def take(order_id: UUID) -> Work | None:
    """Take an order's step, in the unit in hand; None where somebody owns it, it is not due, or it has ended."""
    lease = new_id()
    found = db.row(
        _TAKE,
        id=order_id,
        lease=lease,
        seconds=settings().lease_seconds,
        provider=settings().payment_provider,
        most=MOST_ATTEMPTS,
    )
    return None if found is None else _work(found, lease)


def _work(taken: Any, lease: UUID) -> Work:
    columns = taken._asdict()
    plain, sealed = columns.pop("payment_token"), columns.pop("payment_token_sealed")
    person_id, key_id, wrapped = (columns.pop(name) for name in ("person_id", "key_id", "wrapped_key"))
    if sealed is not None and wrapped is not None:
        plain = person_key(person_id, key_id, wrapped).unseal(sealed, payment_token_place(taken.order_id))
    return Work(lease=lease, token=plain, **columns)


def own(work: Work) -> None:
    """Lock the step before anything else is touched: lock order is order, stock, counters."""
    owned = db.scalar(
        "SELECT 1 FROM order_processing p JOIN orders o ON o.id = p.order_id"
        " WHERE p.order_id = :id AND p.lease_token = :lease FOR UPDATE",
        id=work.order_id,
        lease=work.lease,
    )
    if not owned:
        raise Overtaken("This step belongs to another worker.")


def keep(work: Work, step: str, **more: object) -> StepChange:
    """What becomes of the step, under the work's lease."""
    return StepChange(work.lease, step, **more)  # type: ignore[arg-type]


def go_on(work: Work, step: str) -> StepChange:
    """Keep the order for the step that follows, with the lease's time begun anew."""
    return keep(work, step, lease_seconds=settings().lease_seconds)


def try_later(work: Work, error: Exception) -> None:
    """Give the step back with the reason; the attempt stays counted, so that trouble without end has an end."""
    delay = random.uniform(0.5, 1.0) * min(60.0, 2.0**work.attempt)
    change = StepChange(
        work.lease,
        run_unit(lambda: _present_step(work)),
        run_in_seconds=delay,
        reset_attempts=False,
        error=f"{type(error).__name__}: {error}"[:500],
    )
    run_unit(lambda: change_step(work.order_id, change))


def let_go(work: Work) -> None:
    """Give a step back at once, where it is still ours; its attempt stays counted."""
    db.run(
        "UPDATE order_processing SET lease_token = NULL, lease_until = NULL"
        " WHERE order_id = :id AND lease_token = :lease AND step <> 'done'",
        id=work.order_id,
        lease=work.lease,
    )


def _present_step(work: Work) -> str:
    step = db.scalar("SELECT step FROM order_processing WHERE order_id = :id", id=work.order_id)
    return str(step)


_START = (
    WAS.format(which="order_id = :id")
    + """, p AS (
    UPDATE order_processing t SET step = :step, attempt = 0, lease_token = NULL, lease_until = NULL,
        next_run_at = CASE WHEN :step = 'done' THEN NULL ELSE now() + make_interval(secs => :run_in) END,
        hinted_at = now(), waiting_since = now(), started_at = NULL,
        ended_at = CASE WHEN :step = 'done' THEN clock_timestamp() END, last_error = NULL,
        position = CASE WHEN t.step IN ('done', :step) THEN t.position ELSE t.position + 1 END,
        entered_at = CASE WHEN t.step = :step THEN t.entered_at ELSE clock_timestamp() END,
        taken_at = CASE WHEN t.step = :step THEN t.taken_at END,
        tries = CASE WHEN t.step = :step THEN t.tries ELSE 0 END,
        retries = CASE WHEN t.step = :step THEN t.retries ELSE '[]' END
    FROM was WHERE t.order_id = was.order_id RETURNING t.order_id, t.step, t.queue
)"""
    + PASSED
    + """
SELECT queue FROM p
"""
)


def start(order_id: UUID, step: str, run_in_seconds: float = 0.0) -> str:
    """Begin other work on an order, whatever was being done: who owned a step before hits no row. The caller holds
    the lock and sends the hint; the queue that serves the order is the answer.
    """
    found = db.scalar(_START, id=order_id, step=step, run_in=run_in_seconds, outcome="cancelled", error=None)
    return str(found)


def end(order_id: UUID, outcome: str = "cancelled") -> None:
    """End the work on an order as it stands. The caller holds the lock."""
    db.run(
        WAS.format(which="order_id = :id")
        + """, p AS (
            UPDATE order_processing t SET step = 'done', lease_token = NULL, lease_until = NULL, next_run_at = NULL,
                ended_at = coalesce(ended_at, clock_timestamp()),
                position = CASE WHEN t.step = 'done' THEN t.position ELSE t.position + 1 END,
                tries = 0, retries = '[]'
            FROM was WHERE t.order_id = was.order_id RETURNING t.order_id, t.step
        )"""
        + PASSED
        + " SELECT order_id FROM p",
        id=order_id,
        outcome=outcome,
        error=None,
    )


# --- waiting for a person ----------------------------------------------------------------------------------


def wait_for_person(order_id: UUID, why: str) -> None:
    """From now on a person has to act, and why; what work there is goes on. The caller holds the lock."""
    db.run(
        "UPDATE order_processing SET stopped_at = coalesce(stopped_at, clock_timestamp()), stopped_why = :why"
        " WHERE order_id = :id",
        id=order_id,
        why=why,
    )


def waited(order_id: UUID, outcome: str) -> None:
    """The person acted: the wait becomes a stage of its own. The caller holds the lock. Safe to run twice."""
    db.run(
        """
        WITH was AS (
            SELECT order_id, position, stopped_at, stopped_why FROM order_processing
            WHERE order_id = :id AND stopped_at IS NOT NULL FOR UPDATE
        ), p AS (
            UPDATE order_processing t SET stopped_at = NULL, stopped_why = NULL, position = t.position + 1
            FROM was WHERE t.order_id = was.order_id
        )
        INSERT INTO order_stages (order_id, position, stage, entered_at, ended_at, attempts, outcome, wait_reason,
            retries)
        SELECT order_id, position, 'hold', stopped_at, clock_timestamp(), 0, :outcome, stopped_why, '[]' FROM was
        """,
        id=order_id,
        outcome=outcome,
    )
