"""Bringing an order to its end: authorise, commit stock, capture. Every step may run twice and be cut anywhere.

A worker owns a step by its lease; effect and state change commit together under that lease; calls to the
gateway are made with no transaction open, under a key that survives every crash.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from uuid import UUID

from quickshop.extensions import settings
from quickshop.inventory import service as inventory
from quickshop.kernel import db, outbox
from quickshop.kernel.events import Fact
from quickshop.kernel.outbox import TaskHint
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import signals, steps, undoing, verifying
from quickshop.orders.freeing import let_go
from quickshop.orders.log import Move, Overtaken, change_step, move
from quickshop.orders.steps import BILLED, TOLD, Work
from quickshop.payments import breaks
from quickshop.payments import service as payments
from quickshop.payments.breaks import Break
from quickshop.payments.gateways.port import Answer, AnswerState, ChargeRequest, Gateway, unknown
from quickshop.payments.gateways.registry import gateway_for
from quickshop.payments.rules import Outcome, judge, wait_seconds

log = logging.getLogger(__name__)


def process(order_id: UUID) -> None:
    """Run every step of an order that can run now. Does nothing where another worker owns it or it has ended.

    Trouble ends in a later attempt; after five without progress the order is `on_hold` with `needs_review`.
    """
    taken = None
    try:
        taken = run_unit(lambda: _take(order_id))
        if taken is not None:
            _run(taken)
    except Overtaken:
        # Another worker took over after our lease ran out, or the order was changed while we took its step: what they
        # wrote stands, ours is undone, and whoever owns the step goes on.
        log.info("order %s was taken over", order_id)
        if taken is not None:
            run_unit(lambda: steps.let_go(taken.work))


@dataclass(frozen=True)
class _Taken:
    """A step, with the attempt that it is about: None for the way back, where nothing is due, and where not `begun`.

    What is not begun is an order whose card its provider has to tell of before anything else.
    """

    work: Work
    attempt: payments.Attempt | None = None
    begun: bool = True


def _run(taken: _Taken) -> None:
    work = taken.work
    try:
        if work.step not in undoing.STEPS and work.due_minor == 0:
            run_unit(lambda: _nothing_due(work))
            return
        gateway = gateway_for(work.provider, settings())
        attempt = taken.attempt if taken.begun else _begin_with_card(work, gateway)
        if attempt is None:
            if taken.begun:
                undoing.run(work, gateway)
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
        steps.try_later(work, error)


def _take(order_id: UUID) -> _Taken | None:
    """The step, taken; None where there is nothing to do."""
    work = steps.take(order_id)
    if work is None:
        return None
    back = work.step in undoing.STEPS
    if work.attempt > steps.MOST_ATTEMPTS:
        undoing.give_up(work) if back else _give_up(work, "too_many_attempts")
        return None
    if verifying.card_matters(work):
        return _Taken(work, begun=False)
    if verifying.held(work):
        return None
    return _Taken(work, _begin(work))


def _begin(work: Work) -> payments.Attempt | None:
    """Write what is about to be asked for, and that the order is worked on."""
    attempt = None
    if work.step not in undoing.STEPS and work.due_minor:
        attempt = payments.begin(work.order_id, work.round, work.step, work.due_minor, work.currency)
    if work.status == "placed":
        move(
            work.order_id,
            Move((work.status, work.payment_status), "processing", work.payment_status, [Fact("order.processing")]),
            request_id=work.request_id,
        )
    return attempt


def _begin_with_card(work: Work, gateway: Gateway) -> payments.Attempt | None:
    """Have the provider tell of the card, judge the order, and begin; None where it now waits for somebody."""
    card = verifying.card_of(work, gateway)

    def begin() -> payments.Attempt | None:
        steps.own(work)
        return None if verifying.held(work, card) else _begin(work)

    return run_unit(begin)


def _authorize(work: Work, attempt: payments.Attempt, gateway: Gateway) -> str | None:
    """Ask, or look up what we asked before; the provider's reference where the money can be captured now."""
    if attempt.state == "unknown":
        answer = gateway.look_up(attempt.key, work.provider_ref, attempt.created_at)
    elif work.token is None:
        # The person was erased, and the token with their key: nobody can be asked for money any more.
        answer = Answer(AnswerState.DECLINED, code="person_erased")
    else:
        answer = gateway.authorize(ChargeRequest(attempt.key, work.number, work.due_minor, work.currency, work.token))
    if answer.state is AnswerState.VOIDED:
        # Let go by us, before we were cut, or by hand at the provider: a definite no.
        answer = Answer(AnswerState.DECLINED, answer.provider_ref, "challenge_expired")
    if answer.state in (AnswerState.CAPTURED, AnswerState.REFUNDED, AnswerState.REFUSED):
        raise RuntimeError(f"the gateway says {answer.state} to an authorisation")
    if answer.amount_minor is not None and (answer.amount_minor, answer.currency) != (work.due_minor, work.currency):
        raise RuntimeError(f"the gateway speaks of {answer.amount_minor} {answer.currency}, another sum than ours")
    age = max(0.0, (work.now - attempt.created_at).total_seconds())
    outcome = judge(answer, look_ups=attempt.look_ups, age_seconds=age)
    if outcome is Outcome.EXPIRED:
        answer, outcome = _expire(work, answer, gateway)
    run_unit(lambda: _record_authorization(work, answer, outcome, age))
    return answer.provider_ref if outcome is Outcome.PAID else None


def _expire(work: Work, answer: Answer, gateway: Gateway) -> tuple[Answer, Outcome]:
    """Let go what the shopper did not confirm in time, so that a late confirmation reserves nothing.

    Only then the payment has failed. A void that is refused or unanswered is followed by another look.
    """
    run_unit(lambda: _begin_void(work))
    voided = gateway.void(str(answer.provider_ref), payments.attempt_key(work.order_id, work.round, "void"))
    if voided.state is AnswerState.VOIDED:
        return Answer(AnswerState.DECLINED, answer.provider_ref, "challenge_expired"), Outcome.REFUSED
    return unknown(f"void_{voided.state}"), Outcome.WAIT


def _begin_void(work: Work) -> None:
    steps.own(work)
    payments.begin(work.order_id, work.round, "void", work.due_minor, work.currency)


def _record_authorization(work: Work, answer: Answer, outcome: Outcome, age: float) -> None:
    steps.own(work)
    payments.record_authorization(work.order_id, work.round, answer)
    if outcome is Outcome.PAID:
        _authorized(work)
    elif outcome is Outcome.REFUSED:
        _payment_failed(work, answer.code or str(answer.state))
    elif outcome is Outcome.CHALLENGE and work.standing != ("processing", "requires_action"):
        _ask_shopper(work, answer)
    elif outcome is Outcome.GIVE_UP:
        _give_up(work, "payment_unknown")
    else:
        change_step(
            work.order_id,
            steps.keep(
                work, "authorize", run_in_seconds=wait_seconds(age), error=f"payment_{answer.state}: {answer.code}"
            ),
        )


def _authorized(work: Work) -> None:
    if not inventory.commit(work.order_id):
        raise RuntimeError("no live stock hold to commit")
    payments.begin_along(work.order_id, work.round, "capture", work.due_minor, work.currency)
    status, _ = work.standing
    move(
        work.order_id,
        Move(work.standing, status, "authorized", [Fact("order.payment_authorized")]),
        request_id=work.request_id,
        step=steps.go_on(work, "capture"),
    )


def _nothing_due(work: Work) -> None:
    """Confirm an order that no card has to pay for: the same states and facts, and no gateway."""
    steps.own(work)
    if not inventory.commit(work.order_id):
        raise RuntimeError("no live stock hold to commit")
    status, _ = work.standing
    paid = Move(work.standing, status, "authorized", [Fact("order.payment_authorized")])
    move(work.order_id, paid, request_id=work.request_id)
    _confirm(work)


def _payment_failed(work: Work, code: str) -> None:
    payments.record_nothing_reserved(work.order_id, work.round)
    signals.note_decline(work.order_id, work.round)
    let_go(work.order_id)
    move(
        work.order_id,
        Move(
            work.standing,
            "payment_failed",
            "failed",
            [Fact("order.payment_failed", {"code": code}, consumers=TOLD)],
            failure_code=code,
        ),
        request_id=work.request_id,
        step=steps.keep(work, "done", error=code, outcome="refused"),
    )


def _ask_shopper(work: Work, answer: Answer) -> None:
    status, _ = work.standing
    move(
        work.order_id,
        Move(
            work.standing,
            status,
            "requires_action",
            [Fact("order.payment_action_required", {"next_action": answer.next_action}, consumers=TOLD)],
            next_action=answer.next_action,
        ),
        request_id=work.request_id,
        step=steps.keep(work, "authorize", run_in_seconds=15.0),
    )


def _give_up(work: Work, why: str) -> None:
    """Leave the order to a person: it is on hold, and a break tells staff what nobody knows of the money.

    Stock stays held: the money may be reserved, so whoever decides says what becomes of both.
    """
    if payments.give_up(work.order_id, work.round, work.step):
        charge = payments.attempt_key(work.order_id, work.round, "authorize")
        left = (work.due_minor, 0, work.order_id, work.provider_ref, why)
        breaks.note(Break("payment_unknown", work.provider, charge, work.currency, *left))
    move(
        work.order_id,
        Move(
            (work.status, work.payment_status) if work.status == "placed" else work.standing,
            "on_hold",
            work.payment_status,
            [Fact("order.on_hold", {"reason": "needs_review", "cause": why}, consumers=TOLD)],
            hold_reason="needs_review",
        ),
        request_id=work.request_id,
        step=steps.keep(work, "done", error=why, outcome="gave_up", stopped="needs_review"),
    )


def _capture(work: Work, ref: str, gateway: Gateway) -> None:
    """Take the reserved money. The same key is used however often this runs."""
    key = payments.attempt_key(work.order_id, work.round, "capture")
    answer = gateway.capture(ref, key, work.due_minor)
    run_unit(lambda: _record_capture(work, answer))


def _record_capture(work: Work, answer: Answer) -> None:
    if answer.state not in (AnswerState.CAPTURED, AnswerState.UNKNOWN):
        raise RuntimeError(f"the gateway says {answer.state} {answer.code} to a capture")
    payments.record_capture(work.order_id, work.round, answer)
    if answer.state is AnswerState.UNKNOWN:
        change_step(
            work.order_id, steps.keep(work, "capture", run_in_seconds=wait_seconds(2.0), error="capture_unknown")
        )
        return
    _confirm(work)


def _confirm(work: Work) -> None:
    move(
        work.order_id,
        Move(
            ("processing", "authorized"),
            "confirmed",
            "captured",
            [Fact("order.confirmed", consumers=BILLED)],
            confirmed=True,
            spent_minor=work.total_minor,
            orders=1,
        ),
        request_id=work.request_id,
        step=steps.keep(work, "done"),
    )


def wake(order_id: UUID) -> None:
    """Have a waiting order looked at now (a webhook came, the shopper acted). Does nothing once it has ended."""
    queue = db.scalar(
        "UPDATE order_processing SET next_run_at = least(next_run_at, now())"
        " WHERE order_id = :id AND step <> 'done' RETURNING queue",
        id=order_id,
    )
    if queue:
        outbox.write(tasks=[TaskHint("orders.process", queue, (str(order_id),))])
