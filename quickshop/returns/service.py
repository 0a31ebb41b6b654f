"""Asking for a return, taking the wish back, and what staff decide of it. Each verb writes; the caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from quickshop.accounts.people import person_key
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.orders.viewers import Viewer
from quickshop.returns import locking, rules
from quickshop.returns.errors import NotReturnable, PhotoMissing
from quickshop.returns.rules import Bought, Wish, WishedLine
from quickshop.returns.states import FAULTS, Resolution, State
from quickshop.shop.queries import return_terms

# Nothing was delivered of these, or nobody knows.
_NEVER = ("cancelled", "payment_failed", "placed", "processing")


def ask(number: str, viewer: Viewer, wish: Wish, request_id: str | None) -> UUID:
    """Announce that units of an order come back; the return's id.

    The units are promised to this return, so that none is announced twice. Raises NotFound, Invalid, NotReturnable
    with the lines that cannot come back. Records `order.return_requested`, and `order.return_approved` where the shop
    approves by itself.
    """
    order = locking.order_by_number(number)
    if not viewer.may_see(order.id, order.user_id) or order.wrapped_key is None:
        raise NotFound("order")
    rules.check_form(wish, member=order.user_id is not None)
    terms = return_terms()
    bought = locking.bought(order.id)
    refused = rules.refusals(wish, bought, terms, order.now)
    if refused or order.status in _NEVER:
        raise NotReturnable(_words(refused, bought, terms), lines=refused)
    _check_exchanges(wish, bought)
    return_id, place = _write(order, wish, bought)
    locking.announce({bought[wished.line].id: wished.quantity for wished in wish.lines})
    locking.tell(order.id, Fact("order.return_requested", {"return": place}), request_id)
    if terms.approve_by_itself and not (terms.photo_for_faults and _faulty(w.reason for w in wish.lines)):
        approve(return_id, None, request_id)
    return return_id


def _faulty(reasons: Any) -> bool:
    return any(reason in FAULTS for reason in reasons)


def _words(refused: Sequence[dict[str, Any]], bought: dict[int, Bought], terms: Any) -> str:
    if not refused:
        return "Nothing of this order was delivered yet."
    first = refused[0]
    line = bought[first["line"]]
    if first["reason"] == "not_so_many":
        return f"Of line {first['line']} no more than {first['left']} can come back."
    last = rules.until(line, first["for"], terms)
    ended = f" It could be announced until {last.date().isoformat()}." if last else ""
    return f"It is too late to return line {first['line']} for this reason.{ended}"


# Of the same product, and not dearer than what it stands for is today.
_SUITS = """
SELECT 1 FROM variants w JOIN variants v ON v.product_id = w.product_id
WHERE v.id = :had AND w.id = :wanted AND w.price_minor <= v.price_minor
"""


def _check_exchanges(wish: Wish, bought: dict[int, Bought]) -> None:
    for wished in wish.lines:
        had, wanted = bought[wished.line].variant_id, wished.exchange_variant_id
        if wanted is not None and wanted != had and not db.scalar(_SUITS, had=had, wanted=wanted):
            raise Invalid({"lines": ["Exchange it for the same product, in a kind that does not cost more."]})


_INSERT = """
INSERT INTO returns (id, order_id, person_id, number, resolution, note)
SELECT :id, :order, :person, 1 + count(*), :resolution, :note FROM returns WHERE order_id = :order RETURNING number
"""
_INSERT_LINE = """
INSERT INTO return_lines (return_id, line_id, quantity, reason, exchange_variant_id)
VALUES (:id, :line, :quantity, :reason, :wanted)
"""


def _write(order: Any, wish: Wish, bought: dict[int, Bought]) -> tuple[UUID, int]:
    return_id = new_id()
    person = person_key(order.person_id, order.key_id, order.wrapped_key)
    note = person.seal(wish.note, f"returns/note/{return_id}") if wish.note else None
    place = db.scalar(
        _INSERT, id=return_id, order=order.id, person=order.person_id, resolution=wish.resolution, note=note
    )
    db.run_many(_INSERT_LINE, [_line(return_id, wish, wished, bought[wished.line]) for wished in wish.lines])
    return return_id, int(place)


def _line(return_id: UUID, wish: Wish, wished: WishedLine, line: Bought) -> dict[str, Any]:
    wanted = (wished.exchange_variant_id or line.variant_id) if wish.resolution == Resolution.EXCHANGE else None
    return {
        "id": return_id,
        "line": line.id,
        "quantity": wished.quantity,
        "reason": wished.reason,
        "wanted": wanted,
    }


def withdraw(number: str, place: int, viewer: Viewer, request_id: str | None) -> None:
    """Take a return back before its goods arrived: the shopper keeps them. Again changes nothing.

    Raises NotFound, WrongState. Records `order.return_withdrawn`.
    """
    order = locking.order_by_number(number)
    found = db.row("SELECT * FROM returns WHERE order_id = :id AND number = :n FOR UPDATE", id=order.id, n=place)
    if found is None or not viewer.may_see(order.id, order.user_id):
        raise NotFound("return")
    if found.state == State.WITHDRAWN:
        return
    locking.enter(found, State.WITHDRAWN, decided_at=found.decided_at or order.now, ended_at=order.now)
    _let_go(found.id)
    locking.tell(order.id, Fact("order.return_withdrawn", {"return": found.number}), request_id)


def _let_go(return_id: UUID) -> None:
    lines = db.rows("SELECT line_id, quantity FROM return_lines WHERE return_id = :id", id=return_id)
    locking.announce({line.line_id: -line.quantity for line in lines})


def approve(return_id: UUID, by: UUID | None, request_id: str | None) -> None:
    """Let the goods come: the shopper gets a label. Again changes nothing.

    Raises NotFound, WrongState, PhotoMissing. Records `order.return_approved`.
    """
    found, order = locking.with_order(return_id)
    if found.state == State.APPROVED:
        return
    if return_terms().photo_for_faults and not _shown(return_id):
        raise PhotoMissing("Ask for a picture of what is broken first.")
    locking.enter(found, State.APPROVED, decided_at=order.now, decided_by=by)
    locking.tell(order.id, Fact("order.return_approved", {"return": found.number}), request_id)


def _shown(return_id: UUID) -> bool:
    """Whether there is a picture, or nothing is said to be the shop's fault."""
    lines = db.rows("SELECT reason FROM return_lines WHERE return_id = :id", id=return_id)
    if not _faulty(line.reason for line in lines):
        return True
    return bool(db.scalar("SELECT count(*) FROM return_photos WHERE return_id = :id", id=return_id))


def reject(return_id: UUID, answer: str, by: UUID | None, request_id: str | None) -> None:
    """Refuse a return, or what came of it, with words for the shopper, never about a person.

    What arrived stays counted as back; nothing is given for it. Raises NotFound, WrongState. Records
    `order.return_rejected`.
    """
    found, order = locking.with_order(return_id)
    came = found.state == State.RECEIVED
    locking.enter(
        found,
        State.REJECTED,
        answer=answer,
        decided_at=found.decided_at or order.now,
        decided_by=by,
        ended_at=order.now,
    )
    if not came:
        _let_go(return_id)
    locking.tell(order.id, Fact("order.return_rejected", {"return": found.number}), request_id)
