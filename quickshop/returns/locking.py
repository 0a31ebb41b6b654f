"""The locks that every verb of returns takes, in the order of all work on orders, and the log's entry that follows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.states import WrongState
from quickshop.orders import goods, progress
from quickshop.orders.steps import TOLD
from quickshop.returns.rules import Bought
from quickshop.returns.states import MACHINE, State

_ORDER = """
SELECT o.id, o.number, o.user_id, o.person_id, o.status, o.payment_status, o.fulfilment_status, o.hold_reason,
       o.packing_at, o.currency, w.step, per.key_id, per.wrapped_key, now() AS now
FROM order_processing w JOIN orders o ON o.id = w.order_id JOIN persons per ON per.id = o.person_id
WHERE {which} FOR UPDATE OF w, o
"""


def order_by_number(number: str) -> Any:
    """The order, locked after its work. Raises NotFound."""
    return _order("o.number = :key", number)


def order_by_id(order_id: UUID) -> Any:
    """The order, locked after its work. Raises NotFound."""
    return _order("o.id = :key", order_id)


def _order(which: str, key: Any) -> Any:
    found = db.row(_ORDER.format(which=which), key=key)
    if found is None:
        raise NotFound("order")
    return found


def with_order(return_id: UUID) -> tuple[Any, Any]:
    """A return and its order, both locked. Raises NotFound."""
    order_id = db.scalar("SELECT order_id FROM returns WHERE id = :id", id=return_id)
    if order_id is None:
        raise NotFound("return")
    order = order_by_id(order_id)
    return db.run("SELECT * FROM returns WHERE id = :id FOR UPDATE", id=return_id).one(), order


def demand(found: Any, after: State) -> None:
    """Raise WrongState where a locked return cannot come into this state."""
    MACHINE.check(found.state, after)


def enter(found: Any, after: State, **columns: Any) -> None:
    """Bring a locked return into another state, with what is written beside it. Raises WrongState."""
    demand(found, after)
    named = "".join(f", {name} = :{name}" for name in columns)
    changed = db.run(
        f"UPDATE returns SET state = :after{named} WHERE id = :id AND state = :before",
        id=found.id,
        after=str(after),
        before=found.state,
        **columns,
    )
    if not changed.rowcount:
        raise WrongState("The return has changed meanwhile.", state=found.state)


_BOUGHT = """
SELECT l.id, l.position + 1 AS line, l.variant_id,
       coalesce(p.delivered - p.returned - p.announced, 0) AS left,
       (SELECT max(c.delivered_at) FROM parcel_lines x JOIN parcels c ON c.id = x.parcel_id
        WHERE x.line_id = l.id AND c.state = 'delivered') AS delivered_at
FROM order_lines l LEFT JOIN line_progress p ON p.line_id = l.id WHERE l.order_id = :id ORDER BY l.position
"""


def bought(order_id: UUID) -> dict[int, Bought]:
    """The lines of an order by their place, with what of them may come back."""
    return {row.line: Bought(**row._asdict()) for row in db.rows(_BOUGHT, id=order_id)}


def announce(units: dict[UUID, int]) -> None:
    """Promise delivered units to a return, or (below zero) let them go. The database refuses more than there are."""
    for line_id in sorted(units):
        db.run("UPDATE line_progress SET announced = announced + :n WHERE line_id = :id", n=units[line_id], id=line_id)


def come_back(units: dict[UUID, int]) -> None:
    """Count delivered units as back. The database refuses more than were delivered."""
    progress.change("returned", {line: n for line, n in units.items() if n})


def tell(order_id: UUID, fact: Fact, request_id: str | None) -> None:
    """Write what happened into the order's log, with the fulfilment status that its units make now."""
    told = Fact(fact.type, fact.data, consumers=TOLD)
    goods.tell(goods.lock_id(order_id), [told], request_id=request_id)
