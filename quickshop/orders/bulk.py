"""One action of staff on many orders: each in a unit of its own, so that one refusal stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from quickshop.kernel.errors import ShopError
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import cancelling, holding, packing
from quickshop.orders.viewers import Viewer
from quickshop.security import audit

MOST_ORDERS = 100
_STAFF = Viewer(staff=True)
_ACTIONS: dict[str, Callable[[str, str | None], Any]] = {
    "hold": holding.hold,
    "release": holding.release,
    "pack": lambda number, request_id: packing.pack(number, None, request_id),
    "cancel": lambda number, request_id: cancelling.cancel(number, _STAFF, request_id, by="staff"),
}
ACTIONS = tuple(_ACTIONS)


def run(action: str, numbers: Sequence[str], request_id: str | None) -> list[dict[str, Any]]:
    """Do it to each order, once; for each {number, done, code, detail}. Runs its own units; the audit log has each."""
    return [_one(action, number, request_id) for number in dict.fromkeys(numbers)]


def _one(action: str, number: str, request_id: str | None) -> dict[str, Any]:
    def work() -> None:
        _ACTIONS[action](number, request_id)
        audit.record(f"order.{action}", target=f"order:{number}", data={"bulk": True}, chain="staff")

    try:
        run_unit(work)
    except ShopError as error:
        return {"number": number, "done": False, "code": error.code, "detail": error.detail}
    return {"number": number, "done": True, "code": None, "detail": None}
