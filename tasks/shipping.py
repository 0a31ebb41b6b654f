"""Tasks of shipping: counting what waits to be packed, getting labels, following parcels, estimating anew."""

from __future__ import annotations

from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import backlog, estimates, sending, tracking
from tasks.app import celery_app
from tasks.queues import TaskNames


@celery_app.task(name=TaskNames.MEASURE_PACKING)
def measure() -> None:
    """Note how many orders wait, where that moves delivery windows."""
    run_unit(backlog.measure)


@celery_app.task(name=TaskNames.SEND_PARCELS)
def send() -> None:
    """Ask carriers for the labels that parcels wait for, and let these go."""
    sending.send_due()


@celery_app.task(name=TaskNames.TRACK_PARCELS)
def track() -> None:
    """Hear what became of parcels; and look after those whose carrier did not answer."""
    sending.send_due()
    tracking.read_carrier()


@celery_app.task(name=TaskNames.ESTIMATE_DELIVERIES)
def estimate() -> None:
    """Tell the shoppers whose delivery slips."""
    estimates.tell_delays()
