"""The payment gateway itself: decides on the ledger, writes the journal, waits, and tells the shop. No HTTP here.

Every change is decided, written and applied under one lock that is never held while waiting, so calls that
race with one key have one effect.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime
from typing import Any

from quickshop.runtime.doubles.cards import SCRIPTS, Wait
from quickshop.runtime.doubles.journal import Journal
from quickshop.runtime.doubles.ledger import UNDECIDED, Charge, Ledger, Operation, Record, Snapshot, Wanted
from quickshop.runtime.doubles.options import Options
from quickshop.runtime.doubles.refusals import Refused
from quickshop.runtime.doubles.webhooks import Webhooks

View = dict[str, Any]


class NoAnswer(Exception):
    """The caller is never to be answered: keep the connection for `seconds`, then drop it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _now() -> str:
    return _written(datetime.now(UTC))


class Gateway:
    """One gateway over one journal. Making it replays the journal and takes up what was left undone."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._journal = Journal(options.journal)
        self._ledger = Ledger()
        self._ledger.replay(self._journal.records())
        self._lock = threading.Lock()
        self._webhooks = Webhooks(
            options.webhook_url, options.webhook_secret, options.webhook_backoff, self._close_event
        )
        self._take_up()

    # --- money -------------------------------------------------------------------------------------

    def authorize(self, wanted: Wanted) -> View:
        """Make the charge once per key. Raises Refused, NoAnswer, OSError."""
        script = SCRIPTS[wanted.script]
        with self._lock:
            charge = self._ledger.made(wanted)
            if charge is not None:
                return self.view(charge, charge.decision)
            if script.fails_first and wanted.key not in self._ledger.failed_keys:
                self._write(self._ledger.failing(wanted.key))
                raise Refused(503, "try_again", "The gateway failed; the same call will succeed.")
            if script.state is None:
                raise NoAnswer(self._options.hang)
            charge_id = "ch_" + secrets.token_hex(12)
            self._write(self._ledger.opening(wanted, charge_id, script.state, script.code, _now()))
            charge = self._ledger.charges[charge_id]
        return self._answer(charge)

    def _answer(self, charge: Charge) -> View:
        """The first answer for a new charge, which some cards delay or never give."""
        script = SCRIPTS[charge.wanted.script]
        if not script.answers:
            raise NoAnswer(self._options.hang)
        if script.wait is Wait.SLOW:
            time.sleep(self._options.slow)
            self._decide(charge.id)
        elif script.wait is Wait.LATE:
            self._decide_after(charge.id, self._options.late, tell=True)
        return self.view(charge, charge.decision)

    def operate(self, kind: str, charge_id: str, key: str, amount: int | None) -> View:
        """Capture, void or refund once per key. Raises Refused, OSError."""
        with self._lock:
            operation = self._ledger.done(kind, charge_id, key, amount)
            if operation is None:
                self._write(self._ledger.operating(kind, charge_id, key, amount, _now()))
                operation = self._ledger.operations[key]
            return self.view(self._ledger.charges[charge_id], operation.after, operation)

    def decide_challenge(self, charge_id: str, approved: bool) -> Charge:
        """The shopper's answer at the challenge page, counted once; the shop hears of it. Raises Refused."""
        charge = self.charge(charge_id)
        if approved:
            self._decide(charge_id, tell=True)
        else:
            self._decide(charge_id, "declined", "challenge_failed", tell=True)
        return charge

    # --- reading -----------------------------------------------------------------------------------

    def charge(self, charge_id: str) -> Charge:
        """A charge by id. Raises Refused (404)."""
        return self._ledger.find(charge_id)

    def look_up(self, key: str) -> list[View]:
        """The charge made with `key`, as it stands, or nothing."""
        charge = self._ledger.by_key.get(key)
        return [] if charge is None else [self.view(charge, charge.present)]

    def page(self, since: datetime, until: datetime, after: str | None, limit: int) -> list[View]:
        """The charges made in a time, as they stand, oldest first. Raises Refused (404) for an unknown `after`."""
        found = self._ledger.page(_written(since), _written(until), after, limit)
        return [self.view(charge, charge.present) for charge in found]

    def charges(self, order: str | None = None) -> list[View]:
        """The ledger's charges, oldest first, of one order or all."""
        found = self._ledger.charges.values() if order is None else self._ledger.by_order.get(order, [])
        return [self.row(charge) for charge in list(found)]

    def row(self, charge: Charge) -> View:
        """A charge as the public ledger shows it."""
        wanted, present = charge.wanted, charge.present
        return {
            "id": charge.id,
            "key": wanted.key,
            "order": wanted.order,
            "amount": wanted.amount,
            "currency": wanted.currency,
            "state": present.state,
            "code": present.code,
            "captured": present.captured,
            "refunded": present.refunded,
            "at": charge.at,
        }

    def view(self, charge: Charge, as_of: Snapshot, operation: Operation | None = None) -> View:
        """A charge as callers and webhooks get it, as it was at some moment."""
        wanted = charge.wanted
        document: View = {
            "id": charge.id,
            "key": wanted.key,
            "order": wanted.order,
            "amount": wanted.amount,
            "currency": wanted.currency,
            "state": as_of.state,
            "code": as_of.code,
            "captured": as_of.captured,
            "refunded": as_of.refunded,
            "next_action": None,
            "token_fingerprint": wanted.fingerprint,
            "at": charge.at,
        }
        if as_of.state == "requires_action":
            url = f"{self._options.public_url}/challenge/{charge.id}"
            document["next_action"] = {"type": "redirect", "url": url}
        if operation is not None:
            document["operation"] = {
                "type": operation.kind,
                "key": operation.key,
                "amount": operation.amount,
            }
        return document

    # --- inside ------------------------------------------------------------------------------------

    def _write(self, record: Record) -> None:
        """Make one change: first on disk, then in memory. The lock must be held."""
        self._journal.append(record)
        self._ledger.apply(record)

    def _decide(self, charge_id: str, state: str = "authorized", code: str | None = None, tell: bool = False) -> None:
        event_id = "evt_" + secrets.token_hex(12) if tell else None
        with self._lock:
            record = self._ledger.settling(charge_id, state, code, event_id, _now())
            if record is None:
                return
            self._write(record)
        if event_id is not None:
            self._send(event_id)

    def _decide_after(self, charge_id: str, seconds: float, tell: bool) -> None:
        timer = threading.Timer(seconds, self._decide, args=(charge_id,), kwargs={"tell": tell})
        timer.daemon = True
        timer.start()

    def _send(self, event_id: str) -> None:
        event = self._ledger.events[event_id]
        self._webhooks.send(event_id, self.view(self._ledger.charges[event.charge_id], event.after))

    def _close_event(self, event_id: str, delivered: bool) -> None:
        with self._lock:
            self._write(self._ledger.closing(event_id, delivered))

    def _take_up(self) -> None:
        """After a restart: decide what was pending when its time comes, deliver what was not delivered."""
        for charge in self._ledger.charges.values():
            wait = SCRIPTS[charge.wanted.script].wait
            if wait is not None and charge.present.state in UNDECIDED:
                delay = self._options.late if wait is Wait.LATE else self._options.slow
                age = (datetime.now(UTC) - datetime.fromisoformat(charge.at)).total_seconds()
                self._decide_after(charge.id, min(delay, max(0.0, delay - age)), tell=wait is Wait.LATE)
        for event_id in list(self._ledger.events):
            self._send(event_id)
