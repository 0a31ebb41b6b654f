"""What a row means beside what the shop and the file's earlier rows say, or why it cannot be done. Pure.

The outcome is what `applying` needs: `product` and `variant` hold what is given of each, `stock` the units.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from quickshop.imports import cells
from quickshop.imports.cells import Wrong
from quickshop.imports.errors import Fault
from quickshop.imports.kinds import Kind
from quickshop.imports.rules import MOST_UNITS, NOW, Values

OF_PRODUCT = ("name", "description", "category", "tax_class", "attributes", "publish")
_PRICES = {"price": "price_minor", "compare_at": "compare_at_minor", "sale_price": "sale_price_minor"}
_TIMES = ("sale_from", "sale_until")


@dataclass(frozen=True)
class Seller:
    """A variant as it stands now."""

    slug: str
    currency: str
    price_minor: int
    compare_at_minor: int | None
    sale_price_minor: int | None
    sale_from: datetime | None
    sale_until: datetime | None
    options: Mapping[str, str]
    on_hand: int
    held: int


@dataclass
class Family:
    """A product as it stands, or as the file's earlier rows make it. `chosen` is who has which options."""

    exists: bool
    currency: str | None = None
    options: tuple[str, ...] | None = None
    given: Values = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)


class Tree:
    """The categories, found by path or slug."""

    def __init__(self, rows: Iterable[tuple[UUID, str, tuple[str, ...]]]) -> None:
        """`rows` are id, slug, and the names from the root down."""
        self._slugs: dict[str, UUID] = {}
        self._paths: dict[tuple[str, ...], UUID | None] = {}
        self._names: dict[UUID, tuple[str, str]] = {}
        for category_id, slug, names in rows:
            key = tuple(name.strip().lower() for name in names)
            self._slugs[slug] = category_id
            self._paths[key] = None if key in self._paths else category_id
            self._names[category_id] = slug, " > ".join(names)

    def find(self, written: str) -> UUID:
        """The category of a path (`Home > Kitchen`) or slug. Raises Wrong."""
        if written in self._slugs:
            return self._slugs[written]
        key = tuple(part.strip().lower() for part in written.split(">"))
        if key not in self._paths:
            raise Wrong("unknown_category", f"There is no category {cells.shown(written)}.")
        found = self._paths[key]
        if found is None:
            raise Wrong("unknown_category", f"There are several categories {cells.shown(written)}: give the slug.")
        return found

    def written(self, category_id: UUID) -> str:
        """A category as `find` finds it: its path, or its slug where that would mean another or none."""
        slug, path = self._names[category_id]
        try:
            return path if self.find(path) == category_id else slug
        except Wrong:
            return slug


@dataclass(frozen=True)
class Known:
    """What a batch of rows is judged by: variants by SKU, products by slug, rows by SKU, categories and tax classes."""

    sellers: Mapping[str, Seller]
    families: dict[str, Family]
    rows: dict[str, int]
    tree: Tree
    tax_classes: Collection[str]
    base_currency: str


@dataclass(frozen=True)
class Judged:
    """A row's outcome: `data` where it is good."""

    data: dict[str, Any] | None
    faults: list[Fault]
    new: bool = False


def judge(kind: Kind, row: int, values: Values, faults: list[Fault], known: Known) -> Judged:
    """Whether the row can be done, and how. Notes its SKU and, where it is good, what it says of its product."""
    faults = [*faults]
    sku = values.get("sku")
    seller = known.sellers.get(sku) if sku else None
    if sku:
        before = known.rows.setdefault(sku, row)
        if before != row:
            faults.append(Fault("duplicate_sku", f"Row {before} has this SKU already.", "sku"))
    if kind is Kind.PRODUCTS:
        data = _product_row(row, values, faults, known, seller)
    elif seller is None:
        if sku:
            faults.append(Fault("unknown_sku", f"No variant has the SKU {cells.shown(sku)}.", "sku"))
        data = {}
    elif kind is Kind.PRICES:
        data = {"variant": _prices(values, faults, seller, seller.currency)}
    else:
        data = _stock(values, faults, seller)
    if faults:
        return Judged(None, faults)
    if kind is Kind.PRODUCTS:
        _note(row, values, known.families[values["slug"]], seller, data["variant"]["currency"])
    return Judged({"sku": sku, **data}, [], seller is None)


# --- products ------------------------------------------------------------------------------------------


def _product_row(row: int, values: Values, faults: list[Fault], known: Known, seller: Seller | None) -> dict[str, Any]:
    slug = values.get("slug")
    family = known.families.setdefault(slug, Family(exists=False)) if slug else Family(exists=False)
    if seller and slug and seller.slug != slug:
        faults.append(
            Fault("sku_of_other_product", f"The product {cells.shown(seller.slug)} has a variant of this SKU.", "sku")
        )
        seller = None
    failed = {fault.column for fault in faults}
    for name in ("name", "category"):
        if slug and not family.exists and name not in family.given and name not in values and name not in failed:
            faults.append(Fault("required", f"A new product needs a {name}.", name))
    for name in OF_PRODUCT:
        if name in values and name in family.given and _plain(values[name]) != family.given[name]:
            told = f"Row {family.since[name]} says something else of the same product."
            faults.append(Fault("rows_differ", told, name))
    product = {name: _plain(values[name]) for name in OF_PRODUCT if name in values and name not in family.given}
    if "category" in product:
        try:
            product["category_id"] = str(known.tree.find(product.pop("category")))
        except Wrong as wrong:
            faults.append(replace(wrong.fault, column="category"))
    if "tax_class" in product and product["tax_class"] not in known.tax_classes:
        told = f"There is no tax class {cells.shown(product['tax_class'])}."
        faults.append(Fault("unknown_tax_class", told, "tax_class"))
    default = (seller.currency if seller else family.currency) or known.base_currency
    variant = _prices(values, faults, seller, default, fixed=seller is not None or family.currency is not None)
    if "weight_grams" in values:
        variant["weight_grams"] = values["weight_grams"]
    variant |= _options(values, faults, family, seller)
    data: dict[str, Any] = {"slug": slug, "product": product, "variant": variant}
    if "stock" in values:
        data |= _on_hand(values["stock"], faults, seller, "stock")
    return data


def _options(values: Values, faults: list[Fault], family: Family, seller: Seller | None) -> dict[str, Any]:
    """What the variant is: the same options as its sisters, and no two of them alike."""
    if "options" not in values and seller is not None:
        return {}
    options: dict[str, str] = values.get("options", {})
    wanted = family.options
    if seller is not None and options == seller.options:
        return {"options": options}
    if wanted is not None and set(options) != set(wanted):
        needed = f"needs a value for: {', '.join(wanted)}" if wanted else "has no options"
        faults.append(Fault("options_differ", f"Each variant of this product {needed}.", "options"))
    elif options and family.chosen.get(_choice(options), values.get("sku")) != values.get("sku"):
        faults.append(
            Fault(
                "options_taken", f"The SKU {cells.shown(family.chosen[_choice(options)])} is that already.", "options"
            )
        )
    return {"options": options}


def _choice(options: Mapping[str, str]) -> str:
    return repr(sorted(options.items()))


def chosen(variants: Iterable[tuple[str, Mapping[str, str]]]) -> dict[str, str]:
    """Which SKU has which options."""
    return {_choice(options): sku for sku, options in variants if options}


def _note(row: int, values: Values, family: Family, seller: Seller | None, currency: str) -> None:
    """Let later rows of the same product know what this one said."""
    for name in OF_PRODUCT:
        if name in values and name not in family.given:
            family.given[name] = _plain(values[name])
            family.since[name] = row
    family.currency = family.currency or currency
    options = values.get("options", {})
    if family.options is None:
        family.options = tuple(options)
    if options:
        family.chosen[_choice(options)] = values["sku"]


def _plain(value: Any) -> Any:
    """As it is stored."""
    return cells.written_moment(value) if isinstance(value, datetime) else value


# --- prices --------------------------------------------------------------------------------------------


def _prices(
    values: Values, faults: list[Fault], seller: Seller | None, currency: str, *, fixed: bool = True
) -> dict[str, Any]:
    """What is given of the prices, in minor units; judged together with what stays. A `fixed` currency is the only."""
    said = values.get("currency")
    if said and said != currency and fixed:
        faults.append(Fault("currency_differs", f"This is sold in {currency}, not in {said}.", "currency"))
        return {}
    currency = said or currency
    found: dict[str, Any] = {}
    for name, column in _PRICES.items():
        value = values.get(name)
        try:
            if isinstance(value, Decimal):
                found[column] = cells.minor(value, currency)
            elif name in values:
                found[column] = None
        except Wrong as wrong:
            faults.append(replace(wrong.fault, column=name))
    found |= {name: _plain(values[name]) for name in _TIMES if name in values}
    if "price_minor" in found and not {f.column for f in faults} & {*_PRICES, *_TIMES}:
        _check_prices(found, values, faults, seller)
    return {"currency": currency, **found}


def _check_prices(found: Mapping[str, Any], values: Values, faults: list[Fault], seller: Seller | None) -> None:
    def now(column: str) -> Any:
        return found[column] if column in found else getattr(seller, column, None)

    price, was, sale = found["price_minor"], now("compare_at_minor"), now("sale_price_minor")
    begins, ends = ((values[n] if n in values else getattr(seller, n, None)) for n in _TIMES)
    if was is not None and was <= price:
        faults.append(Fault("compare_at_not_above", "The former price must be above the price.", "compare_at"))
    if sale is not None and sale >= price:
        faults.append(Fault("sale_not_below", "The sale price must be below the price.", "sale_price"))
    if sale is None and (begins or ends):
        faults.append(Fault("sale_without_price", "A sale needs a price, or its times must be empty.", "sale_price"))
    if begins and ends and ends <= begins:
        faults.append(Fault("sale_ends_before", "The sale ends before it begins.", "sale_until"))


# --- stock ---------------------------------------------------------------------------------------------


def _stock(values: Values, faults: list[Fault], seller: Seller) -> dict[str, Any]:
    quantity = values.get("quantity")
    if quantity is None or any(fault.column == "quantity" for fault in faults):
        return {}
    if values.get("mode", "set") == "set":
        return _on_hand(quantity, faults, seller, "quantity")
    after = seller.on_hand + quantity
    if after > MOST_UNITS:
        faults.append(Fault("too_large", f"That would make {after} units.", "quantity"))
    _check_held(after, faults, seller, "quantity")
    return {"add": quantity}


def _on_hand(units: int, faults: list[Fault], seller: Seller | None, column: str) -> dict[str, Any]:
    if seller:
        _check_held(units, faults, seller, column)
    return {"on_hand": units}


def _check_held(after: int, faults: list[Fault], seller: Seller, column: str) -> None:
    if after < seller.held:
        told = f"{seller.held} units are promised to carts and orders" if seller.held else "There are not so many"
        faults.append(Fault("below_promised", f"{told}; {seller.on_hand} are in the house.", column))


__all__ = ["NOW", "Family", "Judged", "Known", "Seller", "Tree", "chosen", "judge"]
