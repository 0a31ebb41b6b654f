"""The ready documents made of a product: the list card and the full product. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quickshop.kernel.money import money


def image_document(image: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An image as clients get it. Sources are paths under /static or full URLs."""
    return dict(image) if image else None


def card(product: Mapping[str, Any], variants: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The list item, all but `in_stock`, which moves with every sale and is read live."""
    cheapest = min(variants, key=lambda v: (v["price_minor"], v["position"]))
    compare_at = cheapest["compare_at_minor"]
    currency = cheapest["currency"]
    return {
        "id": str(product["id"]),
        "slug": product["slug"],
        "name": product["name"],
        "price": money(cheapest["price_minor"], currency),
        "compare_at_price": money(compare_at, currency) if compare_at else None,
        "rating": {"average": 0.0, "count": 0},
        "image": image_document(product["image"]),
        "default_variant_id": str(cheapest["id"]),
        "variant_count": len(variants),
    }


def variant_document(variant: Any) -> dict[str, Any]:
    """A variant as clients get it; `available` are the units after holds."""
    return {
        "id": str(variant.id),
        "sku": variant.sku,
        "options": variant.options,
        "price": money(variant.price_minor, variant.currency),
        "compare_at_price": money(variant.compare_at_minor, variant.currency) if variant.compare_at_minor else None,
        "available": variant.available,
    }


def product_document(product: Any, variants: Sequence[Any], categories: Sequence[Any]) -> dict[str, Any]:
    """The full product."""
    documents = [variant_document(v) for v in variants]
    return {
        **product.card,
        "in_stock": any(v["available"] > 0 for v in documents),
        "description": product.description,
        "attributes": product.attributes,
        "options": product.options,
        "categories": [{"id": str(c.id), "slug": c.slug, "name": c.name} for c in categories],
        "variants": documents,
    }
