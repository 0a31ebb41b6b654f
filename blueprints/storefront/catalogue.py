"""Pages of the catalogue: the list with its filters, one product, suggestions while typing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from flask import Response, get_template_attribute, make_response, redirect, render_template, request

from blueprints.http.limits import limited
from blueprints.http.page_access import shopper
from blueprints.http.pages import asks_for
from blueprints.http.shared import for_a_moment
from blueprints.storefront import recently
from blueprints.storefront.linked_data import breadcrumbs_data, product_data
from blueprints.storefront.pages import pages
from blueprints.storefront.shown_currency import shown_currency
from quickshop.catalog import queries
from quickshop.extensions import settings
from quickshop.kernel.errors import NotFound
from quickshop.kernel.money import from_major
from quickshop.search.filters import PREFIX, ProductQuery, attributes_of
from quickshop.search.queries import list_json
from quickshop.search.suggestions import suggest_json

SORTS = [
    ("newest", "Newest"),
    ("popular", "Most bought"),
    ("rating", "Best rated"),
    ("price", "Price, low to high"),
    ("-price", "Price, high to low"),
]
BEST_MATCH = ("relevance", "Best match")
STARS = ("4", "3", "2")
FEW_LEFT = 5
VALUES_SHOWN = 8
LARGEST_PRICE = Decimal(10) ** 9
_TEXTS = ("category", "q", "sort", "min_price", "max_price", "min_rating", "in_stock")


@dataclass(frozen=True)
class Filters:
    """What the address asks for, as typed; blank where nothing was."""

    category: str = ""
    q: str = ""
    sort: str = ""
    min_price: str = ""
    max_price: str = ""
    min_rating: str = ""
    in_stock: str = ""
    attributes: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, args: Any) -> Filters:
        """Read the query string; what is not offered is ignored. Raises Invalid for too many attributes."""
        given = {name: args.get(name, "").strip()[:100] for name in _TEXTS}
        if given["sort"] not in dict([*SORTS, BEST_MATCH]):
            given["sort"] = ""
        if given["min_rating"] not in STARS:
            given["min_rating"] = ""
        return cls(**given, attributes=attributes_of(args))

    @property
    def sorts(self) -> list[tuple[str, str]]:
        """The orders on offer: the best match is one where there are words."""
        return [BEST_MATCH, *SORTS] if self.q else SORTS

    @property
    def narrowed(self) -> bool:
        """Whether facets are worth counting: the whole shop is narrowed by choosing a category first."""
        return bool(self.category or self.q)

    def address(self, **more: str) -> str:
        """The list's address with these filters, without the blank ones."""
        texts = {name: getattr(self, name) for name in _TEXTS}
        parts = [(name, value) for name, value in {**texts, **more}.items() if value]
        parts += [(PREFIX + name, value) for name, values in self.attributes.items() for value in values]
        return "/?" + urlencode(parts) if parts else "/"

    def query(self, cursor: str | None, *, facets: bool = False) -> ProductQuery:
        """The same in the core's terms."""
        return ProductQuery(
            category=(self.category,) if self.category else (),
            q=self.q or None,
            min_price=_minor(self.min_price),
            max_price=_minor(self.max_price),
            currency=shown_currency(),
            min_rating=float(self.min_rating) if self.min_rating else None,
            in_stock=True if self.in_stock else None,
            attributes=self.attributes,
            facets=facets,
            sort=self.sort or None,
            cursor=cursor,
        )


def _minor(text: str) -> int | None:
    """A typed price in minor units of the shown currency; None for what is no price."""
    try:
        value = Decimal(text.replace(",", ".").lstrip("$£€ "))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= LARGEST_PRICE:
        return None
    return from_major(value, shown_currency())


def _listing(query: ProductQuery) -> dict[str, Any]:
    page: dict[str, Any] = orjson.loads(for_a_moment(("list", repr(query)), lambda: list_json(query)))
    return page


def _categories() -> list[dict[str, Any]]:
    return for_a_moment("categories", queries.list_categories)


@pages.get("/")
@shopper
def products() -> Response:
    """The list: a whole page, its listing with the facets, or the next cards for "Show more"."""
    filters, cursor = Filters.of(request.args), request.args.get("cursor") or None
    more = bool(cursor) and asks_for("cards")
    categories = [] if more else _categories()
    trail = _trail(categories, filters.category)
    if filters.category and not more and not trail:
        return _moved_category(filters)
    listing = _listing(filters.query(cursor, facets=filters.narrowed and not more))
    following = listing["next_cursor"]
    shown: dict[str, Any] = {"listing": listing, "more_url": filters.address(cursor=following) if following else None}
    if more:
        return make_response(render_template("shop/_more_cards.html", out_of_band=True, **shown))
    shown |= {
        "filters": filters,
        "trail": trail,
        "heading": _heading(filters, trail),
        "result_count": _count(listing["total"]),
        "facets": _facets(listing.get("facets"), filters),
        "stars": STARS,
        "abroad": shown_currency() != settings().base_currency,
    }
    if asks_for("listing"):
        answer = make_response(render_template("shop/_listing.html", facets_too=True, **shown))
        answer.headers["HX-Push-Url"] = filters.address()
        return answer
    return make_response(
        render_template(
            "shop/products.html",
            categories=categories,
            sort_choices=filters.sorts,
            query_text=filters.q,
            show_welcome=not cursor and filters == Filters(),
            canonical=settings().public_url + (f"/?category={quote(filters.category)}" if filters.category else "/"),
            linked_data=[breadcrumbs_data(trail)] if trail else [],
            **shown,
        )
    )


def _trail(tree: Iterable[dict[str, Any]], slug: str) -> list[dict[str, Any]]:
    """The categories from the top down to the one with this slug; empty where there is none."""
    for node in tree:
        if node["slug"] == slug:
            return [node]
        below = _trail(node["children"], slug)
        if below:
            return [node, *below]
    return []


def _moved_category(filters: Filters) -> Response:
    """To the address of a category that was renamed. Raises NotFound for one that never was."""
    present = queries.present_category_slug(filters.category)
    if present is None:
        raise NotFound("category")
    return make_response(redirect(filters.address(category=present), 301))


def _heading(filters: Filters, trail: list[dict[str, Any]]) -> str:
    """What the list shows, in words."""
    name = trail[-1]["name"] if trail else "Everything"
    if not filters.q:
        return str(name)
    return f"“{filters.q}” in {name}" if trail else f"“{filters.q}”"


def _count(total: Mapping[str, Any]) -> str:
    if not total["count"]:
        return "No products"
    if total["count"] == 1:
        return "1 product"
    return f"{total['count']:,}{'' if total['exact'] else '+'} products"


def _facets(found: dict[str, Any] | None, filters: Filters) -> dict[str, Any] | None:
    """Facets as the page shows them: of each attribute the most frequent values, and all that are chosen."""
    if found is None:
        return None
    attributes = {}
    for name, values in found["attributes"].items():
        chosen = filters.attributes.get(name, [])
        missing = [{"value": v, "label": v, "count": 0} for v in chosen if v not in {x["value"] for x in values}]
        shown = [v for i, v in enumerate(values) if i < VALUES_SHOWN or v["value"] in chosen] + missing
        if len(shown) > 1 or chosen:
            attributes[name] = [{**v, "chosen": v["value"] in chosen} for v in shown]
    return {**found, "attributes": attributes, "rating": {str(r["value"]): r["count"] for r in found["rating"]}}


@pages.get("/search/suggest")
@shopper
@limited("search")
def suggestions() -> str:
    """What fits the words typed so far, for the box below the search field."""
    words = request.args.get("q", "").strip()[:100]
    currency = shown_currency()
    found = orjson.loads(for_a_moment(("suggest", words, currency), lambda: suggest_json(words, currency)))
    return render_template("shop/_suggestions.html", words=words, **found)


@pages.get("/products/<slug>")
@shopper
def product(slug: str) -> Response:
    """One product with its variants; an address it had before leads to the present one."""
    context = product_context(slug)
    present = context["product"]["slug"]
    if slug != present:
        return make_response(redirect(f"/products/{present}", 301))
    recently.note(context["product"]["id"])
    return make_response(render_template("shop/product.html", **context))


def product_context(slug: str) -> dict[str, Any]:
    """What the product page shows. Raises NotFound."""
    currency = shown_currency()
    found = orjson.loads(for_a_moment(("product", slug, currency), lambda: queries.product_json(slug, currency)))
    product_id = found["id"]
    related = orjson.loads(
        for_a_moment(("related", product_id, currency), lambda: queries.related_json(product_id, currency=currency))
    )
    variants = [{**v, **_said(v, currency)} for v in found["variants"]]
    wanted = request.args.get("variant") or found["default_variant_id"]
    selected = next((v for v in variants if wanted in (v["id"], v["sku"]) and v["buyable"]), None)
    selected = selected or next((v for v in variants if v["buyable"]), variants[0])
    recent = recently.seen(but=product_id)
    return {
        "product": found,
        "selected": selected,
        "variant_data": _variant_data(variants),
        "trail": found["categories"],
        "related": related["items"],
        "recent": queries.cards(recent, currency) if recent else [],
        "canonical": f"{settings().public_url}/products/{found['slug']}",
        "linked_data": [product_data(found, settings().public_url), breadcrumbs_data(found["categories"])],
    }


def _said(variant: dict[str, Any], currency: str) -> dict[str, Any]:
    """Whether a variant can be bought as its page shows it, what its stock line says, and what its button."""
    if variant["price"] is None:
        not_sold = f"Not sold in {currency}"
        return {"buyable": False, "stock_text": not_sold, "deed": not_sold}
    text, buyable = stock_text(variant["available"]), variant["available"] > 0
    return {"buyable": buyable, "stock_text": text, "deed": "Add to bag" if buyable else text}


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
            "available": v["buyable"],
            "stock_text": v["stock_text"],
            "deed": v["deed"],
            "price_html": str(price(v["price"], v["compare_at_price"])),
        }
        for v in variants
    ]
