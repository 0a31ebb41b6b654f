"""The client of the simulated carrier, which stands beside the simulated gateway. Believes only answers that fit."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from quickshop.kernel.wire import JsonCaller, NoReply
from quickshop.shipping.carriers.port import STATES, Booked, CarrierRefused, CarrierTrouble, Consignment, Seen

_NUMBER = re.compile(r"[A-Z0-9]{6,40}", re.ASCII)
_CODE = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_LARGEST_LABEL = 48 * 1024
PAGE = 100


class SimulatedCarrier:
    """The simulated carrier at `base_url`. `in_transaction` says whether a transaction is open, which refuses calls."""

    def __init__(self, base_url: str, in_transaction: Callable[[], bool]) -> None:
        self._caller = JsonCaller(base_url)
        self._in_transaction = in_transaction

    def book(self, wanted: Consignment) -> Booked:
        """See the port."""
        address = wanted.address
        body = {
            "key": wanted.key,
            "reference": wanted.reference,
            "service": wanted.service,
            "weight_grams": wanted.weight_grams,
            "to": {name: address.get(name) or "" for name in ("name", "line1", "city", "postal_code", "country")},
        }
        status, document = self._call("POST", "/carrier/v1/parcels", body)
        if status == 422:
            code = str(document.get("code", ""))
            raise CarrierRefused(code if _CODE.fullmatch(code) else "refused")
        if status not in (200, 201):
            raise CarrierTrouble(f"status {status}")
        return _booked(document)

    def events(self, cursor: str | None) -> tuple[Sequence[Seen], str | None]:
        """See the port."""
        after = int(cursor) if cursor else 0
        status, document = self._call("GET", f"/carrier/v1/events?after={after}&limit={PAGE}", None)
        if status != 200 or not isinstance(document.get("items"), list):
            raise CarrierTrouble(f"status {status}")
        found = [_seen(item) for item in document["items"]]
        return found, (found[-1].key if found else cursor)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        if self._in_transaction():
            raise RuntimeError("a carrier is not called inside a transaction")
        try:
            reply = self._caller.call(method, path, body)
        except NoReply as silence:
            raise CarrierTrouble(silence.code) from silence
        if reply.document is None:
            raise CarrierTrouble("bad_reply")
        return reply.status, reply.document


def _booked(document: dict[str, Any]) -> Booked:
    number, url, label = document.get("tracking_number"), document.get("url"), document.get("label")
    if not (isinstance(number, str) and _NUMBER.fullmatch(number) and isinstance(label, str)):
        raise CarrierTrouble("bad_reply")
    try:
        pdf = base64.b64decode(label, validate=True)
    except binascii.Error as error:
        raise CarrierTrouble("bad_reply") from error
    if not pdf.startswith(b"%PDF-") or len(pdf) > _LARGEST_LABEL:
        raise CarrierTrouble("bad_reply")
    safe = isinstance(url, str) and url.startswith(("http://", "https://")) and len(url) < 500
    return Booked(number, url if safe else None, pdf)


def _seen(item: Any) -> Seen:
    try:
        code = item.get("code")
        seen = Seen(str(int(item["id"])), str(item["key"]), item["state"], datetime.fromisoformat(item["at"]), code)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CarrierTrouble("bad_reply") from error
    if seen.state not in STATES or seen.at.tzinfo is None or not (code is None or _CODE.fullmatch(str(code))):
        raise CarrierTrouble("bad_reply")
    return seen
