"""Writing a generated catalogue in bulk: rows are copied in, then indexed by the shop's own statement, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from quickshop.catalog.indexing import index
from quickshop.catalog.refreshing import tally
from quickshop.catalog.service import create_category
from quickshop.demo.generate.products import CURRENCY, MadeProduct, leaf_slug, make_product, slug_of
from quickshop.demo.generate.vocabulary import CATALOGUE
from quickshop.kernel import db
from quickshop.kernel.outbox import dump
from quickshop.kernel.prepared import PLANNED_ANEW
from quickshop.kernel.unit_of_work import run_unit

BATCH = 1000


def generate(products: int, seed: int, told: Callable[[int], None]) -> int:
    """Make what is missing of the catalogue of `seed`; how many products were made. `told` hears how many are there.

    Needs an application context and no open unit of work. A run that was cut off is completed by the next.
    """
    categories = run_unit(_categories)
    made = 0
    for start in range(0, products, BATCH):
        batch = [make_product(seed, n) for n in range(start, min(start + BATCH, products))]
        made += run_unit(lambda batch=batch: _write(batch, categories))  # type: ignore[misc]
        told(start + len(batch))
    run_unit(tally)
    run_unit(_freshen)
    return made


def _categories() -> dict[str, UUID]:
    """The id of every category by its slug, made where it is missing."""
    ids = {r.slug: r.id for r in db.rows("SELECT slug, id FROM categories")}

    def made(slug: str, name: str, parent: UUID | None, position: int) -> UUID:
        if slug not in ids:
            ids[slug] = create_category(slug, name, parent_id=parent, position=position)
        return ids[slug]

    for i, root in enumerate(CATALOGUE):
        top = made(f"all-{slug_of(root.name)}", root.name, None, 100 + i)
        for j, (branch, leaves) in enumerate(root.branches):
            middle = made(f"{slug_of(root.name)}-{slug_of(branch)}", branch, top, j)
            for k, leaf in enumerate(leaves):
                made(leaf_slug(leaf), leaf.name, middle, k)
    return ids


def _write(batch: Sequence[MadeProduct], categories: dict[str, UUID]) -> int:
    there = {r.id for r in db.rows("SELECT id FROM products WHERE id = ANY(:ids)", ids=[p.id for p in batch])}
    fresh = [p for p in batch if p.id not in there]
    if fresh:
        _copy_products(fresh, categories)
        _copy_variants(fresh)
        index([p.id for p in fresh])
    return len(fresh)


def _copy_products(products: Iterable[MadeProduct], categories: dict[str, UUID]) -> None:
    db.copy(
        "products",
        ("id", "slug", "name", "description", "category_id", "attributes", "options", "image", "card", "price_minor",
         "rating_average", "rating_count", "sold_count", "published_at"),
        (
            (p.id, p.slug, p.name, p.description, categories[p.category], dump(p.attributes), dump(p.options),
             dump(p.image), "{}", 0, p.rating_average, p.rating_count, p.sold_count, p.published_at)
            for p in products
        ),
    )  # fmt: skip


def _copy_variants(products: Sequence[MadeProduct]) -> None:
    variants = [(p, i, v) for p in products for i, v in enumerate(p.variants)]
    prices = ("price_minor", "compare_at_minor", "sale_price_minor", "sale_from", "sale_until")

    def priced(v: Any) -> tuple[Any, ...]:
        return tuple(getattr(v, name) for name in prices)

    db.copy(
        "variants",
        ("id", "product_id", "sku", "options", "currency", "weight_grams", "position", *prices),
        ((v.id, p.id, v.sku, dump(v.options), CURRENCY, v.weight_grams, i, *priced(v)) for p, i, v in variants),
    )
    db.copy(
        "price_changes", ("variant_id", "at", *prices), ((v.id, p.published_at, *priced(v)) for p, _, v in variants)
    )
    db.copy("stock_items", ("variant_id", "on_hand"), ((v.id, v.stock) for _, _, v in variants))
    db.copy(
        "stock_movements",
        ("variant_id", "delta", "cause", "at"),
        ((v.id, v.stock, "received", p.published_at) for p, _, v in variants if v.stock),
    )


def _freshen() -> None:
    """What the planner knows of the tables is of before."""
    for table in ("categories", "products", "variants", "stock_items", "listings", "product_texts", "catalog_words"):
        db.run(f"{PLANNED_ANEW}ANALYZE {table}")
