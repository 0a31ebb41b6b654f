"""Makes the file's products in the shop, as staff: a category, a way to ship, the products, and stock for all sales."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quickshop.demo.replay.accounts import Session
from quickshop.demo.replay.catalogue import SLUG_PREFIX, Product
from quickshop.demo.replay.client import Client, Refused
from quickshop.demo.replay.hands import in_parallel
from quickshop.demo.replay.reading import CURRENCY
from quickshop.kernel.money import money

CATEGORY = ("online-retail", "Online Retail")
SHIPPING = "uk-standard"
_METHOD = {
    "name": "UK standard",
    "price": money(495, CURRENCY),
    "free_from": money(20_000, CURRENCY),
    "min_days": 2,
    "max_days": 4,
    "position": 50,
}
_CACHED_SECONDS = 1.2  # catalogue reads may be this old


@dataclass(frozen=True)
class OnSale:
    """A product as the shop sells it now."""

    code: str
    variant_id: str
    price_minor: int


class ForeignSku(Exception):
    """The shop has a product of another making under one of our codes."""


class Storeroom:
    """What staff do for the replay, by up to `hands` calls at once."""

    def __init__(self, shop: Client, staff: Session, hands: int) -> None:
        self._shop = shop
        self._staff = staff
        self._hands = hands

    def _call(self, method: str, path: str, body: Any) -> Any:
        answer = self._shop.api(method, "/admin" + path, body, token=self._staff.token())
        return answer.json() if answer.body else None

    def open_category(self) -> str:
        """The id of our category, made where it is missing. It tells one shop from another."""
        slug, name = CATEGORY
        found = self._category(slug)
        if found:
            return found
        try:
            return str(self._call("POST", "/categories", {"slug": slug, "name": name, "position": 90})["id"])
        except Refused as refusal:
            if refusal.code != "already_exists":
                raise
        time.sleep(_CACHED_SECONDS)
        return self._category(slug) or ""

    def _category(self, slug: str) -> str | None:
        tree = self._shop.api("GET", "/categories").json()["items"]
        return next((str(node["id"]) for node in tree if node["slug"] == slug), None)

    def open_shipping(self) -> None:
        """See that parcels can be sent in the file's currency."""
        self._call("PUT", f"/shipping-methods/{SHIPPING}", _METHOD)

    def on_sale(self) -> dict[str, OnSale]:
        """Everything in our category, by code."""
        found: dict[str, OnSale] = {}
        cursor = ""
        while True:
            page = self._shop.api("GET", f"/products?category={CATEGORY[0]}&limit=100{cursor}").json()
            found |= {card.code: card for card in map(_of_card, page["items"]) if card}
            if not page["next_cursor"]:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def offer(self, products: Sequence[Product], category_id: str, tick: Callable[[], None]) -> dict[str, OnSale]:
        """Make the products that are missing, with stock for all their sales; all of them as sold now, by code.

        What is there already keeps its name and price, and gets the units it has too few of.
        """
        there = self.on_sale()

        def one(product: Product) -> OnSale:
            known = there.get(product.code)
            if known is None:
                known, made = self._make(product, category_id)
                if made:
                    return known
            self._top_up(product, known)
            return known

        offered: dict[str, OnSale] = {}
        for card in in_parallel(one, products, self._hands):
            offered[card.code] = card
            tick()
        return offered

    def _make(self, product: Product, category_id: str) -> tuple[OnSale, bool]:
        """The product as made, or as somebody made it a moment ago (then False)."""
        body = {
            "slug": product.slug,
            "name": product.name,
            "description": f"Stock code {product.code}.",
            "category_id": category_id,
            "currency": CURRENCY,
            "attributes": {"Stock code": product.code},
            "variants": [{"sku": product.code, "price": money(product.price_minor, CURRENCY), "stock": product.units}],
        }
        try:
            made = self._call("POST", "/products", body)
        except Refused as refusal:
            if refusal.code != "already_exists":
                raise
            return self._look_up(product), False
        return OnSale(product.code, made["variants"][product.code], product.price_minor), True

    def _look_up(self, product: Product) -> OnSale:
        variant = self._variant(product)
        return OnSale(product.code, str(variant["id"]), int(variant["price"]["amount"]))

    def _variant(self, product: Product) -> Mapping[str, Any]:
        try:
            document = self._shop.api("GET", f"/products/{product.slug}").json()
        except Refused as refusal:
            if refusal.status != 404:
                raise
            raise ForeignSku(f"The shop sells something else under the code {product.code}.") from None
        found: Mapping[str, Any] = document["variants"][0]
        return found

    def _top_up(self, product: Product, known: OnSale) -> None:
        short = product.units - int(self._variant(product)["available"])
        if short > 0:
            self.receive(known.variant_id, short)

    def receive(self, variant_id: str, units: int) -> None:
        """Take in units of one variant."""
        self._call("POST", f"/variants/{variant_id}/stock", {"quantity": units})


def _of_card(card: Mapping[str, Any]) -> OnSale | None:
    slug = str(card["slug"])
    if not slug.startswith(SLUG_PREFIX):
        return None
    code = slug.removeprefix(SLUG_PREFIX).upper()
    return OnSale(code, str(card["default_variant_id"]), int(card["price"]["amount"]))


def other_prices(products: Iterable[Product], offered: Mapping[str, OnSale]) -> int:
    """How many products the shop sold already at another price than the file's; they are bought at the shop's."""
    return sum(offered[p.code].price_minor != p.price_minor for p in products)
