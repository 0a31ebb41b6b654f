"""Changing products and their variants: what they are called, where they lie, when they are on show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.catalog.errors import OldVersion, conflict
from quickshop.catalog.indexing import index, lock
from quickshop.catalog.service import NewVariant, insert_variants, variant_row
from quickshop.catalog.texts import clean
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.outbox import dump

_JSON = frozenset({"attributes", "options", "image"})
_FIELDS = frozenset({"slug", "name", "description", "category_id", "tax_class"}) | _JSON
_VARIANT_FIELDS = frozenset({"sku", "options", "image", "weight_grams", "position"})


def _assignments(changes: Mapping[str, Any], allowed: frozenset[str]) -> tuple[str, dict[str, Any]]:
    unknown = changes.keys() - allowed
    if unknown:
        raise Invalid({name: ["Cannot be changed."] for name in unknown})
    values = {n: dump(v) if n in _JSON and v is not None else v for n, v in changes.items()}
    return ", ".join(f"{n} = CAST(:{n} AS jsonb)" if n in _JSON else f"{n} = :{n}" for n in values), values


def change_product(product_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change some of slug, name, description, category_id, tax_class, attributes, options and image.

    An old slug leads to the new one from then on. Raises NotFound, Invalid, CatalogConflict.
    """
    if "description" in changes:
        changes = {**changes, "description": clean(changes["description"])}
    lock([product_id])
    before = db.scalar("SELECT slug FROM products WHERE id = :id", id=product_id)
    if before is None:
        raise NotFound("product")
    columns, values = _assignments(changes, _FIELDS)
    if columns:
        try:
            db.run(f"UPDATE products SET {columns}, updated_at = now() WHERE id = :id", id=product_id, **values)
        except IntegrityError as error:
            raise conflict(error) from error
    if changes.get("slug", before) != before:
        _remember_slug(product_id, before, changes["slug"])
    index([product_id])


def _remember_slug(product_id: UUID, before: str, now: str) -> None:
    db.run(
        """
        WITH freed AS (DELETE FROM product_slugs WHERE slug = :now)
        INSERT INTO product_slugs (slug, product_id) VALUES (:before, :id)
        ON CONFLICT (slug) DO UPDATE SET product_id = EXCLUDED.product_id, replaced_at = now()
        """,
        now=now,
        before=before,
        id=product_id,
    )


def publish(product_id: UUID, at: datetime | None = None, until: datetime | None = None) -> None:
    """Put a product on show from `at` (now) until `until` (for good). Raises NotFound, CatalogConflict."""
    _show(product_id, "coalesce(CAST(:at AS timestamptz), clock_timestamp())", at, until)


def unpublish(product_id: UUID) -> None:
    """Take a product off show at once; carts keep it but nobody can add it. Raises NotFound."""
    _show(product_id, "CAST(:at AS timestamptz)", None, None)


def _show(product_id: UUID, begins: str, at: datetime | None, until: datetime | None) -> None:
    lock([product_id])
    try:
        changed = db.run(
            f"UPDATE products SET published_at = {begins}, withdrawn_at = :until, updated_at = now() WHERE id = :id",
            id=product_id,
            at=at,
            until=until,
        )
    except IntegrityError as error:
        raise conflict(error) from error
    if not changed.rowcount:
        raise NotFound("product")
    index([product_id])


def add_variants(product_id: UUID, variants: Sequence[NewVariant]) -> dict[str, UUID]:
    """More variants of a product, in its currency; their ids by SKU. Raises NotFound, CatalogConflict."""
    lock([product_id])
    found = db.row(
        "SELECT min(currency) AS currency, max(position) AS last FROM variants WHERE product_id = :id"
        " HAVING count(*) > 0",
        id=product_id,
    )
    if found is None:
        raise NotFound("product")
    rows = [variant_row(v, found.currency, found.last + 1 + i) for i, v in enumerate(variants)]
    try:
        insert_variants(product_id, rows)
    except IntegrityError as error:
        raise conflict(error) from error
    index([product_id])
    return {r["sku"]: r["id"] for r in rows}


def change_variant(variant_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change some of sku, options, image, weight_grams and position. Raises NotFound, Invalid, CatalogConflict."""
    product_id = product_of(variant_id)
    lock([product_id])
    columns, values = _assignments(changes, _VARIANT_FIELDS)
    if columns:
        try:
            db.run(f"UPDATE variants SET {columns} WHERE id = :id", id=variant_id, **values)
        except IntegrityError as error:
            raise conflict(error) from error
    index([product_id])


def product_of(variant_id: UUID) -> UUID:
    """The product of a variant. Raises NotFound."""
    found: UUID | None = db.scalar("SELECT product_id FROM variants WHERE id = :id", id=variant_id)
    if found is None:
        raise NotFound("variant")
    return found


def currency_of(product_id: UUID) -> str:
    """The currency of a product's prices. Raises NotFound."""
    found: str | None = db.scalar("SELECT min(currency) FROM variants WHERE product_id = :id", id=product_id)
    if found is None:
        raise NotFound("product")
    return found


def set_related(product_id: UUID, related: Sequence[UUID]) -> None:
    """Put these products beside a product, in this order, in place of those before. Raises CatalogConflict."""
    lock([product_id])
    db.run("DELETE FROM product_relations WHERE product_id = :id", id=product_id)
    try:
        db.run(
            "INSERT INTO product_relations (product_id, related_id, position)"
            " SELECT :id, r.id, r.n FROM unnest(CAST(:related AS uuid[])) WITH ORDINALITY r (id, n)",
            id=product_id,
            related=list(dict.fromkeys(related)),
        )
    except IntegrityError as error:
        raise conflict(error) from error


def set_rating(product_id: UUID, average: Decimal, count: int) -> None:
    """Store what reviews amount to: the average of `count` reviews, 0 to 5. Raises NotFound."""
    lock([product_id])
    changed = db.run(
        "UPDATE products SET rating_average = :average, rating_count = :count WHERE id = :id",
        id=product_id,
        average=average,
        count=count,
    )
    if not changed.rowcount:
        raise NotFound("product")
    index([product_id])


def set_attribute(
    name: str,
    *,
    label: str | None = None,
    facetable: bool | None = None,
    position: int | None = None,
    version: int | None = None,
) -> None:
    """Say how an attribute is shown, and whether lists can be filtered by it.

    Raises NotFound, and OldVersion where `version` is not the present one.
    """
    present = db.scalar("SELECT version FROM attributes WHERE name = :name FOR UPDATE", name=name)
    if present is None:
        raise NotFound("attribute")
    if version is not None and version != present:
        raise OldVersion(present)
    db.run(
        "UPDATE attributes SET label = coalesce(:label, label), facetable = coalesce(:facetable, facetable),"
        " position = coalesce(:position, position), version = version + 1 WHERE name = :name",
        name=name,
        label=label,
        facetable=facetable,
        position=position,
    )
