"""Reads the demo catalogue's files into checked, frozen values. Nothing here writes to a database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quickshop.demo.checks import CatalogueError, check_product

DATA = Path(__file__).parent / "data"
CURRENCY = "USD"
PICTURES = "/static/storefront/products"  # a fixed address: cards keep it, and it outlives other files
WIDTHS = (320, 640, 960)  # as scripts/vendor_products.py draws them
SHOWN_WIDTH = 640


@dataclass(frozen=True)
class Variant:
    """A buyable form: prices in minor units of CURRENCY, stock in units, weight in grams."""

    sku: str
    options: Mapping[str, str]
    price_minor: int
    compare_at_minor: int | None
    stock: int
    weight_grams: int


@dataclass(frozen=True)
class Product:
    """A product with its variants; `category` is a slug, `tags` say what it goes with."""

    slug: str
    name: str
    category: str
    picture: str
    alt: str
    tint: str
    description: str
    attributes: Mapping[str, str]
    options: tuple[Mapping[str, Any], ...]
    tags: tuple[str, ...]
    variants: tuple[Variant, ...]

    @property
    def image(self) -> dict[str, Any]:
        """The picture as the catalogue stores it: each source is the address that the web edge serves it under."""
        sources = {width: f"{PICTURES}/{self.picture}-{width}.webp" for width in WIDTHS}
        return {
            "src": sources[SHOWN_WIDTH],
            "srcset": ", ".join(f"{source} {width}w" for width, source in sources.items()),
            "alt": self.alt,
            "width": SHOWN_WIDTH,
            "height": SHOWN_WIDTH,
            "tint": self.tint,
        }


@dataclass(frozen=True)
class Category:
    """A category with its sub-categories, and the products of all of them in display order."""

    slug: str
    name: str
    children: tuple[tuple[str, str], ...]  # (slug, name)
    products: tuple[Product, ...]


def load_catalogue(folder: Path = DATA) -> tuple[Category, ...]:
    """All categories in display order. Raises CatalogueError with the file and product that is wrong."""
    categories = tuple(_category(path) for path in sorted(folder.glob("*.json")))
    _check_unique("slug", (slug for c in categories for slug in (c.slug, *(s for s, _ in c.children))))
    _check_unique("slug", (p.slug for c in categories for p in c.products))
    _check_unique("sku", (v.sku for c in categories for p in c.products for v in p.variants))
    return categories


def window_order(categories: tuple[Category, ...]) -> list[Product]:
    """All products, each category spread evenly over the whole, so that every page shows something of everything."""
    placed = [
        ((place + 0.5) / len(category.products), order, product)
        for order, category in enumerate(categories)
        for place, product in enumerate(category.products)
    ]
    return [product for _, _, product in sorted(placed, key=lambda entry: entry[:2])]


def _category(path: Path) -> Category:
    raw = json.loads(path.read_text(encoding="utf-8"))
    children = tuple((child["slug"], child["name"]) for child in raw["children"])
    allowed = {raw["slug"], *(slug for slug, _ in children)}
    products = tuple(_product(path.name, entry, allowed) for entry in raw["products"])
    return Category(raw["slug"], raw["name"], children, products)


def _product(file: str, raw: dict[str, Any], categories: set[str]) -> Product:
    try:
        check_product(raw, categories)
    except CatalogueError as error:
        raise CatalogueError(f"{file}, {raw.get('slug', 'a product without a slug')}: {error}") from error
    plain = {name: value for name, value in raw.items() if name not in ("options", "tags", "variants")}
    variants = tuple(Variant(**{"compare_at_minor": None, **variant}) for variant in raw["variants"])
    return Product(**plain, options=tuple(raw["options"]), tags=tuple(raw["tags"]), variants=variants)


def _check_unique(what: str, values: Iterator[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise CatalogueError(f"the {what} {value!r} occurs twice")
        seen.add(value)
