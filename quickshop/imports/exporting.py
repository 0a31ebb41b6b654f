"""Products, prices and stock written as the files that imports read: read back, they change nothing.

A page of variants at a time, by keyset, so that a shop of any size is written without being held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from quickshop.imports.cells import neutral, written_moment, written_pairs, written_price
from quickshop.imports.checking import categories
from quickshop.imports.judging import Tree
from quickshop.imports.kinds import Kind, fields_of
from quickshop.imports.reading import row_of
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading

PAGE = 500

_PRODUCTS = """
SELECT p.id AS key, v.position AS place, v.id, p.slug, p.name, p.description, p.category_id,
       coalesce(p.tax_class, 'standard') AS tax_class, p.attributes, p.published_at, v.sku, v.options,
       v.currency, v.price_minor, v.compare_at_minor, v.sale_price_minor, v.sale_from, v.sale_until,
       v.weight_grams, coalesce(s.on_hand, 0) AS on_hand
FROM products p JOIN variants v ON v.product_id = p.id LEFT JOIN stock_items s ON s.variant_id = v.id
WHERE p.id >= :key AND (p.id, v.position, v.id) > (:key, :place, :id)
ORDER BY p.id, v.position, v.id LIMIT :limit
"""

_VARIANTS = """
SELECT v.id AS key, 0 AS place, v.id, v.sku, v.currency, v.price_minor, v.compare_at_minor, v.sale_price_minor,
       v.sale_from, v.sale_until, coalesce(s.on_hand, 0) AS on_hand
FROM variants v LEFT JOIN stock_items s ON s.variant_id = v.id
WHERE v.id > :key ORDER BY v.id LIMIT :limit
"""
_FIRST = {"key": UUID(int=0), "place": -1, "id": UUID(int=0)}


def export(kind: Kind) -> Iterator[str]:
    """The file, a piece at a time. Needs an active application context and no open unit of work."""
    yield row_of(fields_of(kind))
    with reading():
        tree = categories() if kind is Kind.PRODUCTS else Tree([])
    write: Callable[[Any, bool], Mapping[str, str]] = {
        Kind.PRODUCTS: lambda row, first: _product(row, first, tree),
        Kind.PRICES: lambda row, first: _prices(row),
        Kind.STOCK: lambda row, first: {"sku": neutral(row.sku), "quantity": str(row.on_hand), "mode": "set"},
    }[kind]
    last: dict[str, Any] = _FIRST
    sql = _PRODUCTS if kind is Kind.PRODUCTS else _VARIANTS
    while True:
        needed = last if kind is Kind.PRODUCTS else {"key": last["key"]}
        with reading():
            found = db.rows(sql, limit=PAGE, **needed)
        if not found:
            return
        lines = []
        for row in found:
            cells = write(row, row.key != last["key"])
            lines.append(row_of(cells.get(name, "") for name in fields_of(kind)))
            last = {"key": row.key, "place": row.place, "id": row.id}
        yield "".join(lines)


def _product(row: Any, first: bool, tree: Tree) -> dict[str, str]:
    """A variant with what its product is; the long text stands beside the first one alone."""
    return {
        "slug": row.slug,
        "name": neutral(row.name),
        "description": neutral(row.description) if first else "",
        "category": neutral(tree.written(row.category_id)),
        "tax_class": neutral(row.tax_class),
        "attributes": neutral(written_pairs(row.attributes)),
        "options": neutral(written_pairs(row.options)),
        "weight_grams": str(row.weight_grams),
        "stock": str(row.on_hand),
        "publish": written_moment(row.published_at) or "no",
        **_prices(row),
    }


def _prices(row: Any) -> dict[str, str]:
    def price(units: int | None) -> str:
        return "" if units is None else written_price(units, row.currency)

    return {
        "sku": neutral(row.sku),
        "price": price(row.price_minor),
        "currency": row.currency,
        "compare_at": price(row.compare_at_minor),
        "sale_price": price(row.sale_price_minor),
        "sale_from": written_moment(row.sale_from),
        "sale_until": written_moment(row.sale_until),
    }
