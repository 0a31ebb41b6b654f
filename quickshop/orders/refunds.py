"""The ledger of money given back: each refund is a row that says for which lines, for how much shipping, with which
tax, and where the money goes. The card's part is a step of work like any other (`undoing`); credit is back at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.kernel import db, facts
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import Money, money
from quickshop.kernel.outbox import TaskHint, dump
from quickshop.orders import giving_back, progress, steps
from quickshop.orders.errors import NotRefundable
from quickshop.orders.giving_back import Freight, Paid, Share
from quickshop.orders.log import Move, move
from quickshop.orders.steps import TOLD
from quickshop.payments import service as payments
from quickshop.promotions import crediting
from quickshop.promotions import service as promotions

ORIGINAL, STORE_CREDIT = "original", "store_credit"


@dataclass(frozen=True)
class Back:
    """What of a line goes back: so many units at their price, or an amount of its price (for units or for none)."""

    quantity: int = 0
    amount_minor: int | None = None


@dataclass(frozen=True)
class Given:
    """A refund as it was written. Amounts in minor units."""

    id: UUID
    number: int
    currency: str
    amount_minor: int
    card_minor: int
    credit_minor: int
    store_credit_minor: int

    @property
    def at_once_minor(self) -> int:
        """What is back already: all but the card's part."""
        return self.credit_minor + self.store_credit_minor


@dataclass(frozen=True)
class _Book:
    """What was paid for an order and what of it went back, under its lock."""

    lines: list[Paid]
    freight: Freight
    left_minor: int
    currency: str


_LOCK = """
SELECT o.id, o.number, o.user_id, o.status, o.payment_status, o.hold_reason, o.currency, p.step
FROM order_processing p JOIN orders o ON o.id = p.order_id WHERE o.id = :id FOR UPDATE
"""
# `refunded` speaks of the card: what credit paid may still be there.
PAID = ("captured", "partially_refunded", "refunded")


def give_back(
    order_id: UUID,
    cause: str,
    by: str,
    *,
    lines: Mapping[UUID, Back] | None = None,
    shipping_minor: int = 0,
    amount_minor: int | None = None,
    to: str = ORIGINAL,
    reason: str | None = None,
    request_id: str | None = None,
) -> Given:
    """Give money back for an order that is paid: for lines and shipping, or `amount_minor` for nothing in particular.

    Writes; the caller commits. `by` is shopper, staff or shop; `reason` is for staff, never about a person. To
    `original` the card gets its money first, then what gift cards and store credit had paid; `store_credit` makes it
    credit of the member. Raises NotFound, NotRefundable with what is `left`, Invalid for lines or amounts that cannot
    be. Records `order.refund_requested`; `order.refunded` follows, at once for what is credit.
    """
    order = db.row(_LOCK, id=order_id)
    if order is None:
        raise NotFound("order")
    if order.payment_status not in PAID:
        raise NotRefundable("Nothing was taken for this order.")
    book = _book(order.id)
    if not book.left_minor:
        raise NotRefundable("All of it went back.", left=money(0, order.currency))
    shares, freight = _wanted(book, lines or {}, shipping_minor, amount_minor)
    amount = sum(s.amount_minor for s in shares) + freight
    if not 0 < amount <= book.left_minor:
        raise _too_much(book)
    given = _write(order, cause, by, book, shares, freight, _sources(order, amount, to))
    tasks = _ask_card(order, given, reason)
    _tell(order, given, request_id, tasks)
    return given


def _book(order_id: UUID) -> _Book:
    progress.ensure(order_id)
    found = progress.lines(order_id)
    guard = db.run("SELECT * FROM order_given_back WHERE order_id = :id FOR UPDATE", id=order_id).one()
    order = db.run("SELECT shipping_tax_minor, currency FROM orders WHERE id = :id", id=order_id).one()
    return _Book(
        [Paid(p.id, p.ordered, p.paid_minor, p.given_back_minor, p.tax_minor, p.refunded_units) for p in found],
        Freight(guard.shipping_minor, guard.shipping_given_minor, order.shipping_tax_minor),
        guard.total_minor - guard.given_minor,
        order.currency,
    )


def _wanted(
    book: _Book, lines: Mapping[UUID, Back], shipping_minor: int, amount_minor: int | None
) -> tuple[list[Share], int]:
    if amount_minor is not None:
        if lines or shipping_minor:
            raise Invalid({"amount": ["Either an amount, or lines and shipping."]})
        if not 0 < amount_minor <= book.left_minor:
            raise _too_much(book)
        return giving_back.spread(book.lines, book.freight, amount_minor)
    if not 0 <= shipping_minor <= book.freight.left_minor:
        raise Invalid({"shipping": [f"At most {book.freight.left_minor} minor units are left of it."]})
    known = {line.id: line for line in book.lines}
    if set(lines) - set(known):
        raise Invalid({"lines": ["Not a line of this order."]})
    shares = [_share(known[line_id], back) for line_id, back in sorted(lines.items())]
    return shares, shipping_minor


def _share(line: Paid, back: Back) -> Share:
    if back.amount_minor is None:
        return giving_back.of_units(line, back.quantity)
    return giving_back.of_amount(line, back.amount_minor, back.quantity)


def _too_much(book: _Book) -> NotRefundable:
    return NotRefundable(
        "Less than that is left, or nothing was asked for.", left=money(book.left_minor, book.currency)
    )


_INSERT = """
WITH guard AS (
    UPDATE order_given_back SET given_minor = given_minor + :amount, refunds = refunds + 1,
        shipping_given_minor = shipping_given_minor + :shipping
    WHERE order_id = :order RETURNING refunds
), made AS (
    INSERT INTO refunds (id, order_id, number, cause, currency, amount_minor, card_minor, credit_minor,
                         store_credit_minor, shipping_minor, tax_minor, by)
    SELECT :id, :order, refunds, :cause, :currency, :amount, :card, :credit, :store, :shipping, :tax, :by FROM guard
), shares AS (
    SELECT * FROM jsonb_to_recordset(CAST(:shares AS jsonb)) AS s (line uuid, quantity int, amount bigint, tax bigint)
), told AS (
    UPDATE line_progress p SET given_back_minor = p.given_back_minor + s.amount FROM shares s WHERE p.line_id = s.line
), lines AS (
    INSERT INTO refund_lines (refund_id, line_id, quantity, amount_minor, tax_minor)
    SELECT :id, line, quantity, amount, tax FROM shares
)
SELECT refunds FROM guard
"""


def _write(
    order: Any,
    cause: str,
    by: str,
    book: _Book,
    shares: Sequence[Share],
    shipping_minor: int,
    parts: tuple[int, int, int],
) -> Given:
    """Write the row. `parts` are the card's, the credit's that paid, and the new store credit's; they sum to it."""
    (card, credit, store), amount, refund_id = parts, sum(parts), new_id()
    number = db.scalar(
        _INSERT,
        id=refund_id,
        order=order.id,
        cause=cause,
        by=by,
        currency=order.currency,
        amount=amount,
        card=card,
        credit=credit,
        store=store,
        shipping=shipping_minor,
        tax=min(amount, giving_back.tax_of(shares, book.freight, shipping_minor)),
        shares=dump(
            [
                {"line": str(s.line_id), "quantity": s.quantity, "amount": s.amount_minor, "tax": s.tax_minor}
                for s in shares
            ]
        ),
    )
    facts.leave("invoices", "order.refund", {"order_id": str(order.id)})  # each row gets a credit note
    return Given(refund_id, int(number), order.currency, amount, card, credit, store)


def _sources(order: Any, amount: int, to: str) -> tuple[int, int, int]:
    if to == STORE_CREDIT:
        if order.user_id is None:
            raise Invalid({"to": ["A guest has no account for store credit."]})
        return 0, 0, amount
    taken = payments.taken(order.id)
    card, credit = giving_back.sources(
        amount,
        card_left_minor=taken.left_minor if taken else 0,
        credit_left_minor=promotions.credit_left(order.id),
    )
    if card + credit < amount:
        raise NotRefundable("The rest of it was given as store credit.", left=money(card + credit, order.currency))
    return card, credit, 0


def _ask_card(order: Any, given: Given, reason: str | None) -> list[TaskHint]:
    """Set what does not need the card in motion, ask for the card's part, and hint whoever makes it."""
    if given.credit_minor:
        promotions.give_back_credit(order.id, given.credit_minor)
    if given.store_credit_minor:
        crediting.refund(order.user_id, order.id, Money(given.store_credit_minor, given.currency))
    if not given.card_minor:
        return []
    taken = payments.taken(order.id)
    assert taken is not None  # the card's part is never more than is left of what was taken
    payments.ask_refund(order.id, taken.round, given.card_minor, reason)
    # Whoever makes refunds of this order now finds the new one behind the others.
    queue = None if order.step in ("refund", "void") else steps.start(order.id, "refund")
    return [TaskHint("orders.process", queue, (str(order.id),))] if queue else []


def _tell(order: Any, given: Given, request_id: str | None, tasks: Sequence[TaskHint]) -> None:
    data = {"amount": money(given.amount_minor, given.currency), "refund": given.number}
    told = [Fact("order.refund_requested", data)]
    if given.at_once_minor:
        back = {"amount": money(given.at_once_minor, given.currency), "to": "credit", "refund": given.number}
        told.append(Fact("order.refunded", back, consumers=TOLD))
    was = (order.status, order.payment_status)
    move(
        order.id,
        Move(
            was,
            order.status,
            _payment_status(order),
            told,
            hold_reason=order.hold_reason,
            tasks=tasks,
            spent_minor=-given.at_once_minor,
        ),
        request_id=request_id,
    )


def _payment_status(order: Any) -> str:
    """The card's money decides; where no card paid, all that went back does."""
    if payments.taken(order.id) is not None:
        return str(order.payment_status)
    left = db.scalar("SELECT total_minor - given_minor FROM order_given_back WHERE order_id = :id", id=order.id)
    return "partially_refunded" if left else "refunded"


def all_left(order: Any, by: str) -> Given | None:
    """Write that everything which is left goes back, for a cancelled order; None where nothing is left.

    `order` has id, user_id and currency, and is locked. Nothing is set in motion: the caller gives back the credit and
    asks the card for its part. What went back at the provider without us counts as the card's.
    """
    book = _book(order.id)
    if not book.left_minor:
        return None
    shares, freight = giving_back.of_all(book.lines, book.freight)
    taken = payments.taken(order.id)
    card_left = taken.left_minor if taken else 0
    _, credit = giving_back.sources(
        book.left_minor, card_left_minor=card_left, credit_left_minor=promotions.credit_left(order.id)
    )
    parts = (book.left_minor - credit, credit, 0)
    return _write(order, "cancellation", by, book, shares, freight, parts)


_REFUNDS = """
SELECT r.*, (SELECT jsonb_agg(jsonb_build_object('line', l.position + 1, 'sku', l.sku, 'name', l.name,
                 'quantity', s.quantity, 'amount', s.amount_minor, 'tax', s.tax_minor) ORDER BY l.position)
             FROM refund_lines s JOIN order_lines l ON l.id = s.line_id WHERE s.refund_id = r.id) AS lines
FROM refunds r WHERE r.order_id = :id ORDER BY r.number
"""


def refunds_of(order_id: UUID) -> list[dict[str, Any]]:
    """Every refund of an order with what it was for, oldest first."""
    return [_document(row) for row in db.rows(_REFUNDS, id=order_id)]


def _document(row: Any) -> dict[str, Any]:
    names = ("amount", "card", "credit", "store_credit", "shipping", "tax")
    return {
        "number": row.number,
        "cause": row.cause,
        "by": row.by,
        "at": rfc3339(row.at),
        **{name: money(getattr(row, f"{name}_minor"), row.currency) for name in names},
        "lines": [
            {**s, "amount": money(s["amount"], row.currency), "tax": money(s["tax"], row.currency)}
            for s in row.lines or ()
        ],
    }
