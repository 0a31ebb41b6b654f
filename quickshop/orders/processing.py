"""Bringing an order to its end: authorise, commit stock, capture. Every step may run twice and be cut anywhere.

A worker owns a step by its lease; effect and state change commit together under that lease; calls to the
gateway are made with no transaction open, under a key that survives every crash.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from quickshop.accounts.people import person_key
from quickshop.extensions import settings
from quickshop.inventory import service as inventory
from quickshop.kernel import db, outbox
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import TaskHint
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.log import Move, Overtaken, StepChange, change_step, move
from quickshop.orders.placing import payment_token_place
from quickshop.payments import service as payments
from quickshop.payments.gateways.port import Answer, AnswerState, ChargeRequest, Gateway
from quickshop.payments.gateways.registry import gateway_for
from quickshop.payments.rules import Outcome, judge, wait_seconds

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
TOLD = ("notifications",)


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
    currency: str
    token: str | None  # None once the person was erased
    request_id: str | None
    provider_ref: str | None
    queue: str
    now: datetime


_TAKE = """
WITH p AS (
    UPDATE order_processing SET attempt = attempt + 1, lease_token = :lease,
        lease_until = now() + make_interval(secs => :seconds), started_at = coalesce(started_at, clock_timestamp())
    WHERE order_id = :id AND step <> 'done' AND next_run_at <= now()
      AND (lease_until IS NULL OR lease_until < now())
    RETURNING order_id, step, attempt, queue
)
SELECT o.id AS order_id, o.number, o.user_id, o.status, o.payment_status, p.step, p.attempt, p.queue,
       o.payment_round AS round, o.total_minor, o.currency, o.request_id, pay.provider_ref, now() AS now,
       o.payment_token, o.payment_token_sealed, o.person_id, per.key_id, per.wrapped_key
FROM p JOIN orders o ON o.id = p.order_id JOIN persons per ON per.id = o.person_id
LEFT JOIN payments pay ON pay.order_id = o.id AND pay.round = o.payment_round
"""


def process(order_id: UUID) -> None:
    """Run every step of an order that can run now. Does nothing where another worker owns it or it has ended.

    Trouble ends in a later attempt; after five without progress the order is `on_hold` with `needs_review`.
    """
    gateway = gateway_for(payments.PROVIDER, settings())
    try:
        taken = run_unit(lambda: _take(order_id))
        if taken is None:
            return
        work, attempt = taken
        _run(work, attempt, gateway)
    except Overtaken:
        # Another worker took over after our lease ran out: its writes stand, ours are undone.
        log.info("order %s was taken over", order_id)


def _run(work: Work, attempt: payments.Attempt | None, gateway: Gateway) -> None:
    try:
        if attempt is None:
            return
        ref = work.provider_ref
        if work.step == "authorize":
            ref = _authorize(work, attempt, gateway)
        if ref is not None:
            _capture(work, ref, gateway)
    except Overtaken:
        raise
    except Exception as error:
        log.exception("order %s: step failed", work.number)
        _try_later(work, error)


def _take(order_id: UUID) -> tuple[Work, payments.Attempt | None] | None:
    lease = new_id()
    found = db.row(_TAKE, id=order_id, lease=lease, seconds=settings().lease_seconds)
    if found is None:
        return None
    work = _work(found, lease)
    if work.attempt > MOST_ATTEMPTS:
        _give_up(work, "too_many_attempts")
        return work, None
    kind = work.step
    attempt = payments.begin(order_id, work.round, kind, work.total_minor, work.currency)
    if work.status == "placed":
        move(
            order_id,
            Move((work.status, work.payment_status), "processing", work.payment_status, [Fact("order.processing")]),
            request_id=work.request_id,
        )
    return work, attempt


def _work(taken: Any, lease: UUID) -> Work:
    columns = taken._asdict()
    plain, sealed = columns.pop("payment_token"), columns.pop("payment_token_sealed")
    person_id, key_id, wrapped = (columns.pop(name) for name in ("person_id", "key_id", "wrapped_key"))
    if sealed is not None and wrapped is not None:
        plain = person_key(person_id, key_id, wrapped).unseal(sealed, payment_token_place(taken.order_id))
    return Work(lease=lease, token=plain, **columns)


def _keep(work: Work, step: str, **more: object) -> StepChange:
    return StepChange(work.lease, step, **more)  # type: ignore[arg-type]


def _authorize(work: Work, attempt: payments.Attempt, gateway: Gateway) -> str | None:
    """Ask, or look up what we asked before; the provider's reference where the money can be captured now."""
    if attempt.state == "unknown":
        answer = gateway.look_up(attempt.key)
    elif work.token is None:
        # The person was erased, and the token with their key: nobody can be asked for money any more.
        answer = Answer(AnswerState.DECLINED, code="person_erased")
    else:
        answer = gateway.authorize(ChargeRequest(attempt.key, work.number, work.total_minor, work.currency, work.token))
    if answer.state in (AnswerState.CAPTURED, AnswerState.VOIDED, AnswerState.REFUNDED, AnswerState.REFUSED):
        raise RuntimeError(f"the gateway says {answer.state} to an authorisation")
    if answer.amount_minor is not None and (answer.amount_minor, answer.currency) != (work.total_minor, work.currency):
        raise RuntimeError(f"the gateway speaks of {answer.amount_minor} {answer.currency}, another sum than ours")
    age = max(0.0, (work.now - attempt.created_at).total_seconds())
    outcome = judge(answer, look_ups=attempt.look_ups, age_seconds=age)
    run_unit(lambda: _record_authorization(work, answer, outcome, age))
    return answer.provider_ref if outcome is Outcome.PAID else None


def _record_authorization(work: Work, answer: Answer, outcome: Outcome, age: float) -> None:
    _own(work)
    payments.record_authorization(work.order_id, work.round, answer)
    if outcome is Outcome.PAID:
        _authorized(work)
    elif outcome is Outcome.REFUSED:
        _payment_failed(work, answer.code or str(answer.state))
    elif outcome is Outcome.CHALLENGE and work_status(work) != ("processing", "requires_action"):
        _ask_shopper(work, answer)
    elif outcome is Outcome.GIVE_UP:
        _give_up(work, "payment_unknown")
    else:
        change_step(
            work.order_id,
            _keep(work, "authorize", run_in_seconds=wait_seconds(age), error=f"payment {answer.state} {answer.code}"),
        )


def work_status(work: Work) -> tuple[str, str]:
    """Status and payment status the order has while a worker owns it: taking it made a placed one processing."""
    return ("processing" if work.status == "placed" else work.status, work.payment_status)


def _own(work: Work) -> None:
    """Lock the step before anything else is touched: lock order is order, stock, counters."""
    owned = db.scalar(
        "SELECT 1 FROM order_processing p JOIN orders o ON o.id = p.order_id"
        " WHERE p.order_id = :id AND p.lease_token = :lease FOR UPDATE",
        id=work.order_id,
        lease=work.lease,
    )
    if not owned:
        raise Overtaken("This step belongs to another worker.")


def _authorized(work: Work) -> None:
    if not inventory.commit(work.order_id):
        raise RuntimeError("no live stock hold to commit")
    payments.begin(work.order_id, work.round, "capture", work.total_minor, work.currency)
    status, _ = work_status(work)
    move(
        work.order_id,
        Move(work_status(work), status, "authorized", [Fact("order.payment_authorized")]),
        request_id=work.request_id,
        step=_keep(work, "capture", lease_seconds=settings().lease_seconds),
    )


def _payment_failed(work: Work, code: str) -> None:
    inventory.release(work.order_id)
    move(
        work.order_id,
        Move(
            work_status(work),
            "payment_failed",
            "failed",
            [Fact("order.payment_failed", {"code": code}, consumers=TOLD)],
            failure_code=code,
        ),
        request_id=work.request_id,
        step=_keep(work, "done"),
    )


def _ask_shopper(work: Work, answer: Answer) -> None:
    status, _ = work_status(work)
    move(
        work.order_id,
        Move(
            work_status(work),
            status,
            "requires_action",
            [Fact("order.payment_action_required", {"next_action": answer.next_action}, consumers=TOLD)],
            next_action=answer.next_action,
        ),
        request_id=work.request_id,
        step=_keep(work, "authorize", run_in_seconds=15.0),
    )


def _give_up(work: Work, why: str) -> None:
    # Stock stays held: the money may be reserved, so a person decides what becomes of both.
    move(
        work.order_id,
        Move(
            (work.status, work.payment_status) if work.status == "placed" else work_status(work),
            "on_hold",
            work.payment_status,
            [Fact("order.on_hold", {"reason": "needs_review", "cause": why}, consumers=TOLD)],
            hold_reason="needs_review",
        ),
        request_id=work.request_id,
        step=_keep(work, "done", error=why),
    )


def _capture(work: Work, ref: str, gateway: Gateway) -> None:
    """Take the reserved money. The same key is used however often this runs."""
    key = payments.attempt_key(work.order_id, work.round, "capture")
    answer = gateway.capture(ref, key, work.total_minor)
    run_unit(lambda: _record_capture(work, answer))


def _record_capture(work: Work, answer: Answer) -> None:
    if answer.state not in (AnswerState.CAPTURED, AnswerState.UNKNOWN):
        raise RuntimeError(f"the gateway says {answer.state} {answer.code} to a capture")
    payments.record_capture(work.order_id, work.round, answer)
    if answer.state is AnswerState.UNKNOWN:
        change_step(work.order_id, _keep(work, "capture", run_in_seconds=wait_seconds(2.0), error="capture unknown"))
        return
    move(
        work.order_id,
        Move(
            ("processing", "authorized"),
            "confirmed",
            "captured",
            [Fact("order.confirmed", consumers=TOLD)],
            confirmed=True,
            spent_minor=work.total_minor,
        ),
        request_id=work.request_id,
        step=_keep(work, "done"),
    )


def _try_later(work: Work, error: Exception) -> None:
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


def _present_step(work: Work) -> str:
    step = db.scalar("SELECT step FROM order_processing WHERE order_id = :id", id=work.order_id)
    return str(step)


def wake(order_id: UUID) -> None:
    """Have a waiting order looked at now (a webhook came, the shopper acted). Does nothing once it has ended."""
    queue = db.scalar(
        "UPDATE order_processing SET next_run_at = least(next_run_at, now())"
        " WHERE order_id = :id AND step <> 'done' RETURNING queue",
        id=order_id,
    )
    if queue:
        outbox.write(tasks=[TaskHint("orders.process", queue, (str(order_id),))])
