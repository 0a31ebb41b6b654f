"""Making categories and products. Changing them is in `categories`, `changing` and `pricing`.

These verbs are the only writers of the catalogue; each ends by making the products' read side anew (`indexing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.catalog.errors import conflict
from quickshop.catalog.indexing import index
from quickshop.catalog.texts import clean
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import dump


@dataclass(frozen=True)
class NewVariant:
    """A variant to create; prices in minor units of the product's currency."""

    sku: str
    price_minor: int
    options: Mapping[str, str] = field(default_factory=dict)
    compare_at_minor: int | None = None
    weight_grams: int = 0
    image: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class NewProduct:
    """A product to create, with at least one variant. `image` is {src, srcset, alt, width, height, tint}.

    `tax_class` None is the standard one. It is on show at once, or from `published_at`; a `draft` is not until it is
    published.
    """

    slug: str
    name: str
    description: str
    category_id: UUID
    currency: str
    variants: Sequence[NewVariant]
    attributes: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[Mapping[str, Any]] = ()
    image: Mapping[str, Any] | None = None
    published_at: datetime | None = None
    draft: bool = False
    tax_class: str | None = None


def create_category(slug: str, name: str, *, parent_id: UUID | None = None, position: int = 0) -> UUID:
    """Make a category; its id. Raises CatalogConflict for a taken slug or a parent that does not exist."""
    category_id = new_id()
    try:
        db.run("DELETE FROM category_slugs WHERE slug = :slug", slug=slug)
        db.run(
            """
            INSERT INTO categories (id, parent_id, path, slug, name, position)
            VALUES (:id, :parent, coalesce((SELECT path FROM categories WHERE id = :parent FOR SHARE), '{}')
                    || CAST(:id AS uuid), :slug, :name, :position)
            """,
            id=category_id,
            parent=parent_id,
            slug=slug,
            name=name,
            position=position,
        )
    except IntegrityError as error:
        raise conflict(error) from error
    return category_id


def create_product(new: NewProduct) -> tuple[UUID, dict[str, UUID]]:
    """Make a product with its variants; its id and the variant ids by SKU.

    Raises Invalid without variants, CatalogConflict for a taken slug or SKU.
    """
    if not new.variants:
        raise Invalid({"variants": ["A product has at least one variant."]})
    product_id = new_id()
    variants = [variant_row(v, new.currency, i) for i, v in enumerate(new.variants)]
    try:
        _insert_product(product_id, new, min(v["price_minor"] for v in variants))
        insert_variants(product_id, variants)
    except IntegrityError as error:
        raise conflict(error) from error
    index([product_id])
    return product_id, {v["sku"]: v["id"] for v in variants}


def variant_row(variant: NewVariant, currency: str, position: int) -> dict[str, Any]:
    """A variant as `insert_variants` takes it, with an id of its own."""
    return {
        "id": new_id(),
        "sku": variant.sku,
        "options": dict(variant.options),
        "currency": currency,
        "price_minor": variant.price_minor,
        "compare_at_minor": variant.compare_at_minor,
        "weight_grams": variant.weight_grams,
        "image": dict(variant.image) if variant.image else None,
        "position": position,
    }


def _insert_product(product_id: UUID, new: NewProduct, price: int) -> None:
    db.run(
        """
        WITH freed AS (DELETE FROM product_slugs WHERE slug = :slug)
        INSERT INTO products (id, slug, name, description, category_id, tax_class, attributes, options, image, card,
                              price_minor, published_at)
        VALUES (:id, :slug, :name, :description, :category, :tax_class, CAST(:attributes AS jsonb),
                CAST(:options AS jsonb), CAST(:image AS jsonb), '{}', :price,
                CASE WHEN NOT :draft THEN coalesce(CAST(:published AS timestamptz), clock_timestamp()) END)
        """,
        id=product_id,
        slug=new.slug,
        name=new.name,
        description=clean(new.description),
        category=new.category_id,
        tax_class=new.tax_class,
        attributes=dump(dict(new.attributes)),
        options=dump([dict(o) for o in new.options]),
        image=dump(dict(new.image)) if new.image else None,
        price=price,
        draft=new.draft,
        published=new.published_at,
    )


def insert_variants(product_id: UUID, variants: list[dict[str, Any]]) -> None:
    """Write variants with empty stock and the first row of their price history. Raises IntegrityError."""
    db.run(
        """
        WITH given AS (
            SELECT * FROM jsonb_to_recordset(CAST(:variants AS jsonb)) AS v (id uuid, sku text, options jsonb,
                currency text, price_minor bigint, compare_at_minor bigint, weight_grams int, image jsonb,
                position int)
        ), made AS (
            INSERT INTO variants (id, product_id, sku, options, currency, price_minor, compare_at_minor,
                                  weight_grams, image, position)
            SELECT id, :product_id, sku, options, currency, price_minor, compare_at_minor, weight_grams,
                   nullif(image, 'null'), position
            FROM given RETURNING id, price_minor, compare_at_minor
        ), priced AS (
            INSERT INTO price_changes (variant_id, price_minor, compare_at_minor)
            SELECT id, price_minor, compare_at_minor FROM made
        )
        INSERT INTO stock_items (variant_id) SELECT id FROM made
        """,
        product_id=product_id,
        variants=dump([{**v, "id": str(v["id"])} for v in variants]),
    )
