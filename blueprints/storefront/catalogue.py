"""Pages of the catalogue: the list with its filters, and one product."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from flask import Response, get_template_attribute, make_response, render_template, request

from blueprints.http.page_access import shopper
from blueprints.http.pages import asks_for
from blueprints.storefront.pages import pages
from quickshop.catalog import queries
from quickshop.extensions import settings
from quickshop.kernel.errors import NotFound
from quickshop.kernel.money import from_major

SORTS = [
    ("newest", "Newest"),
    ("popular", "Most bought"),
    ("price", "Price, low to high"),
    ("-price", "Price, high to low"),
]
FEW_LEFT = 5
LARGEST_PRICE = Decimal(10) ** 9


@dataclass(frozen=True)
class Filters:
    """What the address asks for, as typed; blank where nothing was."""

    category: str = ""
    q: str = ""
    sort: str = ""
    min_price: str = ""
    max_price: str = ""
    in_stock: str = ""

    @classmethod
    def of(cls, args: Mapping[str, str]) -> Filters:
        """Read the query string; what is not offered is ignored."""
        given = {name: args.get(name, "").strip()[:100] for name in cls.__dataclass_fields__}
        if given["sort"] not in dict(SORTS):
            given["sort"] = ""
        return cls(**given)

    def address(self, **more: str) -> str:
        """The list's address with these filters, without the blank ones."""
        parts = {name: value for name, value in {**vars(self), **more}.items() if value}
        return "/?" + urlencode(parts) if parts else "/"

    def query(self, cursor: str | None) -> queries.ProductQuery:
        """The same in the core's terms."""
        return queries.ProductQuery(
            category=(self.category,) if self.category else (),
            q=self.q or None,
            min_price=_minor(self.min_price),
            max_price=_minor(self.max_price),
            in_stock=True if self.in_stock else None,
            sort=self.sort or "newest",
            cursor=cursor,
        )


def _minor(text: str) -> int | None:
    """A typed price in minor units of the shop's currency; None for what is no price."""
    try:
        value = Decimal(text.replace(",", ".").lstrip("$£€ "))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= LARGEST_PRICE:
        return None
    return from_major(value, settings().base_currency)


@pages.get("/")
@shopper
def products() -> Response:
    """The list: a whole page, its listing alone, or the next cards for "Show more"."""
    filters, cursor = Filters.of(request.args), request.args.get("cursor") or None
    listing = queries.list_products(filters.query(cursor))
    following = listing["next_cursor"]
    shown: dict[str, Any] = {"listing": listing, "more_url": filters.address(cursor=following) if following else None}
    if cursor and asks_for("cards"):
        return make_response(render_template("shop/_more_cards.html", out_of_band=True, **shown))
    categories = queries.list_categories()
    shown |= {"filters": filters, "heading": _heading(filters, categories), "result_count": _count(listing["total"])}
    if asks_for("listing"):
        answer = make_response(render_template("shop/_listing.html", **shown))
        answer.headers["HX-Push-Url"] = filters.address()
        return answer
    return make_response(
        render_template(
            "shop/products.html",
            categories=categories,
            sort_choices=SORTS,
            query_text=filters.q,
            show_welcome=not cursor and filters == Filters(),
            **shown,
        )
    )


def _walk(tree: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for node in tree:
        yield node
        yield from _walk(node["children"])


def _heading(filters: Filters, categories: list[dict[str, Any]]) -> str:
    """What the list shows, in words. Raises NotFound for a category that does not exist."""
    name = "Everything"
    if filters.category:
        names = {node["slug"]: node["name"] for node in _walk(categories)}
        if filters.category not in names:
            raise NotFound("category")
        name = names[filters.category]
    if not filters.q:
        return name
    return f"“{filters.q}”" if not filters.category else f"“{filters.q}” in {name}"


def _count(total: Mapping[str, Any]) -> str:
    if not total["count"]:
        return "No products"
    if total["count"] == 1:
        return "1 product"
    return f"{total['count']:,}{'' if total['exact'] else '+'} products"


@pages.get("/products/<slug>")
@shopper
def product(slug: str) -> str:
    """One product with its variants."""
    return render_template("shop/product.html", **product_context(slug))


def product_context(slug: str) -> dict[str, Any]:
    """What the product page shows. Raises NotFound."""
    found = queries.get_product(slug)
    variants = [{**v, "stock_text": stock_text(v["available"])} for v in found["variants"]]
    wanted = request.args.get("variant") or found["default_variant_id"]
    selected = next((v for v in variants if wanted in (v["id"], v["sku"]) and v["available"] > 0), None)
    selected = selected or next((v for v in variants if v["available"] > 0), variants[0])
    return {
        "product": found,
        "selected": selected,
        "variant_data": _variant_data(variants),
        "trail": found["categories"],
    }


def stock_text(available: int) -> str:
    """What to say of a variant's stock."""
    if available <= 0:
        return "Sold out"
    return f"Only {available} left" if available <= FEW_LEFT else "In stock"


def _variant_data(variants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the picker needs to follow a choice without asking the server."""
    price = get_template_attribute("shop/_parts.html", "price")
    return [
        {
            "options": v["options"],
            "available": v["available"] > 0,
            "stock_text": v["stock_text"],
            "price_html": str(price(v["price"], v["compare_at_price"])),
        }
        for v in variants
    ]
