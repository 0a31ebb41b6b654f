"""The audit log: who did what to what. Entries hang together by MACs, so that a change, a gap or a cut shows.

`record` writes an entry with the change that it tells of; `denied` writes one where nothing changed. Reading back and
proving that a chain is whole is in `audit_chain`. `viewed` notes a look at somebody's data.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from quickshop.extensions import settings
from quickshop.kernel import db, tracing
from quickshop.kernel.clock import now
from quickshop.kernel.unit_of_work import before_commit, run_unit

Chain = Literal["staff", "security"]
Outcome = Literal["done", "denied", "failed"]

DENIALS_EVERY = 60.0
DENIALS_AT_MOST = 300
_REMEMBERED = 10_000
_LONGEST_TEXT = 200
_MOST_ITEMS = 100


def record(
    action: str,
    *,
    target: str | None = None,
    outcome: Outcome = "done",
    data: dict[str, Any] | None = None,
    chain: Chain = "security",
) -> None:
    """Note in the unit of work in hand that `action` was done to `target`; kept if and only if the unit is.

    `action` is a noun and a past participle ("password.changed", "role.granted"), `target` names a thing as
    `kind:id` ("user:0198…", "role:support"). `data` holds ids, names of fields and plain words, never a personal
    value, a secret or free text of a person: nothing here can be erased. Actor, network and request come from
    `kernel.tracing`. `chain` is "security" for what guards accounts, "staff" for what staff did (views of staff get
    their entry by themselves). The row is written, and the chain locked, as the unit's last statements.
    Raises RuntimeError outside a unit.
    """
    entry = _entry(chain, action, target, outcome, data)
    before_commit(lambda: _write(entry), f"audit/{chain}")


def denied(action: str, *, target: str | None = None, reason: str, chain: Chain = "staff") -> bool:
    """Note in a unit of its own that somebody was refused; whether it was written.

    The same actor and action are noted once a minute and process, and no more than 300 refusals in all, so that
    nobody fills the disk by being refused.
    """
    if not _denials.admits(f"{settings().database_url}\0{tracing.actor()}\0{action}"):
        return False
    run_unit(lambda: record(action, target=target, outcome="denied", data={"reason": reason}, chain=chain))
    return True


def viewed(action: str, *, target: str | None = None, chain: Chain = "staff") -> bool:
    """Note in a unit of its own that somebody looked at what is personal; whether it was written.

    The same actor, action and target are noted once a minute and process.
    """
    if not _views.admits(f"{settings().database_url}\0{tracing.actor()}\0{action}\0{target}"):
        return False
    run_unit(lambda: record(action, target=target, chain=chain))
    return True


class _Bound:
    """What was noted lately; `at_most` so much a minute in all."""

    def __init__(self, at_most: int | None = DENIALS_AT_MOST) -> None:
        self._at_most = at_most
        self._lately: OrderedDict[str, float] = OrderedDict()
        self._window = 0
        self._spent = 0
        self._lock = threading.Lock()

    def admits(self, what: str) -> bool:
        at = time.monotonic()
        with self._lock:
            if self._lately.get(what, -DENIALS_EVERY) > at - DENIALS_EVERY:
                return False
            if self._window != at // DENIALS_EVERY:
                self._window, self._spent = int(at // DENIALS_EVERY), 0
            if self._at_most is not None and self._spent >= self._at_most:
                return False
            self._spent += 1
            self._lately[what] = at
            self._lately.move_to_end(what)
            if len(self._lately) > _REMEMBERED:
                self._lately.popitem(last=False)
            return True


_denials = _Bound()
_views = _Bound(None)


def _entry(
    chain: Chain, action: str, target: str | None, outcome: Outcome, data: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "chain": chain,
        "actor": tracing.actor(),
        "action": action[:_LONGEST_TEXT],
        "target": None if target is None else _plain(target),
        "outcome": outcome,
        "data": _plain(data or {}),
        "network": tracing.network(),
        "request_id": tracing.request_id(),
    }


def _plain(value: Any) -> Any:
    """The value as JSONB gives it back unchanged: no floats, no endless texts, no NUL."""
    match value:
        case None | bool() | int():
            return value
        case dict():
            return {_plain(str(key)): _plain(inner) for key, inner in list(value.items())[:_MOST_ITEMS]}
        case list() | tuple() | set() | frozenset():
            items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
            return [_plain(inner) for inner in list(items)[:_MOST_ITEMS]]
        case _:
            text = str(value).replace("\0", "").encode("utf-8", "replace").decode("utf-8")
            return text[:_LONGEST_TEXT]


def _write(entry: dict[str, Any]) -> None:
    head = db.row("SELECT seq, mac FROM audit_heads WHERE chain = :chain FOR UPDATE", chain=entry["chain"])
    if head is None:
        raise LookupError(f"the audit log has no chain {entry['chain']!r}")
    seq, previous, at = head.seq + 1, bytes(head.mac), now()
    db.run(
        """
        WITH moved AS (UPDATE audit_heads SET seq = :seq, mac = :mac, written_at = :at WHERE chain = :chain)
        INSERT INTO audit_log (chain, seq, at, actor, action, target, outcome, data, network, request_id, previous, mac)
        VALUES (:chain, :seq, :at, :actor, :action, :target, :outcome, CAST(:data AS jsonb), :network, :request_id,
                :previous, :mac)
        """,
        **{**entry, "data": orjson.dumps(entry["data"]).decode()},
        seq=seq,
        at=at,
        previous=previous,
        mac=entry_mac(audit_key(), previous, seq, at, entry),
    )


def audit_key() -> bytes:
    """The key of the chains' MACs. It follows from INDEX_KEY, which never changes."""
    return hmac.new(settings().index_key, b"quickshop/audit", hashlib.sha256).digest()


def entry_mac(key: bytes, previous: bytes, seq: int, at: datetime, entry: dict[str, Any]) -> bytes:
    """The MAC of one entry, over all of its fields and the MAC before it."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    covered = [
        previous.hex(),
        entry["chain"],
        seq,
        moment,
        *(entry[name] for name in ("actor", "action", "target", "outcome", "data", "network", "request_id")),
    ]
    return hmac.new(key, orjson.dumps(covered, option=orjson.OPT_SORT_KEYS), hashlib.sha256).digest()
