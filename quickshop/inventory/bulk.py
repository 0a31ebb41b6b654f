"""Stock of many variants at once, each change with its movement and, where it is the first there is,
word for those who wait for it. Rows are locked in variant order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from quickshop.inventory.service import TELL
from quickshop.kernel import db
from quickshop.kernel.outbox import dump

_SET = (
    """
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (variant_id uuid, units int)
), locked AS (
    SELECT s.variant_id, s.on_hand, s.held, {after} AS after
    FROM stock_items s JOIN wanted w USING (variant_id) ORDER BY s.variant_id FOR UPDATE OF s
), raised AS (
    UPDATE stock_items s SET on_hand = l.after, held = l.held FROM locked l
    WHERE s.variant_id = l.variant_id AND l.after <> l.on_hand
    RETURNING s.variant_id, l.after - l.on_hand AS quantity, l.after - l.held AS available
)"""
    + TELL
    + """
INSERT INTO stock_movements (variant_id, delta, cause)
SELECT variant_id, quantity, {cause} FROM raised ORDER BY variant_id
"""
)
_COUNTED = _SET.format(after="w.units", cause="CASE WHEN variant_id = ANY(:fresh) THEN 'received' ELSE 'corrected' END")
_ADDED = _SET.format(after="s.on_hand + w.units", cause="CASE WHEN quantity > 0 THEN 'received' ELSE 'corrected' END")


def lock(variant_ids: Iterable[UUID]) -> None:
    """Lock the stock of variants, in order, until the transaction ends: before anything of their products is locked."""
    db.run("SELECT FROM stock_items WHERE variant_id = ANY(:ids) ORDER BY variant_id FOR UPDATE", ids=list(variant_ids))


def set_on_hand(units: Mapping[UUID, int], fresh: Iterable[UUID] = ()) -> None:
    """Have so many units in the house. What differs is `corrected`, or `received` for `fresh` variants.

    Raises IntegrityError where less would be left than is promised to carts and orders.
    """
    _run(_COUNTED, units, fresh=list(fresh))


def add(units: Mapping[UUID, int]) -> None:
    """Add units (`received`), or take them away where negative (`corrected`). Raises IntegrityError as above."""
    _run(_ADDED, units)


def _run(sql: str, units: Mapping[UUID, int], **more: list[UUID]) -> None:
    if units:
        db.run(sql, wanted=dump([{"variant_id": str(v), "units": n} for v, n in units.items()]), **more)


def settle() -> None:
    """Let lists know of what came into stock or ran out so far, instead of all of it when the transaction ends."""
    db.run("/* planned anew */ SET CONSTRAINTS ALL IMMEDIATE")
    db.run("/* planned anew */ SET CONSTRAINTS ALL DEFERRED")
