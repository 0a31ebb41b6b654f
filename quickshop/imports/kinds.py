"""The kinds of files, the fields of each, and how the names in a file's first row are understood. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from quickshop.imports.cells import plain
from quickshop.imports.errors import ColumnsRefused

MOST_COLUMNS = 200
_JOINERS = re.compile(r"[\s_\-]+")


class Kind(StrEnum):
    """What a file brings: whole products, prices alone, stock alone. One row is one variant."""

    PRODUCTS = "products"
    PRICES = "prices"
    STOCK = "stock"


@dataclass(frozen=True)
class Field:
    """A field of a kind, the other names it is known by, and whether a file must give it."""

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    hint: str = ""


_SKU = Field("sku", ("variant sku", "item", "item number", "article number", "code"), True, "Names the variant")
_CURRENCY = Field("currency", ("price currency",), hint="Three letters; the shop's own where it is not given")
_COMPARE_AT = Field("compare_at", ("compare at price", "variant compare at price", "former price", "rrp", "msrp"))
_SALE = (
    Field(
        "sale_price", ("sale", "special price"), hint="Charged instead of the price from `sale_from` to `sale_until`"
    ),
    Field("sale_from", ("from", "sale start", "sale starts"), hint="A moment with its zone, or a day in UTC"),
    Field("sale_until", ("to", "until", "sale to", "sale end", "sale ends")),
)
_PRICE = Field("price", ("variant price", "unit price", "regular price"), True, "12.99: a point, no signs")

FIELDS: Mapping[Kind, tuple[Field, ...]] = {
    Kind.PRODUCTS: (
        Field("slug", ("product", "handle", "product slug", "url key"), True, "Names the product; its rows share it"),
        _SKU,
        Field("name", ("title", "product name"), True),
        Field("description", ("body", "body (html)", "body html", "text"), hint="Plain text or simple HTML"),
        Field("category", ("category path", "product category", "type"), True, "Home > Kitchen > Pans, or its slug"),
        Field(
            "tax_class", ("tax", "vat class", "tax code"), hint="As the shop's tax classes are named; standard if none"
        ),
        Field("attributes", ("properties",), hint="material=oak; colour=red"),
        Field("options", ("variant options",), hint="size=L; colour=red"),
        _PRICE,
        _CURRENCY,
        _COMPARE_AT,
        *_SALE,
        Field("weight_grams", ("weight", "weight g", "variant grams", "grams")),
        Field("stock", ("quantity", "on hand", "variant inventory qty", "inventory"), hint="Units in the house"),
        Field("publish", ("published", "published at", "status"), hint="yes, no, or the moment from which on"),
    ),
    Kind.PRICES: (_SKU, _PRICE, _CURRENCY, _COMPARE_AT, *_SALE),
    Kind.STOCK: (
        _SKU,
        Field("quantity", ("stock", "on hand", "units", "qty"), True, "Units in the house, or units to add"),
        Field("mode", ("action",), hint="set (where it is not given) or add"),
    ),
}


def fields_of(kind: Kind) -> tuple[str, ...]:
    """The names of a kind's fields, in the order in which files are written."""
    return tuple(field.name for field in FIELDS[kind])


def _key(name: str) -> str:
    return _JOINERS.sub(" ", name.strip().lower())


def proposal(kind: Kind, header: Sequence[str]) -> dict[str, str | None]:
    """Which field each column seems to give, by well-known names; None for one that is not understood.

    Where two columns could give a field, the one whose name it is does, else the first.
    """
    exact = {_key(field.name): field.name for field in FIELDS[kind]}
    known = {_key(alias): field.name for field in FIELDS[kind] for alias in field.aliases}
    found: dict[str, str | None] = {name: exact.get(_key(name)) for name in header}
    taken = set(found.values())
    for name in header:
        field = known.get(_key(name))
        if found[name] is None and field is not None and field not in taken:
            found[name] = field
            taken.add(field)
    return found


def columns(
    kind: Kind, header: Sequence[str], mapping: Mapping[str, str | None] | None = None
) -> tuple[str | None, ...]:
    """The field of each column in order: what `mapping` says of a column's name, else what its name means.

    Raises ColumnsRefused: a required field that no column gives, one given by two, a field or column that is not there.
    """
    meant = proposal(kind, header)
    chosen = {**meant, **(mapping or {})} if mapping else meant
    if mapping:
        said = {field for field in mapping.values() if field}
        chosen = {name: None if name not in mapping and field in said else field for name, field in chosen.items()}
    fields = fields_of(kind)
    unknown = [name for name in chosen if name not in meant]
    unknown += [field for field in chosen.values() if field is not None and field not in fields]
    given = [chosen.get(name) for name in header]
    twice = sorted({field for field in given if field is not None and given.count(field) > 1})
    missing = [field.name for field in FIELDS[kind] if field.required and field.name not in given]
    if unknown or twice or missing:
        raise ColumnsRefused(missing, twice, unknown)
    return tuple(given)


def unknown_columns(header: Sequence[str], chosen: Sequence[str | None]) -> list[str]:
    """The names of columns that are not read."""
    return [name for name, field in zip(header, chosen, strict=True) if field is None]


def header_names(cells: Sequence[str]) -> list[str]:
    """The names of a first row, each told apart: an empty one is named by its place, a second one numbered."""
    names: list[str] = []
    for place, cell in enumerate(cells[:MOST_COLUMNS], 1):
        name = plain(cell).strip()[:100] or f"column {place}"
        names.append(name if name not in names else f"{name} ({place})")
    return names
