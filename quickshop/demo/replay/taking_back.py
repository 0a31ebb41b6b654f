"""Taking back what a cancelling invoice undoes: an order that is not packed is cancelled by its customer; another is
sent and the simulated carrier driven until it was delivered, then its customer returns units and staff settle that.
Every step may be cut and made again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from quickshop.demo.replay.accounts import People, Session
from quickshop.demo.replay.client import Client, Refused
from quickshop.demo.replay.undoing import Undo

_PATIENCE_SECONDS = 120.0
_SENT = frozenset({"in_transit", "out_for_delivery", "exception"})


class NotTakenBack(Exception):
    """An undo could not be made; the message says why."""


class Returner:
    """Makes undos; used by many threads at once. `carrier` is the simulated carrier's server, where there is one."""

    def __init__(self, shop: Client, staff: Session, people: People, carrier: Client | None) -> None:
        self._shop, self._staff, self._people, self._carrier = shop, staff, people, carrier

    def undo(self, undo: Undo, number: str | None) -> None:
        """Make it, or find that it was made. `number` is the order's, where it is known.

        Raises NotTakenBack, Refused, ShopUnreachable.
        """
        number = number or self._number(undo.purchase.reference)
        order = self._order(number)
        if undo.whole and order["packing_at"] is None:
            self._cancel(undo, number)
        else:
            self._deliver(undo, number, order)
            self._return(undo, number)

    # --- calls -------------------------------------------------------------------------------------

    def _as_staff(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self._shop.api(method, f"/admin{path}", body, token=self._staff.token(), headers=headers).json()

    def _as_customer(self, undo: Undo, method: str, path: str, body: Any = None) -> Any:
        token = self._people.session(undo.customer).token()
        return self._shop.api(method, path, body, token=token).json()

    def _number(self, reference: str) -> str:
        found = self._as_staff("GET", f"/orders?client_reference={reference}")["items"]
        if not found:
            raise NotTakenBack(f"{reference} was never bought")
        return str(found[0]["number"])

    def _order(self, number: str) -> Any:
        return self._as_staff("GET", f"/orders/{number}")

    def _await(self, what: str, look: Callable[[], Any], ready: Callable[[Any], bool]) -> Any:
        deadline, pause = time.monotonic() + _PATIENCE_SECONDS, 0.1
        while not ready(found := look()):
            if time.monotonic() > deadline:
                raise NotTakenBack(f"{what} takes too long")
            time.sleep(pause)
            pause = min(1.0, pause * 1.5)
        return found

    # --- the two ways ------------------------------------------------------------------------------

    def _cancel(self, undo: Undo, number: str) -> None:
        self._as_customer(undo, "POST", f"/orders/{number}/cancel")
        self._await_refund(number)

    def _await_refund(self, number: str) -> None:
        def settled(order: Mapping[str, Any]) -> bool:
            back = order["payment"]
            return bool(back["refunded"]["amount"] == back["given_back"]["amount"])

        self._await(f"the refund of {number}", lambda: self._order(number), settled)

    def _deliver(self, undo: Undo, number: str, order: Mapping[str, Any]) -> None:
        if not order["parcels"]:
            try:
                self._as_staff("POST", f"/orders/{number}/ship", {}, key=f"{undo.purchase.reference} ship")
            except Refused as refusal:
                if refusal.code not in ("not_shippable", "idempotency_key_reused"):
                    raise
        if self._carrier is None:
            raise NotTakenBack(f"{number} cannot be delivered: give the carrier's address as --gateway-url")

        def parcels() -> Any:
            found = self._order(number)
            for parcel in found["parcels"]:
                if parcel["state"] in _SENT and parcel["tracking_number"]:
                    self._drive(parcel["tracking_number"])
            return found

        arrived = ("delivered", "partially_returned", "returned")
        self._await(f"the delivery of {number}", parcels, lambda found: found["fulfilment_status"] in arrived)

    def _drive(self, tracking_number: str) -> None:
        assert self._carrier is not None
        try:
            self._carrier.call("POST", f"/carrier/parcels/{tracking_number}/events", {"state": "delivered"})
        except Refused as refusal:
            if refusal.code != "ended":
                raise

    def _return(self, undo: Undo, number: str) -> None:
        found = self._as_customer(undo, "GET", f"/orders/{number}/returns")["items"]
        asked = next((r for r in found if r["note"] == undo.reference), None)
        if asked is None:
            places = {item["sku"]: item["line"] for item in self._order(number)["items"]}
            lines = [{"line": places[code], "quantity": units} for code, units in undo.units.items()]
            body = {"lines": lines, "reason": "changed_mind", "resolution": "refund", "note": undo.reference}
            asked = self._as_customer(undo, "POST", f"/orders/{number}/returns", body)
        self._settle(asked)
        self._await_refund(number)

    def _settle(self, asked: Mapping[str, Any]) -> None:
        """Approve, receive and refund a return, from where it stands."""
        place, state = f"/returns/{asked['id']}", asked["state"]
        if state == "requested":
            state = self._as_staff("POST", f"{place}/approve")["state"]
        if state == "approved":
            arrived = [
                {"line": line["line"], "received": line["quantity"], "restocked": line["quantity"]}
                for line in asked["lines"]
            ]
            state = self._as_staff("POST", f"{place}/receive", {"lines": arrived})["state"]
        if state == "received":
            self._as_staff("POST", f"{place}/refund", {}, key=f"{asked['id']} refund")
