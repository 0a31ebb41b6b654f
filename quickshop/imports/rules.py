"""What a row says by itself: its cells read by their fields, or what is wrong with each. Pure.

A column that the file has not got leaves a value as it is. An empty cell clears what may be nothing (a former price, a
sale) and leaves everything else as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from quickshop.catalog.texts import clean
from quickshop.imports import cells
from quickshop.imports.cells import Wrong
from quickshop.imports.errors import Fault
from quickshop.imports.kinds import Kind
from quickshop.imports.reading import Record

LONGEST_SKU = 64
LONGEST_SLUG = 150
LONGEST_NAME = 200
LONGEST_DESCRIPTION = 20_000
MOST_UNITS = 1_000_000_000
MOST_GRAMS = 10_000_000
NOW = "now"

Values = dict[str, Any]

_YES = frozenset({"yes", "true", "1", "y", "published", "active", "shown"})
_NO = frozenset({"no", "false", "0", "n", "draft", "unpublished", "hidden"})
# An empty cell of these says that there is none.
_CLEARED = frozenset({"compare_at", "sale_price", "sale_from", "sale_until"})


def _category(cell: str) -> str:
    return cells.text(cell, 1000)


def _description(cell: str) -> str:
    return clean(cells.text(cell, LONGEST_DESCRIPTION, lines=True))


def _publish(cell: str) -> str | datetime | None:
    word = cells.text(cell, 40).lower()
    if word in _YES:
        return NOW
    if word in _NO:
        return None
    try:
        return cells.moment(cell)
    except Wrong:
        raise Wrong(
            "not_a_time", f"{cells.shown(cell)} is neither yes nor no nor a moment as 2026-03-01T09:00:00Z."
        ) from None


def _mode(cell: str) -> str:
    word = cells.text(cell, 20).lower()
    if word not in ("set", "add"):
        raise Wrong("unknown_mode", f"{cells.shown(word)} is neither set nor add.")
    return word


_READERS: Mapping[str, Callable[[str], Any]] = {
    "slug": lambda cell: cells.slug(cell, LONGEST_SLUG),
    "sku": lambda cell: cells.text(cell, LONGEST_SKU),
    "name": lambda cell: cells.text(cell, LONGEST_NAME),
    "description": _description,
    "category": _category,
    "tax_class": lambda cell: cells.text(cell, 40).lower(),
    "attributes": lambda cell: cells.pairs(cell, 60, 300),
    "options": lambda cell: cells.pairs(cell, 60, 120),
    "price": cells.price,
    "currency": cells.currency,
    "compare_at": cells.price,
    "sale_price": cells.price,
    "sale_from": cells.moment,
    "sale_until": cells.moment,
    "weight_grams": lambda cell: cells.whole(cell, 0, MOST_GRAMS),
    "stock": lambda cell: cells.whole(cell, 0, MOST_UNITS),
    "publish": _publish,
    "quantity": lambda cell: cells.whole(cell, -MOST_UNITS, MOST_UNITS),
    "mode": _mode,
}
# Of these the first row of a new product must say something; later rows need not.
_MUST = {Kind.PRODUCTS: ("slug", "sku", "price"), Kind.PRICES: ("sku", "price"), Kind.STOCK: ("sku", "quantity")}


def read(kind: Kind, columns: Sequence[str | None], record: Record) -> tuple[Values, list[Fault]]:
    """What the cells of a record say, by field, and what is wrong with them."""
    if record.fault:
        return {}, [record.fault]
    given, faults = _pair(columns, record.cells)
    if faults:
        return {}, faults
    values: Values = {}
    for name, cell in given.items():
        if not cell.strip():
            if name in _CLEARED:
                values[name] = None
            continue
        try:
            values[name] = _READERS[name](cell)
        except Wrong as wrong:
            faults.append(replace(wrong.fault, column=name))
    failed = {fault.column for fault in faults}
    faults += [
        Fault("required", f"Every row needs a value for {name}.", name)
        for name in _MUST[kind]
        if name not in values and name not in failed
    ]
    if kind is Kind.STOCK and values.get("mode", "set") == "set" and values.get("quantity", 0) < 0:
        faults.append(Fault("negative", "There cannot be fewer than no units; write add in the mode to take some.",
                            "quantity"))  # fmt: skip
    return values, faults


def _pair(columns: Sequence[str | None], found: Sequence[str]) -> tuple[dict[str, str], list[Fault]]:
    """The cells by field. A row of the wrong length says nothing for certain."""
    extra = [cell for cell in found[len(columns) :] if cell.strip()]
    if len(found) >= len(columns) and not extra:
        return {name: cell for name, cell in zip(columns, found, strict=False) if name is not None}, []
    few = len(found) < len(columns)
    told = f"This row has {len(found)} cells, and the first row {len(columns)}."
    return {}, [Fault("too_few_cells" if few else "too_many_cells", told)]
