"""The queue of packing: how many orders wait for it. Counted by a job, so that no quote has to."""

from __future__ import annotations

from quickshop.kernel import db
from quickshop.shipping.service import note_waiting, queue_counts

_WAITING = """
SELECT count(*) FROM orders
WHERE status IN ('placed', 'processing', 'confirmed', 'on_hold') AND fulfilment_status = 'unfulfilled'
"""


def measure() -> int | None:
    """Count the orders that are to be packed, and note it for delivery windows; None where the shop does not count.

    What waits for staff counts too: most of it will be packed.
    """
    if not queue_counts():
        return None
    waiting = int(db.scalar(_WAITING))
    note_waiting(waiting)
    return waiting
