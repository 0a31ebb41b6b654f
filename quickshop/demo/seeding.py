"""Fills a database with the demo shop. Every unit looks first at what is there, so a half-done filling is completed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from quickshop.catalog.queries import get_product, list_categories
from quickshop.catalog.service import NewProduct, NewVariant, create_category, create_product
from quickshop.demo.catalogue import CURRENCY, Category, Product, load_catalogue, window_order
from quickshop.demo.offers import seed_prices, seed_promotions
from quickshop.demo.people import seed_accounts
from quickshop.demo.replies import seed_replies
from quickshop.demo.trading import REDUCED, REDUCED_CATEGORIES, seed_shipping, seed_tax
from quickshop.inventory.service import receive
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import run_unit

BATCH = 8  # products per unit


def seed() -> None:
    """Make what is missing of the demo shop: shipping, tax, categories, products with stock, promotions, accounts.

    Needs an application context and no open unit of work; a second call changes nothing. What staff or buyers
    changed since (prices, stock, names) stays as it is.
    """
    categories = load_catalogue()
    run_unit(seed_shipping)
    run_unit(seed_tax)
    ids = run_unit(lambda: _seed_categories(categories))
    # The newest come first in the shop, so what should stand in front is made last.
    for batch in _batches(window_order(categories)[::-1]):
        run_unit(lambda products=batch: _seed_products(products, ids))  # type: ignore[misc]
    run_unit(seed_prices)
    run_unit(lambda: seed_promotions(ids))
    run_unit(seed_replies)
    seed_accounts()


def _seed_categories(categories: Sequence[Category]) -> dict[str, UUID]:
    """The id of every category of the demo shop by its slug."""
    ids = dict(_known_categories(list_categories()))
    for position, category in enumerate(categories):
        if category.slug not in ids:
            ids[category.slug] = create_category(category.slug, category.name, position=position)
        for place, (slug, name) in enumerate(category.children):
            if slug not in ids:
                ids[slug] = create_category(slug, name, parent_id=ids[category.slug], position=place)
    return ids


def _known_categories(nodes: Sequence[dict[str, object]]) -> Iterator[tuple[str, UUID]]:
    for node in nodes:
        yield str(node["slug"]), UUID(str(node["id"]))
        yield from _known_categories(node["children"])  # type: ignore[arg-type]


def _batches(products: Sequence[Product]) -> Iterator[Sequence[Product]]:
    for start in range(0, len(products), BATCH):
        yield products[start : start + BATCH]


def _seed_products(products: Sequence[Product], category_ids: dict[str, UUID]) -> None:
    """Make those products that are missing, each together with its stock."""
    for product in products:
        if _exists(product.slug):
            continue
        _, variant_ids = create_product(_new_product(product, category_ids[product.category]))
        arrived = {variant_ids[v.sku]: v.stock for v in product.variants if v.stock}
        if arrived:
            receive(arrived)


def _exists(slug: str) -> bool:
    try:
        get_product(slug)
    except NotFound:
        return False
    return True


def _new_product(product: Product, category_id: UUID) -> NewProduct:
    return NewProduct(
        slug=product.slug,
        name=product.name,
        description=product.description,
        category_id=category_id,
        currency=CURRENCY,
        attributes=product.attributes,
        options=product.options,
        image=product.image,
        tax_class=REDUCED if product.category in REDUCED_CATEGORIES else None,
        variants=[
            NewVariant(
                sku=variant.sku,
                price_minor=variant.price_minor,
                options=variant.options,
                compare_at_minor=variant.compare_at_minor,
                weight_grams=variant.weight_grams,
            )
            for variant in product.variants
        ],
    )
