"""What staff note when a return arrives: how much of it came, and what of that can be sold again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid
from quickshop.kernel.events import Fact
from quickshop.returns import locking
from quickshop.returns.states import State


@dataclass(frozen=True)
class Arrived:
    """Units of a line that came, and how many of them can be sold again; the others are written off."""

    received: int
    restocked: int


_LINES = """
SELECT r.line_id, l.position + 1 AS line, l.variant_id, r.quantity
FROM return_lines r JOIN order_lines l ON l.id = r.line_id WHERE r.return_id = :id ORDER BY l.position
"""


def receive(return_id: UUID, arrived: Mapping[int, Arrived], request_id: str | None) -> None:
    """Note that an approved return arrived, by the place of each line in the order; what is not named did not come.

    What did not come can be announced again. Once only: raises WrongState for the second time. Raises NotFound,
    Invalid. Records `order.return_received`, a movement of stock for every line, and the new fulfilment status.
    """
    found, order = locking.with_order(return_id)
    locking.enter(found, State.RECEIVED, received_at=order.now)
    lines = db.rows(_LINES, id=return_id)
    _check(lines, arrived)
    locking.announce({line.line_id: -line.quantity for line in lines})
    came = {line.line_id: arrived.get(line.line, Arrived(0, 0)) for line in lines}
    locking.come_back({line_id: units.received for line_id, units in came.items()})
    db.run_many(
        "UPDATE return_lines SET received = :received, restocked = :restocked"
        " WHERE return_id = :id AND line_id = :line",
        [
            {"id": return_id, "line": line_id, "received": units.received, "restocked": units.restocked}
            for line_id, units in came.items()
        ],
    )
    _stock(order.id, lines, came)
    locking.tell(order.id, Fact("order.return_received", {"return": found.number}), request_id)


def _check(lines: list[Any], arrived: Mapping[int, Arrived]) -> None:
    most = {line.line: line.quantity for line in lines}
    for place, units in arrived.items():
        if place not in most:
            raise Invalid({"lines": [f"Line {place} is not in this return."]})
        if not 0 <= units.restocked <= units.received <= most[place]:
            raise Invalid({"lines": [f"Of line {place} at most {most[place]} came, and no more can be sold again."]})


def _stock(order_id: UUID, lines: list[Any], came: Mapping[UUID, Arrived]) -> None:
    """Two lines may be of one variant: its units are counted together."""
    whole: dict[UUID, int] = {}
    broken: dict[UUID, int] = {}
    for line in lines:
        units = came[line.line_id]
        whole[line.variant_id] = whole.get(line.variant_id, 0) + units.restocked
        broken[line.variant_id] = broken.get(line.variant_id, 0) + units.received - units.restocked
    inventory.take_back(order_id, whole, broken)
