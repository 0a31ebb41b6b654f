"""Telling people what happened: facts become deliveries (`taking`), and deliveries are sent (`sending`)."""

from __future__ import annotations

from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications.sending import deliver_due
from quickshop.notifications.taking import take_facts

BATCH = 100


def drain() -> int:
    """Answer all requests that wait, take all facts and send all that is due; how many messages went out.

    Safe to run in parallel.
    """
    sent = 0
    while True:
        taken = run_unit(lambda: take_facts(BATCH))
        sent += deliver_due()
        if taken < BATCH:
            return sent
