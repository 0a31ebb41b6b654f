"""Proving that orders are as they were placed, by their digests. Reads, and nothing else but `renew` writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import digests

PAGE = 200
_FIRST = UUID(int=0)

_ROWS = """
SELECT o.*, per.wrapped_key IS NULL AS erased,
       (SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.position, l.id), '[]')
        FROM order_lines l WHERE l.order_id = o.id) AS lines,
       (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY d.position, d.line), '[]')
        FROM order_discounts d WHERE d.order_id = o.id) AS discounts
FROM orders o LEFT JOIN persons per ON per.id = o.person_id
WHERE {which} ORDER BY o.id LIMIT :limit
"""


@dataclass(frozen=True)
class Proof:
    """What the digest of an order says: `whole`, `differs` (in which columns), `unsigned` (it is older than digests) or
    `unknown_key` (that master key is not among MASTER_KEYS any more).
    """

    number: str
    state: str
    differs: tuple[str, ...] = ()


def prove(number: str) -> Proof | None:
    """What the digest of one order says; None where there is no such order."""
    found = db.row(_ROWS.format(which="o.number = :number"), number=number, limit=1)
    return None if found is None else _proof(found, _first_signed())


def sign_again(order_id: UUID) -> None:
    """Make an order's digest anew after a change that staff made of it. The caller holds the order's lock, and has seen
    before the change that it was whole; what was never signed stays so.
    """
    row = db.run(_ROWS.format(which="o.id = :id"), id=order_id, limit=1).one()
    if row.digest is not None:
        db.run(
            "UPDATE orders SET digest = :digest WHERE id = :id",
            digest=digests.make(_rows(row), settings().master_keys),
            id=order_id,
        )


def count_orders() -> int:
    """How many orders there are to prove."""
    return int(db.scalar("SELECT count(*) FROM orders"))


def prove_all() -> Iterator[list[Proof]]:
    """Every order, page by page in the order of ids. Runs its own reads."""
    with reading():
        first = _first_signed()
    last = _FIRST
    while True:
        with reading():
            page = db.rows(_ROWS.format(which="o.id > :last"), last=last, limit=PAGE)
        if not page:
            return
        yield [_proof(row, first) for row in page]
        last = page[-1].id


def renew() -> Iterator[tuple[int, int]]:
    """Make digests under the newest master key anew, where an older one made them and they are whole: (looked at,
    renewed) for each page. What differs keeps its digest and goes on betraying it. Runs its own units.
    """
    last: UUID | None = _FIRST
    while last is not None:
        looked, renewed, last = run_unit(lambda last=last: _renew(last))  # type: ignore[misc]
        yield looked, renewed


def _renew(last: UUID) -> tuple[int, int, UUID | None]:
    page = db.rows(_ROWS.format(which="o.id > :last"), last=last, limit=PAGE)
    current, renewed = settings().master_keys[0][0], 0
    for row in page:
        digest = None if row.digest is None else bytes(row.digest)
        # The personal part of an erased order cannot be proved any more and is signed as it stands.
        if digest is None or _proof(row, None).state != "whole" or digests.key_id_of(digest) == current:
            continue
        renewed += db.run(
            "UPDATE orders SET digest = :new WHERE id = :id AND digest = :old",
            new=digests.make(_rows(row), settings().master_keys),
            old=digest,
            id=row.id,
        ).rowcount
    return len(page), renewed, page[-1].id if page else None


def _first_signed() -> Any:
    return db.scalar("SELECT placed_at FROM orders WHERE digest IS NOT NULL ORDER BY placed_at LIMIT 1")


def _proof(row: Any, first_signed: Any) -> Proof:
    if row.digest is None:
        # None was written before the shop knew digests; later somebody took it away.
        gone = first_signed is not None and row.placed_at >= first_signed
        return Proof(row.number, "differs", ("orders.digest",)) if gone else Proof(row.number, "unsigned")
    try:
        found = digests.differences(bytes(row.digest), _rows(row), settings().master_keys, erased=row.erased)
    except digests.KeyMissing:
        return Proof(row.number, "unknown_key")
    return Proof(row.number, "differs" if found else "whole", tuple(found))


def _rows(row: Any) -> dict[str, list[dict[str, Any]]]:
    return {"orders": [row._asdict()], "order_lines": row.lines, "order_discounts": row.discounts}
