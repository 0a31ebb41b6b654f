"""The gateway's books as a pure state machine: what may happen next, and what a record of the journal changes.

The verbs `opening`, `settling`, `operating` only decide: they return the record to write, or raise Refused.
`apply` alone changes state, and is all that a restart needs. No file, clock or network here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from quickshop.runtime.doubles.refusals import Refused, key_reused

Record = dict[str, Any]

UNDECIDED = ("pending", "requires_action")
VOIDABLE = ("authorized", *UNDECIDED)
REFUNDABLE = ("captured", "partially_refunded")


class Snapshot(NamedTuple):
    """The part of a charge that changes. Amounts in minor units."""

    state: str
    code: str | None
    captured: int
    refunded: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an authorise call asks for; equal fields under one key mean the same call."""

    key: str
    order: str
    amount: int
    currency: str
    script: str
    fingerprint: str


@dataclass(slots=True)
class Charge:
    """One charge. `decision` is what the authorise call came to; it stays when the money moves on."""

    id: str
    wanted: Wanted
    at: str
    decision: Snapshot
    present: Snapshot


@dataclass(frozen=True, slots=True)
class Operation:
    """One capture, void or refund that happened, and the charge right after it."""

    kind: str
    charge_id: str
    key: str
    amount: int | None
    after: Snapshot


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook not yet delivered: the charge as it was when it was decided."""

    id: str
    charge_id: str
    after: Snapshot


@dataclass
class Ledger:
    """All charges, in the order they were made, and every key ever used."""

    charges: dict[str, Charge] = field(default_factory=dict)
    by_time: list[Charge] = field(default_factory=list)
    by_key: dict[str, Charge] = field(default_factory=dict)
    by_order: dict[str, list[Charge]] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    failed_keys: set[str] = field(default_factory=set)
    events: dict[str, Event] = field(default_factory=dict)

    # --- authorise ---------------------------------------------------------------------------------

    def made(self, wanted: Wanted) -> Charge | None:
        """The charge this very call made before, or None. Raises Refused when the key is another call's."""
        charge = self.by_key.get(wanted.key)
        if wanted.key in self.operations or (charge is not None and charge.wanted != wanted):
            raise key_reused()
        return charge

    def failing(self, key: str) -> Record:
        """The first call with `key` ends in an error."""
        return {"op": "fail", "key": key}

    def opening(self, wanted: Wanted, charge_id: str, state: str, code: str | None, at: str) -> Record:
        """A new charge; call `made` first."""
        return {
            "op": "charge",
            "id": charge_id,
            "key": wanted.key,
            "order": wanted.order,
            "amount": wanted.amount,
            "currency": wanted.currency,
            "script": wanted.script,
            "fingerprint": wanted.fingerprint,
            "state": state,
            "code": code,
            "at": at,
        }

    def settling(self, charge_id: str, state: str, code: str | None, event_id: str | None, at: str) -> Record | None:
        """The decision on an undecided charge, with the webhook that tells of it; None when there is none to make."""
        if self.find(charge_id).present.state not in UNDECIDED:
            return None
        return {"op": "settle", "id": charge_id, "state": state, "code": code, "event": event_id, "at": at}

    # --- capture, void, refund ---------------------------------------------------------------------

    def find(self, charge_id: str) -> Charge:
        """A charge by id. Raises Refused (404)."""
        charge = self.charges.get(charge_id)
        if charge is None:
            raise Refused(404, "charge_not_found", "No such charge.")
        return charge

    def page(self, since: str, until: str, after: str | None, limit: int) -> list[Charge]:
        """The charges made from `since` to `until` (as the journal writes times), at most `limit` behind `after`."""
        begin = bisect_left(self.by_time, since, key=lambda charge: charge.at)
        if after is not None:
            last = self.find(after)
            begin = bisect_left(self.by_time, last.at, key=lambda charge: charge.at)
            while self.by_time[begin].id != after:
                begin += 1
            begin += 1
        return [charge for charge in self.by_time[begin : begin + limit] if charge.at <= until]

    def done(self, kind: str, charge_id: str, key: str, amount: int | None) -> Operation | None:
        """The operation this very call did before, or None. Raises Refused when the key is another call's."""
        operation = self.operations.get(key)
        if operation is None:
            if key in self.by_key:
                raise key_reused()
            return None
        if (operation.kind, operation.charge_id, operation.amount) != (kind, charge_id, amount):
            raise key_reused()
        return operation

    def operating(self, kind: str, charge_id: str, key: str, amount: int | None, at: str) -> Record:
        """A capture, void or refund; call `done` first. Raises Refused (404, 409) where it is not allowed."""
        charge = self.find(charge_id)
        _ALLOWED[kind](charge, amount or 0)
        return {"op": kind, "id": charge_id, "key": key, "amount": amount, "at": at}

    # --- webhooks ----------------------------------------------------------------------------------

    def closing(self, event_id: str, delivered: bool) -> Record:
        """A webhook that was delivered, or given up."""
        return {"op": "closed", "event": event_id, "delivered": delivered}

    # --- the only place where state changes --------------------------------------------------------

    def apply(self, record: Record) -> None:
        """Take over one record. Records are trusted: they were decided on before they were written."""
        _APPLY[record["op"]](self, record)

    def replay(self, records: Iterable[Record]) -> None:
        """Take over many records, oldest first."""
        for record in records:
            self.apply(record)

    def _open(self, record: Record) -> None:
        wanted = Wanted(
            record["key"],
            record["order"],
            record["amount"],
            record["currency"],
            record["script"],
            record["fingerprint"],
        )
        first = Snapshot(record["state"], record["code"], 0, 0)
        charge = Charge(record["id"], wanted, record["at"], first, first)
        self.charges[charge.id] = charge
        self.by_time.append(charge)
        self.by_key[wanted.key] = charge
        self.by_order.setdefault(wanted.order, []).append(charge)
        self.failed_keys.discard(wanted.key)

    def _fail(self, record: Record) -> None:
        self.failed_keys.add(record["key"])

    def _settle(self, record: Record) -> None:
        charge = self.charges[record["id"]]
        charge.decision = charge.present = Snapshot(record["state"], record["code"], 0, 0)
        if record["event"]:
            self.events[record["event"]] = Event(record["event"], charge.id, charge.present)

    def _capture(self, record: Record) -> None:
        self._operate(record, "captured", captured=record["amount"])

    def _void(self, record: Record) -> None:
        self._operate(record, "voided")

    def _refund(self, record: Record) -> None:
        present = self.charges[record["id"]].present
        refunded = present.refunded + record["amount"]
        state = "refunded" if refunded == present.captured else "partially_refunded"
        self._operate(record, state, refunded=refunded)

    def _operate(self, record: Record, state: str, **amounts: Any) -> None:
        charge = self.charges[record["id"]]
        charge.present = charge.present._replace(state=state, **amounts)
        self.operations[record["key"]] = Operation(
            record["op"], charge.id, record["key"], record["amount"], charge.present
        )

    def _close(self, record: Record) -> None:
        self.events.pop(record["event"], None)


def _capturable(charge: Charge, amount: int) -> None:
    if charge.present.state != "authorized":
        raise Refused(409, "not_authorized", f"A charge that is {charge.present.state} cannot be captured.")
    if amount > charge.wanted.amount:
        raise Refused(409, "amount_too_large", "More than was authorised.")


def _voidable(charge: Charge, amount: int) -> None:
    if charge.present.state not in VOIDABLE:
        raise Refused(409, "not_voidable", f"A charge that is {charge.present.state} cannot be voided.")


def _refundable(charge: Charge, amount: int) -> None:
    if charge.present.state not in REFUNDABLE:
        raise Refused(409, "not_captured", f"A charge that is {charge.present.state} cannot be refunded.")
    if amount > charge.present.captured - charge.present.refunded:
        raise Refused(409, "amount_too_large", "More than is left of what was captured.")


_ALLOWED: dict[str, Callable[[Charge, int], None]] = {
    "capture": _capturable,
    "void": _voidable,
    "refund": _refundable,
}
OPERATIONS = tuple(_ALLOWED)

_APPLY: dict[str, Callable[[Ledger, Record], None]] = {
    "charge": Ledger._open,
    "fail": Ledger._fail,
    "settle": Ledger._settle,
    "capture": Ledger._capture,
    "void": Ledger._void,
    "refund": Ledger._refund,
    "closed": Ledger._close,
}
