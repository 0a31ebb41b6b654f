"""Invoices as workers issue and print them, with the rights of their database role. Needs an application context."""

import contextlib
import functools
import io

from pypdf import PdfReader

from quickshop.extensions import settings
from quickshop.factory import create_app
from quickshop.invoices import issuing, printing, queries
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import processing
from quickshop.orders.viewers import Viewer
from tests.factories.shop import a_confirmed_order, state_of

STAFF = Viewer(staff=True)


def worker_app(number=0):
    """The application of a worker, by its number: each has two connections."""
    return _worker(settings(), number)


@functools.lru_cache
def _worker(chosen, _number=0):
    return create_app(role="worker", settings=chosen)


def issue():
    """Issue what orders lack; how many papers."""
    with _worker(settings()).app_context():
        return issuing.drain()


def issue_for(order_id):
    """Issue what one order lacks, as if it had been confirmed a moment ago."""
    confirm = "UPDATE orders SET confirmed_at = coalesce(confirmed_at, now()) WHERE id = :id"
    with _worker(settings()).app_context():
        run_unit(lambda: db.run(confirm, id=order_id))
        return run_unit(lambda: issuing.bring_up_to_date(order_id))


def print_due():
    """Print what is due; how many files."""
    with _worker(settings()).app_context():
        return printing.print_due()


def an_invoiced_order(**more):
    """A confirmed order with its invoice."""
    order = a_confirmed_order(**more)
    issue()
    return order


def papers(order):
    """The invoice and credit notes of an order, as staff read them."""
    return queries.order_invoices(order.number, STAFF)


def text_of(pdf):
    """What a PDF says, page by page, in one text without line ends."""
    pages = (page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(" ".join(pages).split())


@contextlib.contextmanager
def as_worker():
    """In a worker's context."""
    with _worker(settings()).app_context():
        yield


def confirm(order):
    """Pay and confirm a placed order."""
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
