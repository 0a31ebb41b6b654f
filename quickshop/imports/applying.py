"""Doing what the good rows say: in small transactions that skip what no longer fits, or in one for all or nothing.

How the latter is kept, and how long its locks last, is in docs/decisions/0007.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DataError, IntegrityError

from quickshop.catalog import bulk
from quickshop.catalog.indexing import index
from quickshop.extensions import settings
from quickshop.imports.checking import note_faults
from quickshop.imports.errors import Fault
from quickshop.imports.kinds import Kind
from quickshop.imports.owning import Work, advance, end, keep, move, own
from quickshop.inventory import bulk as stock
from quickshop.kernel import db
from quickshop.kernel.errors import ShopError
from quickshop.kernel.prepared import PLANNED_ANEW
from quickshop.kernel.unit_of_work import run_unit
from quickshop.monitoring import service as monitoring

QUEUE = "system"
BATCH = 250
# Within one transaction nothing is gained by small statements.
BATCH_AT_ONCE = 1000
# How long a worker owns an import between two batches of one long transaction, at least.
LEASE_AT_ONCE = 30

_REFUSED = (ShopError, IntegrityError, DataError)


@dataclass(frozen=True)
class Row:
    """A row to do."""

    number: int
    slug: str | None
    sku: str
    data: dict[str, Any]


def apply(work: Work) -> Iterator[None]:
    """Do the rows that are not done yet."""
    begun = run_unit(lambda: own(work))
    if begun.mode == "all_or_nothing":
        _apply_at_once(work, begun)
        yield
        return
    while run_unit(lambda: _apply_batch(work)):
        yield


def _rows(import_id: UUID, after: int, limit: int) -> list[Row]:
    found = db.rows(
        f"{PLANNED_ANEW} SELECT row, slug, sku, data FROM import_rows"
        " WHERE import_id = :id AND row > :after AND data IS NOT NULL ORDER BY row LIMIT :limit",
        id=import_id,
        after=after,
        limit=limit,
    )
    return [Row(r.row, r.slug, r.sku, r.data) for r in found]


# --- skipping what is bad ------------------------------------------------------------------------------


def _apply_batch(work: Work) -> bool:
    """Do the next rows; False, and the import is done, where there are none."""
    standing = own(work)
    rows = _rows(standing.id, standing.applied_row, BATCH)
    if not rows:
        end(work, "done")
        return False
    faults: list[tuple[int, Fault]] = []
    touched = _write(Kind(standing.kind), rows, faults, locked=False)
    index(sorted(touched))
    note_faults(standing.id, faults)
    advance(
        work,
        applied_row=rows[-1].number,
        rows_applied=standing.rows_applied + len(rows) - len(faults),
        rows_good=standing.rows_good - len(faults),
        rows_bad=standing.rows_bad + len(faults),
    )
    return True


def _write(kind: Kind, rows: Sequence[Row], faults: list[tuple[int, Fault]], *, locked: bool) -> set[UUID]:
    """Do the rows; those that do not fit what is there by now go into `faults`. The products that must be indexed.

    A batch that is refused is undone and done in halves, down to the rows that cannot be done. `locked` where all that
    exists is locked and the read side follows later: then what is new stays a draft until it has one.
    """
    db.run(f"{PLANNED_ANEW} SAVEPOINT rows_of_import")
    try:
        touched = _write_all(kind, rows, locked=locked)
    except _REFUSED as error:
        db.run(f"{PLANNED_ANEW} ROLLBACK TO SAVEPOINT rows_of_import")
        if len(rows) == 1:
            faults.append((rows[0].number, _fault(error)))
            return set()
        half = len(rows) // 2
        touched = _write(kind, rows[:half], faults, locked=locked)
        return touched | _write(kind, rows[half:], faults, locked=locked)
    db.run(f"{PLANNED_ANEW} RELEASE SAVEPOINT rows_of_import")
    return touched


def _fault(error: Exception) -> Fault:
    if isinstance(error, ShopError):
        return Fault("changed_meanwhile", error.detail, error.extra.get("field"))
    constraint = db.constraint(error) or "" if isinstance(error, IntegrityError) else ""
    if "held_within_on_hand" in constraint or "on_hand_not_negative" in constraint:
        return Fault("below_promised", "More units are promised to carts and orders by now.", "stock")
    return Fault("changed_meanwhile", "The shop has changed since this row was checked, and it does not fit any more.")


def _write_all(kind: Kind, rows: Sequence[Row], *, locked: bool) -> set[UUID]:
    """Do all of the rows. Locks stock, then products, then variants, each in order."""
    counted = [row for row in rows if "on_hand" in row.data or "add" in row.data]
    ids = _variants([row.sku for row in counted]) if counted else {}
    if ids and not locked:
        stock.lock(ids.values())
    touched: set[UUID] = set()
    fresh: frozenset[UUID] = frozenset()
    if kind is not Kind.STOCK:
        lines = [bulk.Line(r.sku, r.slug, r.data.get("product", {}), r.data["variant"]) for r in rows]
        written = bulk.write(lines, show_new=not locked, lock_products=not locked)
        ids, fresh, touched = dict(written.variants), written.new_variants, set(written.changed)
    missing = [row.sku for row in counted if row.sku not in ids]
    if missing:
        raise ShopError("There is no variant of this SKU any more.", field="sku")
    stock.set_on_hand({ids[r.sku]: r.data["on_hand"] for r in counted if "on_hand" in r.data}, fresh)
    stock.add({ids[r.sku]: r.data["add"] for r in counted if "add" in r.data})
    return touched


def _variants(skus: Sequence[str]) -> dict[str, UUID]:
    return {r.sku: r.id for r in db.rows("SELECT sku, id FROM variants WHERE sku = ANY(:skus)", skus=list(skus))}


# --- all or nothing ------------------------------------------------------------------------------------


class _Refused(Exception):
    """Some rows do not fit: everything is undone."""

    def __init__(self, faults: list[tuple[int, Fault]]) -> None:
        super().__init__(f"{len(faults)} rows")
        self.faults = faults


def _apply_at_once(work: Work, begun: Any) -> None:
    try:
        run_unit(lambda: _all(work, begun))
    except _Refused as refused:
        faults = refused.faults
        run_unit(lambda: _refuse(work, faults))


def _all(work: Work, begun: Any) -> None:
    """Every row, in one transaction. What exists is locked first and in order; the read side follows afterwards."""
    kind = Kind(begun.kind)
    _live(work)
    _lock_all(begun.id, kind)
    faults: list[tuple[int, Fault]] = []
    after = 0
    while rows := _rows(begun.id, after, BATCH_AT_ONCE):
        _live(work)
        _note_touched(begun.id, _write(kind, rows, faults, locked=True))
        stock.settle()
        after = rows[-1].number
    if faults:
        raise _Refused(faults)
    advance(work, applied_row=after, rows_applied=begun.rows_good)
    move(work, "finishing")


def _live(work: Work) -> None:
    """In the middle of the transaction: stay the owner, and show that the queue is served. Raises Overtaken."""
    keep(work, max(LEASE_AT_ONCE, settings().lease_seconds))
    monitoring.record_canary_aside(QUEUE)


def _note_touched(import_id: UUID, touched: set[UUID]) -> None:
    db.run(
        "INSERT INTO import_touched (import_id, product_id) SELECT :id, unnest(CAST(:ids AS uuid[]))"
        " ON CONFLICT DO NOTHING",
        id=import_id,
        ids=sorted(touched),
    )


def _lock_all(import_id: UUID, kind: Kind) -> None:
    """Lock what exists of all the rows: stock in variant order, then, where they change, products in order."""
    of_import = "SELECT sku FROM import_rows WHERE import_id = :id AND data IS NOT NULL"
    if kind is not Kind.PRICES:
        counted = f"{of_import} AND data ?| ARRAY['on_hand', 'add']"
        db.run(
            f"""
            SELECT count(*) FROM (
                SELECT FROM stock_items s JOIN variants v ON v.id = s.variant_id WHERE v.sku IN ({counted})
                ORDER BY s.variant_id FOR UPDATE OF s
            ) locked
            """,
            id=import_id,
        )
    if kind is Kind.PRODUCTS:
        db.run(
            f"""
            SELECT count(*) FROM (
                SELECT FROM products WHERE id IN (SELECT product_id FROM variants WHERE sku IN ({of_import}))
                    OR slug IN (SELECT slug FROM import_rows WHERE import_id = :id AND data IS NOT NULL)
                ORDER BY id FOR NO KEY UPDATE
            ) locked
            """,
            id=import_id,
        )


def _refuse(work: Work, faults: Sequence[tuple[int, Fault]]) -> None:
    standing = own(work)
    note_faults(standing.id, faults)
    advance(work, rows_good=standing.rows_good - len(faults), rows_bad=standing.rows_bad + len(faults))
    end(work, "refused", failure="rows_failed")


def finish(work: Work) -> Iterator[None]:
    """After all or nothing: show what is new, and make the read side of what changed anew."""
    while run_unit(lambda: _finish_batch(work)):
        yield


_TAKE_TOUCHED = """
DELETE FROM import_touched WHERE import_id = :id AND product_id IN (
    SELECT product_id FROM import_touched WHERE import_id = :id ORDER BY product_id LIMIT :limit)
RETURNING product_id
"""

_UNSEEN = """
SELECT p.id, i.said FROM products p JOIN import_products i ON i.import_id = :id AND i.slug = p.slug
WHERE p.id = ANY(:ids) AND p.card = '{}' AND p.published_at IS NULL
"""


def _finish_batch(work: Work) -> bool:
    standing = own(work)
    touched = sorted(r.product_id for r in db.rows(_TAKE_TOUCHED, id=standing.id, limit=BATCH))
    if not touched:
        end(work, "done")
        return False
    bulk.note_change(touched)
    unseen = db.rows(_UNSEEN, id=standing.id, ids=touched)
    wishes = {r.id: r.said["given"].get("publish", bulk.NOW) for r in unseen}
    bulk.show({product: at for product, at in wishes.items() if at is not None})
    index(touched)
    advance(work)
    return True
