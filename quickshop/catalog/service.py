"""The verbs of the catalogue, its only writers. A product's card is rebuilt with every change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.catalog.documents import card
from quickshop.kernel import clock, db
from quickshop.kernel.errors import Conflict, Invalid
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import dump


class CatalogConflict(Conflict):
    """A slug or SKU is taken already."""

    code, title = "already_exists", "Already exists"


@dataclass(frozen=True)
class NewVariant:
    """A variant to create; prices in minor units of the product's currency."""

    sku: str
    price_minor: int
    options: Mapping[str, str] = field(default_factory=dict)
    compare_at_minor: int | None = None
    weight_grams: int = 0


@dataclass(frozen=True)
class NewProduct:
    """A product to create, with at least one variant. `image` is {src, srcset, alt, width, height, tint}."""

    slug: str
    name: str
    description: str
    category_id: UUID
    currency: str
    variants: Sequence[NewVariant]
    attributes: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[Mapping[str, Any]] = ()
    image: Mapping[str, Any] | None = None


def create_category(slug: str, name: str, *, parent_id: UUID | None = None, position: int = 0) -> UUID:
    """Make a category; its id. Raises CatalogConflict for a taken slug."""
    category_id = new_id()
    try:
        db.run(
            "INSERT INTO categories (id, parent_id, slug, name, position)"
            " VALUES (:id, :parent, :slug, :name, :position)",
            id=category_id,
            parent=parent_id,
            slug=slug,
            name=name,
            position=position,
        )
    except IntegrityError as error:
        raise _conflict(error) from error
    return category_id


def create_product(new: NewProduct) -> tuple[UUID, dict[str, UUID]]:
    """Make a product with its variants, published at once; its id and the variant ids by SKU.

    Raises Invalid without variants, CatalogConflict for a taken slug or SKU.
    """
    if not new.variants:
        raise Invalid({"variants": ["A product has at least one variant."]})
    variants = [_variant_row(v, new.currency, i) for i, v in enumerate(new.variants)]
    product: dict[str, Any] = {"id": new_id(), "slug": new.slug, "name": new.name, "image": new.image}
    try:
        _insert_product(new, product, variants)
        _insert_variants(product["id"], variants)
    except IntegrityError as error:
        raise _conflict(error) from error
    return product["id"], {v["sku"]: v["id"] for v in variants}


def _variant_row(variant: NewVariant, currency: str, position: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "sku": variant.sku,
        "options": dict(variant.options),
        "currency": currency,
        "price_minor": variant.price_minor,
        "compare_at_minor": variant.compare_at_minor,
        "weight_grams": variant.weight_grams,
        "position": position,
    }


def _insert_product(new: NewProduct, product: dict[str, Any], variants: list[dict[str, Any]]) -> None:
    db.run(
        """
        INSERT INTO products (id, slug, name, description, category_id, attributes, options, image, card,
                              price_minor, published_at)
        VALUES (:id, :slug, :name, :description, :category, CAST(:attributes AS jsonb), CAST(:options AS jsonb),
                CAST(:image AS jsonb), CAST(:card AS jsonb), :price, :now)
        """,
        id=product["id"],
        slug=new.slug,
        name=new.name,
        description=new.description,
        category=new.category_id,
        attributes=dump(dict(new.attributes)),
        options=dump([dict(o) for o in new.options]),
        image=dump(dict(new.image)) if new.image else None,
        card=dump(card(product, variants)),
        price=min(v["price_minor"] for v in variants),
        now=clock.now(),
    )


def _insert_variants(product_id: UUID, variants: list[dict[str, Any]]) -> None:
    db.run(
        """
        WITH given AS (
            SELECT * FROM jsonb_to_recordset(CAST(:variants AS jsonb)) AS v (id uuid, sku text, options jsonb,
                currency text, price_minor bigint, compare_at_minor bigint, weight_grams int, position int)
        ), made AS (
            INSERT INTO variants (id, product_id, sku, options, currency, price_minor, compare_at_minor,
                                  weight_grams, position)
            SELECT id, :product_id, sku, options, currency, price_minor, compare_at_minor, weight_grams, position
            FROM given RETURNING id
        )
        INSERT INTO stock_items (variant_id) SELECT id FROM made
        """,
        product_id=product_id,
        variants=dump([{**v, "id": str(v["id"])} for v in variants]),
    )


def _conflict(error: IntegrityError) -> Conflict:
    name = db.constraint(error) or ""
    if "slug" in name:
        return CatalogConflict("This slug is taken.", field="slug")
    if "sku" in name:
        return CatalogConflict("One of these SKUs is taken.", field="variants")
    if "category" in name or "parent" in name:
        return CatalogConflict("No such category.", field="category_id")
    if "compare_at" in name:
        return CatalogConflict("A former price must be above the present one.", field="variants")
    raise error
