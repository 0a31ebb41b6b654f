"""Whether an order goes on at once, waits for its shopper's word, or for staff: nothing is authorised before that.

The score is `security.fraud`; this file tells it what was seen, holds the order, and takes the decision. An order on
hold keeps its stock until it is decided or its time is over; then it is cancelled and gives everything back. The card
is asked of its provider, who knows it under every token; where that does not answer, the token stands for the card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.outbox import TaskHint, dump
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import cancelling, signals, steps
from quickshop.orders.errors import NotWaiting
from quickshop.orders.log import Move, move
from quickshop.orders.states import HoldReason
from quickshop.orders.steps import TOLD, Work
from quickshop.orders.viewers import Viewer
from quickshop.payments.gateways.port import Gateway, StoredCard
from quickshop.security import audit, fraud
from quickshop.security.fraud import Decision, Policy, Rule
from quickshop.shop.queries import high_value_minor, risk_policy

HOLDS = {
    Decision.CONFIRM: HoldReason.SHOPPER_CONFIRMATION,
    Decision.REVIEW: HoldReason.FRAUD_REVIEW,
}
_EXPIRED_AT_ONCE = 100

_USED = """(SELECT count(*) FROM (SELECT FROM order_signals x WHERE x.{column} = s.{column}
    AND x.at > now() - make_interval(mins => :{column}_minutes) LIMIT :{column}_most) q) AS {column}"""
_BY = """SELECT order_id, round FROM order_signals x WHERE x.{column} = s.{column}{declined}
    AND x.at > now() - make_interval(mins => :{name}_minutes) LIMIT :{name}_most"""


def _either(name: str, columns: Sequence[str], declined: str = "") -> str:
    """How many share one of these with the order: what several of them say is told once."""
    parts = " UNION ".join(f"({_BY.format(column=c, name=name, declined=declined)})" for c in columns)
    return f"(SELECT count(*) FROM ({parts}) q) AS {name}"


# A card is known by the token that was given for it, and by itself. An account and a card share most of their declines.
_CARD = _either("card", ("card", "fingerprint"))
_DECLINED = _either("declines", ("account", "card", "fingerprint"), " AND x.declined")
_OF_CARDS = (Rule.CARD, Rule.COUNTRIES, Rule.DECLINES)
_MORE = {Rule.CARD: _CARD, Rule.DECLINES: _DECLINED}
_COLUMNS = {Rule.ACCOUNT: "account", Rule.CARD: "card", Rule.ADDRESS: "address", Rule.DEVICE: "device"}
# What was judged in this round, or asked of a provider, is not looked at again.
_NEW = """NOT EXISTS (SELECT FROM order_risks r WHERE r.order_id = s.order_id AND r.round = s.round)
  AND NOT EXISTS (SELECT FROM payment_attempts a WHERE a.order_id = s.order_id AND a.round = s.round)"""
_SEEN = """
SELECT s.countries, s.card_country, extract(epoch FROM now() - u.created_at)::float8 / 3600 AS hours{counts}
FROM order_signals s JOIN orders o ON o.id = s.order_id LEFT JOIN users u ON u.id = o.user_id
WHERE s.order_id = :id AND s.round = :round AND {new}
"""


def card_matters(work: Work) -> bool:
    """Whether an order is still to be looked at, and by a rule that goes by its card."""
    if not _looked_at(work) or not work.due_minor or work.token is None:
        return False
    weights = risk_policy().weights
    if not any((w := weights.get(rule)) and w.on and w.points for rule in _OF_CARDS):
        return False
    return work.status == "placed" or _new_round(work)


def _new_round(work: Work) -> bool:
    sql = f"SELECT 1 FROM order_signals s WHERE s.order_id = :id AND s.round = :round AND {_NEW}"
    return bool(db.scalar(sql, id=work.order_id, round=work.round))


def card_of(work: Work, gateway: Gateway) -> StoredCard | None:
    """What the provider tells of an order's card now; None where it tells nothing. Not inside a unit."""
    return gateway.describe(str(work.token)).card


def _looked_at(work: Work) -> bool:
    return work.step == "authorize" and (work.status == "placed" or work.round > 1)


def held(work: Work, card: StoredCard | None = None) -> bool:
    """Look at an order before anything is asked of its card; whether it now waits for somebody. In the unit in hand.

    Records `order.on_hold`, and in the audit log why.
    """
    if not _looked_at(work):
        return False
    if card is not None:
        signals.note_card(work.order_id, work.round, card.fingerprint, card.country)
    policy = risk_policy()
    seen = _seen(work, policy)
    if seen is None:
        return False
    reasons = fraud.reasons(seen, policy)
    score = fraud.score(reasons)
    if not score:
        return False
    decision = fraud.decide(score, policy)
    _keep(work, score, reasons, decision, policy)
    if decision is Decision.PASS:
        return False
    _hold(work, score, reasons, HOLDS[decision])
    return True


def _seen(work: Work, policy: Policy) -> fraud.Seen | None:
    counts, values = [], dict[str, Any]()
    asked: dict[Rule, str] = {}
    for rule in fraud.COUNTED:
        weight = policy.weights.get(rule)
        if weight is None or not weight.on or not weight.points:
            continue
        column = asked[rule] = _COLUMNS.get(rule, "declines")
        counts.append(_MORE.get(rule) or _USED.format(column=column))
        values |= {f"{column}_minutes": weight.minutes, f"{column}_most": weight.limit + 1}
    sql = _SEEN.format(new=_NEW, counts="".join(f", {count}" for count in counts))
    found = db.row(sql, id=work.order_id, round=work.round, **values)
    if found is None:
        return None
    dear = high_value_minor(work.currency)
    return fraud.Seen(
        counts={rule: getattr(found, column) for rule, column in asked.items()},
        countries=frozenset(found.countries) | ({found.card_country} if found.card_country else set()),
        account_hours=found.hours,
        high_value=dear is not None and work.total_minor >= dear,
    )


def _keep(work: Work, score: int, reasons: list[fraud.Reason], decision: Decision, policy: Policy) -> None:
    hours = {Decision.CONFIRM: policy.confirm_hours, Decision.REVIEW: policy.review_hours}.get(decision)
    db.run(
        """
        INSERT INTO order_risks (order_id, round, score, reasons, outcome, expires_at)
        VALUES (:id, :round, :score, CAST(:reasons AS jsonb), :outcome, now() + make_interval(hours => :hours))
        ON CONFLICT (order_id) DO UPDATE SET round = EXCLUDED.round, score = EXCLUDED.score,
            reasons = EXCLUDED.reasons, outcome = EXCLUDED.outcome, expires_at = EXCLUDED.expires_at,
            scored_at = now(), decided = NULL, decided_by = NULL, decided_at = NULL
        """,
        id=work.order_id,
        round=work.round,
        score=score,
        reasons=dump([asdict(reason) for reason in reasons]),
        outcome=str(decision),
        hours=hours,
    )


def _hold(work: Work, score: int, reasons: list[fraud.Reason], why: HoldReason) -> None:
    move(
        work.order_id,
        Move(
            (work.status, work.payment_status),
            "on_hold",
            work.payment_status,
            [Fact("order.on_hold", {"reason": str(why)}, consumers=TOLD)],
            hold_reason=str(why),
        ),
        request_id=work.request_id,
        step=steps.keep(work, "done", outcome="held", stopped=str(why)),
    )
    data = {"reason": str(why), "score": score, "rules": [reason.rule for reason in reasons]}
    audit.record("order.held", target=f"order:{work.number}", data=data)


# --- decisions -----------------------------------------------------------------------------------------

# Locks as a worker does: the work, then the order.
_LOCK = """
SELECT o.id, o.number, o.user_id, o.status, o.payment_status, o.hold_reason
FROM order_processing p JOIN orders o ON o.id = p.order_id WHERE o.number = :number FOR UPDATE
"""


def confirm(number: str, viewer: Viewer, request_id: str | None) -> UUID:
    """The shopper says that it is them: the order goes on; its id. Again changes nothing. Writes; the caller commits.

    Raises NotFound, NotWaiting. Records `order.released`.
    """
    order = _locked(number, viewer)
    if _decided(order.id) == "confirmed":
        return _id(order)
    _release(order, "confirmed", "shopper", (HoldReason.SHOPPER_CONFIRMATION,), None, request_id)
    audit.record("order.confirmed_by_shopper", target=f"order:{number}")
    return _id(order)


def approve(number: str, staff_id: UUID | None, request_id: str | None) -> UUID:
    """Staff let a risky order go on; its id. Writes; the caller commits. Raises NotFound, NotWaiting.

    Records `order.released`.
    """
    order = _locked(number, Viewer(staff=True))
    _release(order, "approved", "staff", tuple(HOLDS.values()), staff_id, request_id)
    return _id(order)


def reject(number: str, staff_id: UUID | None, request_id: str | None) -> UUID:
    """Staff refuse a risky order: it is cancelled and gives everything back; its id. Writes; the caller commits.

    Raises NotFound, NotWaiting. Records `order.cancelled`.
    """
    order = _locked(number, Viewer(staff=True))
    _check_waiting(order, tuple(HOLDS.values()))
    _decide(order.id, "rejected", staff_id)
    return cancelling.cancel(number, Viewer(staff=True), request_id, by="staff")


def expire() -> int:
    """Cancel the orders whose time to be decided is over; how many. Runs its own units.

    Records `order.cancelled`, and in the audit log why.
    """
    with reading():
        due = db.rows(
            """
            SELECT o.number FROM order_risks r JOIN orders o ON o.id = r.order_id
            WHERE r.decided IS NULL AND r.expires_at <= now() AND o.status = 'on_hold'
            ORDER BY r.expires_at LIMIT :most
            """,
            most=_EXPIRED_AT_ONCE,
        )
    return sum(run_unit(lambda number=row.number: _expire(number)) for row in due)  # type: ignore[misc]


def _expire(number: str) -> bool:
    order = _locked(number, Viewer(staff=True))
    over = db.scalar(
        "SELECT expires_at <= now() FROM order_risks WHERE order_id = :id AND decided IS NULL", id=order.id
    )
    if not over or order.hold_reason not in HOLDS.values():
        return False  # somebody decided meanwhile
    _decide(order.id, "expired", None)
    cancelling.cancel(number, Viewer(staff=True), None, by="time_limit")
    audit.record("order.hold_expired", target=f"order:{number}")
    return True


def _locked(number: str, viewer: Viewer) -> Any:
    order = db.row(_LOCK, number=number)
    if order is None or not viewer.may_see(order.id, order.user_id):
        raise NotFound("order")
    return order


def _id(order: Any) -> UUID:
    found: UUID = order.id
    return found


def _decided(order_id: UUID) -> str | None:
    found: str | None = db.scalar("SELECT decided FROM order_risks WHERE order_id = :id", id=order_id)
    return found


def _check_waiting(order: Any, reasons: tuple[HoldReason, ...]) -> None:
    if order.status != "on_hold" or order.hold_reason not in reasons:
        raise NotWaiting(f"The order is {order.status}; nobody is asked about it.")


def _decide(order_id: UUID, decided: str, by: UUID | None) -> None:
    db.run(
        "UPDATE order_risks SET decided = :decided, decided_by = CAST(:by AS uuid), decided_at = now()"
        " WHERE order_id = :id",
        id=order_id,
        decided=decided,
        by=by,
    )


def _release(
    order: Any, decided: str, by: str, reasons: tuple[HoldReason, ...], staff_id: UUID | None, request_id: str | None
) -> None:
    _check_waiting(order, reasons)
    _decide(order.id, decided, staff_id)
    steps.waited(order.id, "released")
    queue = steps.start(order.id, "authorize")
    move(
        order.id,
        Move(
            ("on_hold", order.payment_status),
            "processing",
            order.payment_status,
            [Fact("order.released", {"by": by})],
            tasks=[TaskHint("orders.process", queue, (str(order.id),))],
        ),
        request_id=request_id,
    )
