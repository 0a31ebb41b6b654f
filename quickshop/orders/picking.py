"""What is to be taken from the shelves: the open units of paid orders, most urgent orders first. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339

MOST_ORDERS = 200

_OPEN = """
WITH open_orders AS (
    SELECT o.id, o.number, o.priority, o.priority_reason, o.confirmed_at, o.deliver_to, o.shipping_method, o.country
    FROM orders o
    WHERE o.confirmed_at IS NOT NULL AND o.delivered_at IS NULL AND o.status = 'confirmed' {which}
      AND EXISTS (SELECT FROM order_lines l LEFT JOIN line_progress p ON p.line_id = l.id WHERE l.order_id = o.id
                  AND l.quantity > coalesce(p.cancelled, 0) + coalesce(p.packed, 0))
    ORDER BY array_position(ARRAY['vip', 'high', 'standard'], o.priority), o.confirmed_at, o.id LIMIT :most
)
SELECT o.number, o.priority, o.priority_reason, o.confirmed_at, o.deliver_to, o.shipping_method, o.country,
       l.sku, l.name, l.options, l.quantity - coalesce(p.cancelled, 0) - coalesce(p.packed, 0) AS units
FROM open_orders o JOIN order_lines l ON l.order_id = o.id LEFT JOIN line_progress p ON p.line_id = l.id
WHERE l.quantity > coalesce(p.cancelled, 0) + coalesce(p.packed, 0)
ORDER BY array_position(ARRAY['vip', 'high', 'standard'], o.priority), o.confirmed_at, o.id, l.position
"""


def pick_list(numbers: Sequence[str] | None = None, limit: int = MOST_ORDERS) -> dict[str, Any]:
    """What of the given orders, or of all, is still to be packed: {made_at, orders, articles}.

    Orders on hold are not in it. `articles` are the units by code over all of them, in the order of codes.
    """
    which = "AND o.number = ANY(:numbers)" if numbers is not None else ""
    values = {"numbers": list(numbers)} if numbers is not None else {}
    orders: dict[str, dict[str, Any]] = {}
    articles: dict[str, dict[str, Any]] = {}
    for row in db.rows(_OPEN.format(which=which), most=limit, **values):
        order = orders.setdefault(row.number, _order(row))
        line = {"sku": row.sku, "name": row.name, "options": row.options, "units": row.units}
        order["lines"].append(line)
        article = articles.setdefault(row.sku, {**line, "units": 0, "orders": 0})
        article["units"] += row.units
        article["orders"] += 1
    return {
        "made_at": rfc3339(now()),
        "orders": list(orders.values()),
        "articles": [articles[sku] for sku in sorted(articles)],
    }


def _order(row: Any) -> dict[str, Any]:
    return {
        "number": row.number,
        "priority": row.priority,
        "priority_reason": row.priority_reason,
        "confirmed_at": rfc3339(row.confirmed_at),
        "deliver_by": row.deliver_to.isoformat(),
        "shipping_method": row.shipping_method["name"],
        "country": row.country,
        "lines": [],
    }
