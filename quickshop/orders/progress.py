"""How far the lines of an order have come: rows beside the lines, made when the first thing happens to an order.

Everything here runs under the order's lock, which the caller holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quickshop.kernel import db

# What was paid for a line is its total, with the tax that came on top; what is left of the order's total was paid for
# shipping, so that lines and shipping sum to it however tax and discounts lay.
_ENSURE = """
WITH paid AS (
    SELECT l.id, l.order_id, l.quantity, l.position,
           l.total_minor + CASE WHEN l.tax_included THEN 0 ELSE l.tax_minor END AS minor
    FROM order_lines l WHERE l.order_id = :id
), lines AS (
    INSERT INTO line_progress (line_id, order_id, ordered, paid_minor)
    SELECT id, order_id, quantity, minor FROM paid ORDER BY position ON CONFLICT DO NOTHING
)
INSERT INTO order_given_back (order_id, total_minor, shipping_minor)
SELECT o.id, o.total_minor, o.total_minor - (SELECT coalesce(sum(minor), 0) FROM paid) FROM orders o WHERE o.id = :id
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Line:
    """A line with how far it has come. Units and minor units; `tax_minor` is what its whole price contains."""

    id: UUID
    position: int
    sku: str
    name: str
    variant_id: UUID
    ordered: int
    cancelled: int
    packed: int
    shipped: int
    delivered: int
    returned: int
    paid_minor: int
    given_back_minor: int
    tax_minor: int
    refunded_units: int

    @property
    def coming(self) -> int:
        """Units that are to be sent in all."""
        return self.ordered - self.cancelled

    @property
    def to_pack(self) -> int:
        """Units that are in no parcel yet."""
        return self.coming - self.packed


_LINES = """
SELECT l.id, l.position, l.sku, l.name, l.variant_id, p.ordered, p.cancelled, p.packed, p.shipped, p.delivered,
       p.returned, p.paid_minor, p.given_back_minor, l.tax_minor,
       (SELECT coalesce(sum(r.quantity), 0)::int FROM refund_lines r WHERE r.line_id = l.id) AS refunded_units
FROM order_lines l JOIN line_progress p ON p.line_id = l.id WHERE l.order_id = :id ORDER BY l.position
"""


def ensure(order_id: UUID) -> None:
    """Make the rows where they are not there yet."""
    db.run(_ENSURE, id=order_id)


def lines(order_id: UUID) -> list[Line]:
    """The lines in their order, with how far they have come; the rows must be there (`ensure`)."""
    return [Line(**row._asdict()) for row in db.rows(_LINES, id=order_id)]


def change(column: str, by_line: dict[UUID, int]) -> None:
    """Add units, or take them off, in one of the counters. The database refuses what cannot be."""
    if column not in ("cancelled", "packed", "shipped", "delivered", "returned"):
        raise ValueError(column)
    for line_id in sorted(by_line):
        db.run(
            f"UPDATE line_progress SET {column} = {column} + :n WHERE line_id = :id",
            n=by_line[line_id],
            id=line_id,
        )
