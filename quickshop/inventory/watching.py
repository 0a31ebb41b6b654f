"""Watching for stock that runs low. A job looks from time to time; nothing of it stands on the way of an order.

Low is a variant of a product that is on show, or will be, with no more units in the house than its threshold. What is
promised to orders leaves the house within seconds; what lies in carts may come back, so it does not count.
"""

from __future__ import annotations

from typing import Any

from quickshop.extensions import settings
from quickshop.kernel import clock, db, facts
from quickshop.kernel.ids import new_id, parse_id
from quickshop.kernel.outbox import TaskHint, write
from quickshop.kernel.pagination import decode_cursor, page

LOW_STOCK_FOUND = "stock.low_found"
NAMED = 20  # variants that one message names; the rest is counted
MOST_COUNTED = 10_000
MOST = 20_000  # that one look takes: noting them takes a second
_NOTIFY = TaskHint("notifications.drain", "notify")

_LOW = """
    FROM stock_items s JOIN variants v ON v.id = s.variant_id JOIN products p ON p.id = v.product_id
    WHERE s.on_hand <= coalesce(s.low_at, :default) AND p.published_at IS NOT NULL
      AND coalesce(now() < p.withdrawn_at, true)
"""

# What is low now and was not at the last look; what is not low any more is forgotten, so that it is told of again.
_WATCH = f"""
WITH low AS MATERIALIZED (
    SELECT s.variant_id, s.on_hand, v.sku, p.name {_LOW}
), enough AS (
    DELETE FROM low_stock k WHERE NOT EXISTS (SELECT FROM low WHERE low.variant_id = k.variant_id)
), fresh AS (
    INSERT INTO low_stock (variant_id)
    SELECT variant_id FROM low WHERE NOT EXISTS (SELECT FROM low_stock k WHERE k.variant_id = low.variant_id)
    ORDER BY on_hand, variant_id LIMIT :limit
    ON CONFLICT DO NOTHING RETURNING variant_id
)
SELECT l.sku, l.name, l.on_hand FROM fresh JOIN low l USING (variant_id) ORDER BY l.on_hand, l.sku
"""


def watch() -> int:
    """Note what became low since the last look and have staff told of it, once; how many variants.

    Of a great many (a catalogue that is new) the lowest 20,000 come first and the others at the next look.
    Leaves one fact `stock.low_found` for all of them: {count, items [{sku, name, on_hand}]}, the lowest first.
    """
    found = db.rows(_WATCH, default=settings().low_stock_at, limit=MOST)
    if found:
        items = [{"sku": r.sku, "name": r.name, "on_hand": r.on_hand} for r in found[:NAMED]]
        told = {"count": len(found), "items": items}
        facts.leave("notifications", LOW_STOCK_FOUND, {**told, "once": str(new_id())})
        facts.announce(LOW_STOCK_FOUND, told)
        write(tasks=[_NOTIFY])
    return len(found)


_LIST = f"""
SELECT s.variant_id, s.on_hand, s.held, coalesce(s.low_at, :default) AS low_at, v.sku, v.options, p.id AS product_id,
       p.name, l.since
FROM (SELECT s.variant_id {_LOW}) found JOIN stock_items s USING (variant_id)
JOIN variants v ON v.id = s.variant_id JOIN products p ON p.id = v.product_id
LEFT JOIN low_stock l ON l.variant_id = s.variant_id
WHERE (s.on_hand, s.variant_id) > (:units, :after) ORDER BY s.on_hand, s.variant_id LIMIT :limit
"""
_FIRST = (-1, "00000000-0000-0000-0000-000000000000")


def list_low(limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """A page of what is low at this moment, the lowest first: {items, next_cursor}.

    `since` is when the watch noticed it, null where it has not yet.
    """
    units, after = decode_cursor(cursor, int, str) if cursor else _FIRST
    found = db.rows(_LIST, default=settings().low_stock_at, units=units, after=parse_id(after, "page"), limit=limit + 1)
    shown, next_cursor = page(found, limit, "on_hand", "variant_id")
    return {
        "items": [
            {
                "variant_id": str(r.variant_id),
                "product_id": str(r.product_id),
                "sku": r.sku,
                "name": r.name,
                "options": r.options,
                "on_hand": r.on_hand,
                "held": r.held,
                "available": r.on_hand - r.held,
                "low_at": r.low_at,
                "since": clock.rfc3339(r.since),
            }
            for r in shown
        ],
        "next_cursor": next_cursor,
    }


def count_low() -> int:
    """How many variants are low at this moment, counted to 10,000."""
    counted = f"SELECT count(*) FROM (SELECT {_LOW} LIMIT :most) low"
    return int(db.scalar(counted, default=settings().low_stock_at, most=MOST_COUNTED))
