"""The way back of an order's money: letting go what is reserved, giving back what was taken. Steps like the others:
each may run twice and be cut anywhere, and every call to the gateway has its row and its key before it is made.

`void` undoes the payment of a cancelled order, whatever became of it; `refund` makes the refunds that were asked for.
"""

from __future__ import annotations

from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.events import Fact
from quickshop.kernel.money import money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import steps
from quickshop.orders.log import Move, StepChange, change_step, move
from quickshop.orders.steps import TOLD, Work
from quickshop.payments import breaks
from quickshop.payments import service as payments
from quickshop.payments.breaks import Break
from quickshop.payments.gateways.port import Answer, AnswerState, Gateway
from quickshop.payments.rules import KEYS_LAST_SECONDS, LOOK_UPS_UNTIL_LOST, UNKNOWN_SECONDS, wait_seconds

STEPS = ("void", "refund")

_RESERVED = (AnswerState.AUTHORIZED, AnswerState.REQUIRES_ACTION, AnswerState.PENDING)
_TAKEN = (AnswerState.CAPTURED, AnswerState.REFUNDED)
_NOTHING = (AnswerState.DECLINED, AnswerState.VOIDED)


def run(work: Work, gateway: Gateway) -> None:
    """Let go what is reserved, give back what was taken. Trouble is the caller's."""
    if work.step == "refund" or _let_go(work, gateway):
        _give_back(work, gateway)


def give_up(work: Work) -> None:
    """Leave the money to a person: a break tells staff of it. In the unit in hand."""
    breaks.note(
        Break(
            "undo_failed",
            work.provider,
            _charge(work),
            work.currency,
            0,
            work.due_minor,
            work.order_id,
            work.provider_ref,
            f"{work.step} did not come to its end",
        )
    )
    change_step(
        work.order_id, steps.keep(work, "done", error="too_many_attempts", outcome="gave_up", stopped="undo_failed")
    )


def _charge(work: Work) -> str:
    """The key of the charge, which names it in breaks."""
    return payments.attempt_key(work.order_id, work.round, "authorize")


# --- void ----------------------------------------------------------------------------------------------


def _let_go(work: Work, gateway: Gateway) -> bool:
    """Void the reservation of a cancelled order; True where the money was taken and must be given back."""
    asked = run_unit(lambda: payments.attempt_of(work.order_id, work.round, "authorize"))
    if asked is None:
        run_unit(lambda: _nothing_reserved(work))
        return False
    # What the provider says now, not what we knew: a call that was under way may have come to anything.
    seen = gateway.look_up(asked.key, work.provider_ref, asked.created_at)
    if seen.state in _RESERVED:
        run_unit(lambda: _begin_void(work))
        answer = gateway.void(str(seen.provider_ref), payments.attempt_key(work.order_id, work.round, "void"))
        run_unit(lambda: _record_void(work, asked, answer))
        return False
    return run_unit(lambda: _record_seen(work, asked, seen))


def _begin_void(work: Work) -> None:
    steps.own(work)
    payments.begin(work.order_id, work.round, "void", work.due_minor, work.currency)


def _record_void(work: Work, asked: payments.Attempt, answer: Answer) -> None:
    steps.own(work)
    if answer.state not in (AnswerState.VOIDED, AnswerState.UNKNOWN):
        # It was captured after we looked, say: the next look decides. What stays so ends with a person.
        raise RuntimeError(f"the gateway says {answer.state} {answer.code} to a void")
    payments.record_void(work.order_id, work.round, answer)
    if answer.state is AnswerState.UNKNOWN:
        _look_again(work, asked)
    else:
        _nothing_reserved(work)


def _record_seen(work: Work, asked: payments.Attempt, seen: Answer) -> bool:
    steps.own(work)
    if seen.state in _TAKEN:
        _found_taken(work, seen)
        return True
    if seen.state is AnswerState.NOT_FOUND:
        payments.count_unseen(work.order_id, work.round)
    if seen.state in _NOTHING or (seen.state is AnswerState.NOT_FOUND and asked.look_ups + 1 >= LOOK_UPS_UNTIL_LOST):
        _nothing_reserved(work)
    else:
        _look_again(work, asked)
    return False


def _look_again(work: Work, asked: payments.Attempt) -> None:
    age = max(0.0, (work.now - asked.created_at).total_seconds())
    if age > UNKNOWN_SECONDS:
        _note_unknown(work, "payment_unknown", _charge(work), work.due_minor)
    change_step(work.order_id, _later(work, "void", age))


def _later(work: Work, step: str, age: float) -> StepChange:
    return steps.keep(work, step, run_in_seconds=wait_seconds(age), error=f"{step}_unknown")


def _note_unknown(work: Work, kind: str, subject: str, amount_minor: int) -> None:
    # Asking goes on, with the same key; staff are told that it takes so long.
    provider, currency = work.provider, work.currency
    breaks.note(Break(kind, provider, subject, currency, 0, amount_minor, work.order_id, work.provider_ref))


def _nothing_reserved(work: Work) -> None:
    payments.record_nothing_reserved(work.order_id, work.round)
    breaks.gone(_charge(work), "payment_unknown", "undo_failed", "still_reserved")
    done = steps.keep(work, "done")
    if work.payment_status == "voided":
        change_step(work.order_id, done)
        return
    voided = Move(work.standing, work.status, "voided", [Fact("order.payment_voided")])
    move(work.order_id, voided, request_id=work.request_id, step=done)


def _found_taken(work: Work, seen: Answer) -> None:
    """The money was taken after all: the order says so, and the whole of it goes back."""
    payments.record_taken(work.order_id, work.round, seen)
    breaks.gone(_charge(work), "payment_unknown")
    taken = payments.taken(work.order_id)
    if taken is not None and taken.left_minor:
        payments.ask_refund(work.order_id, work.round, taken.left_minor, None)
    was = work.payment_status
    for status in _on_the_way(was):
        fact = Fact("order.payment_captured" if status == "captured" else "order.payment_authorized")
        move(work.order_id, Move((work.status, was), work.status, status, [fact]), request_id=work.request_id)
        was = status
    change_step(work.order_id, steps.go_on(work, "refund"))


def _on_the_way(payment_status: str) -> list[str]:
    """The states through which an order comes to be captured."""
    if payment_status == "authorized":
        return ["captured"]
    return ["authorized", "captured"] if payment_status in ("pending", "requires_action") else []


# --- refunds -------------------------------------------------------------------------------------------


def _give_back(work: Work, gateway: Gateway) -> None:
    """Make the refunds that were asked for, one after the other, until one of them must wait."""
    refund = run_unit(lambda: _next_refund(work))
    while refund is not None:
        answer = gateway.refund(_ref(work), refund.key, refund.amount_minor)
        refund = run_unit(lambda refund=refund, answer=answer: _record_refund(work, refund, answer))  # type: ignore[misc]


def _ref(work: Work) -> str:
    found = run_unit(lambda: payments.reference(work.order_id, work.round)) if not work.provider_ref else None
    return str(work.provider_ref or found)


def _next_refund(work: Work) -> payments.Refund | None:
    steps.own(work)
    found = payments.next_refund(work.order_id)
    if found is None:
        _settle(work)
    return found


def _record_refund(work: Work, refund: payments.Refund, answer: Answer) -> payments.Refund | None:
    """Note the outcome; the refund that comes next, or None where there is none or it must wait."""
    steps.own(work)
    age = max(0.0, (work.now - refund.created_at).total_seconds())
    if answer.state is AnswerState.UNKNOWN:
        return _refund_unknown(work, refund, answer, age)
    if answer.state not in (AnswerState.REFUNDED, AnswerState.REFUSED):
        raise RuntimeError(f"the gateway says {answer.state} {answer.code} to a refund")
    payments.record_refund(refund.key, answer)
    if answer.state is AnswerState.REFUSED:
        _note_refused(work, refund, answer)
    else:
        breaks.gone(refund.key, "refund_unknown")
        _refunded(work, refund)
    return _next_refund(work)


def _refund_unknown(work: Work, refund: payments.Refund, answer: Answer, age: float) -> payments.Refund | None:
    payments.record_refund(refund.key, answer)
    if age > UNKNOWN_SECONDS:
        _note_unknown(work, "refund_unknown", refund.key, refund.amount_minor)
    if age > KEYS_LAST_SECONDS:
        # The provider may have forgotten the key: asking again could give the money back twice.
        payments.give_up_refund(refund.key)
        return _next_refund(work)
    change_step(work.order_id, _later(work, "refund", age))
    return None


def _note_refused(work: Work, refund: payments.Refund, answer: Answer) -> None:
    breaks.note(
        Break(
            "refund_refused",
            work.provider,
            refund.key,
            work.currency,
            refund.amount_minor,
            0,
            work.order_id,
            work.provider_ref,
            answer.code,
        )
    )
    amount = money(refund.amount_minor, work.currency)
    tell_refund(work.order_id, Fact("order.refund_failed", {"amount": amount, "code": answer.code}))


def _refunded(work: Work, refund: payments.Refund) -> None:
    amount = money(refund.amount_minor, work.currency)
    tell_refund(work.order_id, Fact("order.refunded", {"amount": amount}, consumers=TOLD), refund.amount_minor)


def tell_refund(order_id: UUID, fact: Fact, given_back_minor: int = 0) -> None:
    """Write what came of a refund, with the payment status that the money taken and given back make."""
    taken = payments.taken(order_id)
    order = db.run(
        "SELECT status, payment_status, hold_reason, request_id FROM orders WHERE id = :id", id=order_id
    ).one()
    now = order.payment_status
    # What was found to be taken after all stays voided: nothing of it is left.
    if given_back_minor and taken is not None and now != "voided":
        now = "refunded" if taken.refunded_minor == taken.captured_minor else "partially_refunded"
    # A cancelled order was taken off what the member has spent as a whole.
    spent = 0 if order.status == "cancelled" else -given_back_minor
    was = (order.status, order.payment_status)
    told = Move(was, order.status, now, [fact], hold_reason=order.hold_reason, spent_minor=spent)
    move(order_id, told, request_id=order.request_id)


def _settle(work: Work) -> None:
    """All refunds are made: the work has ended."""
    breaks.gone(_charge(work), "undo_failed")
    change_step(work.order_id, steps.keep(work, "done"))
