"""What search engines and link previews are told about a page: schema.org's words as JSON-LD. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from blueprints.http.formatting import plain
from quickshop.kernel.money import exponent

CONTEXT = "https://schema.org"


def _amount(price: dict[str, Any]) -> str:
    return str(Decimal(price["amount"]).scaleb(-exponent(price["currency"])))


def absolute(source: str, base: str) -> str:
    """A picture's address for readers elsewhere."""
    if source.startswith(("http:", "https:")):
        return source
    return base + (source if source.startswith("/") else f"/static/{source}")


def product_data(product: dict[str, Any], base: str) -> dict[str, Any]:
    """A product with an offer for each variant."""
    address = f"{base}/products/{product['slug']}"
    told: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "Product",
        "name": product["name"],
        "description": plain(product["description"])[:5000],
        "sku": product["variants"][0]["sku"],
        "url": address,
        "offers": [
            {
                "@type": "Offer",
                "sku": v["sku"],
                "url": address,
                "price": _amount(v["price"]),
                "priceCurrency": v["price"]["currency"],
                "availability": f"{CONTEXT}/{'InStock' if v['available'] > 0 else 'OutOfStock'}",
            }
            for v in product["variants"]
            if v["price"] is not None
        ],
    }
    if product["image"]:
        told["image"] = [absolute(product["image"]["src"], base)]
    if product["attributes"].get("brand"):
        told["brand"] = {"@type": "Brand", "name": product["attributes"]["brand"]}
    if product["rating"]["count"]:
        told["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": product["rating"]["average"],
            "reviewCount": product["rating"]["count"],
        }
    return told


def breadcrumbs_data(trail: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The way from the top category to this one."""
    return {
        "@context": CONTEXT,
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": i, "name": step["name"]} for i, step in enumerate(trail, 1)
        ],
    }
