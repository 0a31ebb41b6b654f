"""Orders that arrived, and returns of them at every stage. Needs an active application context."""

from datetime import timedelta
from uuid import UUID

from quickshop.kernel import clock
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import packing, processing, tracking
from quickshop.orders.viewers import Viewer
from quickshop.returns import cancellations, receiving, service, settling
from quickshop.returns.receiving import Arrived
from quickshop.returns.rules import Wish, WishedLine
from quickshop.shipping.carriers.port import Seen
from tests.factories.shop import a_confirmed_order, come_due, look

STAFF = Viewer(staff=True)


def deliver(order, days_ago=0, units=None):
    """All of an order arrives in one parcel (or so many units of its lines, by their place)."""
    parcel = run_unit(lambda: packing.pack(order.number, units, None))
    at = clock.now() - timedelta(days=days_ago)
    seen = Seen(f"arrived:{parcel}", str(parcel), "delivered", at)
    assert run_unit(lambda: tracking.record(parcel, seen))
    return order


def a_delivered_order(items=None, days_ago=0, **more):
    """A paid order that arrived."""
    return deliver(a_confirmed_order(items=items, **more), days_ago)


def pack(order):
    """Pack all of an order; nothing leaves."""
    run_unit(lambda: packing.pack(order.number, None, None))
    return order


def ask(order, units=1, line=1, reason="changed_mind", resolution="refund", viewer=STAFF, note=None, wanted=None):
    """Announce that units of a line come back; the return's id."""
    wish = Wish([WishedLine(line, units, reason, wanted)], resolution, note)
    return run_unit(lambda: service.ask(order.number, viewer, wish, None))


def approve(return_id):
    """Let it come."""
    run_unit(lambda: service.approve(return_id, None, None))


def reject(return_id, answer="Worn"):
    """Refuse it."""
    run_unit(lambda: service.reject(return_id, answer, None, None))


def receive(return_id, received=1, restocked=None, line=1):
    """It arrives."""
    units = Arrived(received, received if restocked is None else restocked)
    run_unit(lambda: receiving.receive(return_id, {line: units}, None))


def settle(return_id, **how):
    """Give its money back."""
    return run_unit(lambda: settling.refund(return_id, None, **how))


def exchange(return_id):
    """Send another one; the new order's number."""
    return run_unit(lambda: settling.exchange(return_id, None))


def withdraw(order, place=1):
    """Keep it."""
    run_unit(lambda: service.withdraw(order.number, place, STAFF, None))


def a_received_return(order, units=1, **more):
    """A return of an order's first line that arrived, all of it fit to be sold again; its id."""
    made = ask(order, units, **more)
    approve(made)
    receive(made, units)
    return made


def ask_to_cancel(order):
    """The shopper asks to cancel; the id of the wish, or None where it was done at once."""
    run_unit(lambda: cancellations.cancel(order.number, STAFF, None))
    found = look("SELECT id FROM cancellation_requests WHERE order_id = :id ORDER BY requested_at DESC", id=order.id)
    return UUID(str(found[0].id)) if found else None


def return_row(return_id):
    """The return as the database has it."""
    return look("SELECT * FROM returns WHERE id = :id", id=return_id)[0]


def progress_of(order):
    """How far its first line has come."""
    return look(
        "SELECT p.* FROM line_progress p JOIN order_lines l ON l.id = p.line_id WHERE p.order_id = :id"
        " ORDER BY l.position",
        id=order.id,
    )[0]


def run_refunds(order):
    """Let a worker make the refunds that are asked for."""
    come_due(order)
    processing.process(order.id)
