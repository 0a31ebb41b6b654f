"""Reading the audit log: pages of it for staff, and the proof that a chain is whole."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import Invalid
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.security.audit import audit_key, entry_mac

_PAGE = 1000
_FIELDS = "chain, seq, at, actor, action, target, outcome, data, network, request_id, previous, mac"


@dataclass(frozen=True)
class Head:
    """The end of a chain: note it outside of the database, and a later cut shows."""

    chain: str
    seq: int
    mac: bytes

    def __str__(self) -> str:
        return f"{self.chain}:{self.seq}:{self.mac.hex() or '-'}"


@dataclass(frozen=True)
class Break:
    """The first place where a chain is not what was written."""

    chain: str
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.chain} {self.seq}: {self.what}"


def head(chain: str) -> Head:
    """Where a chain ends now. Raises LookupError for an unknown one."""
    found = db.row("SELECT seq, mac FROM audit_heads WHERE chain = :chain", chain=chain)
    if found is None:
        raise LookupError(f"no chain {chain!r}")
    return Head(chain, found.seq, bytes(found.mac))


def verify(
    chain: str, expected: Head | None = None, progress: Callable[[int, int], None] | None = None
) -> Break | None:
    """The first break of a chain up to its present end, or None where it is whole.

    `expected` is an end noted earlier: the entry must still be there with the same MAC. `progress` is called with how
    many entries of how many have been looked at. Entries written meanwhile are left for the next time.
    """
    end = head(chain)
    if expected is not None and expected.seq > end.seq:
        return Break(chain, end.seq + 1, f"the chain ends here; entry {expected.seq} was noted outside")
    key, mac, seq = audit_key(), b"", 0
    while seq < end.seq:
        page = db.rows(
            f"SELECT {_FIELDS} FROM audit_log WHERE chain = :chain AND seq > :seq AND seq <= :end"
            " ORDER BY seq LIMIT :limit",
            chain=chain,
            seq=seq,
            end=end.seq,
            limit=_PAGE,
        )
        for row in page:
            found = _fault(key, row, seq + 1, mac)
            if found is None and expected is not None and row.seq == expected.seq and bytes(row.mac) != expected.mac:
                found = "it is not the entry that was noted outside"
            if found is not None:
                return Break(chain, seq + 1, found)
            seq, mac = row.seq, bytes(row.mac)
        if not page:
            return Break(chain, seq + 1, f"the last {end.seq - seq} entries are missing")
        if progress:
            progress(seq, end.seq)
    if mac != end.mac:
        return Break(chain, end.seq, "the head names another entry")
    if db.scalar(
        "SELECT EXISTS (SELECT 1 FROM audit_log l JOIN audit_heads h USING (chain)"
        " WHERE l.chain = :chain AND l.seq > h.seq)",
        chain=chain,
    ):
        return Break(chain, end.seq + 1, "there are entries beyond the head")
    return None


def _fault(key: bytes, row: Any, seq: int, previous: bytes) -> str | None:
    """What is wrong with a row that should be entry `seq` after the MAC `previous`."""
    if row.seq != seq:
        return "it is missing"
    if bytes(row.previous) != previous:
        return "it does not follow the entry before it: reordered, or one of the two was replaced"
    if not hmac.compare_digest(bytes(row.mac), entry_mac(key, previous, row.seq, row.at, row._asdict())):
        return "it was changed"
    return None


def page(
    *,
    chain: str | None = None,
    actor: str | None = None,
    target: str | None = None,
    action: str | None = None,
    outcome: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 24,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Entries, newest first: {items, next_cursor}. `until` is exclusive. Raises Invalid for a foreign cursor."""
    parts, params = ["true"], dict[str, Any]()
    equal = {"chain": chain, "actor": actor, "target": target, "action": action, "outcome": outcome}
    for name, value in equal.items():
        if value is not None:
            parts.append(f"{name} = :{name}")
            params[name] = value
    for name, sign, moment in (("since", ">=", since), ("until", "<", until)):
        if moment is not None:
            parts.append(f"at {sign} :{name}")
            params[name] = moment
    if cursor:
        at, last_chain, last_seq = decode_cursor(cursor, str, str, int)
        parts.append("(at, chain, seq) < (:at, :last_chain, :last_seq)")
        params |= {"at": _moment(at), "last_chain": last_chain, "last_seq": last_seq}
    found = db.rows(
        f"SELECT {_FIELDS} FROM audit_log WHERE {' AND '.join(parts)}"
        " ORDER BY at DESC, chain DESC, seq DESC LIMIT :limit",
        **params,
        limit=limit + 1,
    )
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    following = encode_cursor(last.at.isoformat(), last.chain, last.seq) if last else None
    return {"items": [_document(row) for row in shown], "next_cursor": following}


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Invalid({"cursor": ["Not a cursor of this list."]}) from None


def _document(row: Any) -> dict[str, Any]:
    return {
        "chain": row.chain,
        "seq": row.seq,
        "at": rfc3339(row.at),
        "actor": row.actor,
        "action": row.action,
        "target": row.target,
        "outcome": row.outcome,
        "data": row.data,
        "network": row.network,
        "request_id": row.request_id,
    }
