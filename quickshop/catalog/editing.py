"""What staff do to products: changes that do not undo each other unseen, variants taken off, many shown at once.

A product's version is the time of its last change by staff. Whoever names the version they saw is refused where the
product has changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.catalog.changing import add_variants, change_product, change_variant, product_of, publish, set_related
from quickshop.catalog.changing import unpublish as hide
from quickshop.catalog.errors import ChangedMeanwhile, LastVariant, VariantInUse
from quickshop.catalog.indexing import index, lock
from quickshop.catalog.matrix import misfit
from quickshop.catalog.pictures import set_variant_picture
from quickshop.catalog.pricing import end_sale, schedule_sale, set_price
from quickshop.catalog.service import NewProduct, NewVariant, create_product
from quickshop.kernel import clock, db, facts
from quickshop.kernel.errors import Invalid, NotFound

# Versions that a caller saw; None asks for no check.
Seen = Collection[str] | None

_FIELDS = frozenset({"name", "slug", "description", "category_id", "tax_class", "attributes", "options"})
_SHOWING = frozenset({"published_at", "withdrawn_at"})


@contextmanager
def editing(product_id: UUID, seen: Seen = None) -> Iterator[None]:
    """Lock a product for what follows and move its version on at the end. Raises NotFound, ChangedMeanwhile."""
    lock([product_id])
    at = db.scalar("SELECT updated_at FROM products WHERE id = :id", id=product_id)
    if at is None:
        raise NotFound("product")
    if seen is not None and version(at) not in seen:
        raise ChangedMeanwhile(version(at))
    yield
    # Versions are told in milliseconds and none comes twice.
    db.run(
        "UPDATE products SET updated_at = greatest(clock_timestamp(), CAST(:at AS timestamptz) + interval '1 ms')"
        " WHERE id = :id",
        id=product_id,
        at=at,
    )
    facts.announce("product.updated", {"product_id": str(product_id)})


def version(updated_at: Any) -> str:
    """The version of a product that was last changed at this time."""
    return clock.rfc3339(updated_at) or ""


def make_product(new: NewProduct, *, until: Any = None, related: Sequence[UUID] = ()) -> tuple[UUID, dict[str, UUID]]:
    """Make a product as `catalog.service.create_product` does, with the end of its show and what goes with it."""
    _fit(new.options, [v.options for v in new.variants])
    product_id, variants = create_product(new)
    if until is not None and not new.draft:
        publish(product_id, new.published_at, until)
    if related:
        set_related(product_id, related)
    facts.announce("product.created", {"product_id": str(product_id), "slug": new.slug})
    return product_id, variants


def edit_product(product_id: UUID, changes: Mapping[str, Any], seen: Seen = None) -> None:
    """Change some of name, slug, description, category_id, tax_class, attributes, options, published_at, withdrawn_at
    and related.

    `published_at` None takes the product off show. An old slug leads to the new one from then on. Raises NotFound,
    ChangedMeanwhile, Invalid, CatalogConflict.
    """
    with editing(product_id, seen):
        if "options" in changes:
            _fit(changes["options"], _chosen(product_id))
        fields = {name: value for name, value in changes.items() if name in _FIELDS}
        if fields:
            change_product(product_id, fields)
        if _SHOWING & changes.keys():
            _show(product_id, changes)
        if "related" in changes:
            set_related(product_id, changes["related"])


def _show(product_id: UUID, changes: Mapping[str, Any]) -> None:
    [now] = db.rows("SELECT published_at, withdrawn_at FROM products WHERE id = :id", id=product_id)
    begins = changes.get("published_at", now.published_at)
    if begins is None:
        hide(product_id)
    else:
        publish(product_id, begins, changes.get("withdrawn_at", now.withdrawn_at))


def show_products(product_ids: Sequence[UUID], shown: bool) -> int:
    """Put drafts and withdrawn products on show, or take products off show; how many that changed.

    Those that are already as wished, or do not exist, are left alone.
    """
    lock(product_ids)
    others = "published_at IS NULL OR published_at > now() OR withdrawn_at <= now()"
    found = db.rows(
        f"SELECT id FROM products WHERE id = ANY(:ids) AND ({others if shown else 'published_at IS NOT NULL'})"
        " ORDER BY id",
        ids=list(product_ids),
    )
    for row in found:
        with editing(row.id):
            if shown:
                publish(row.id)
            else:
                hide(row.id)
    return len(found)


# --- variants ------------------------------------------------------------------------------------------


def add_variant(product_id: UUID, variant: NewVariant, seen: Seen = None) -> UUID:
    """One more variant; its id. Raises NotFound, ChangedMeanwhile, Invalid, CatalogConflict."""
    with editing(product_id, seen):
        _fit(_options(product_id), [*_chosen(product_id), variant.options])
        return add_variants(product_id, [variant])[variant.sku]


def edit_variant(variant_id: UUID, changes: Mapping[str, Any], seen: Seen = None) -> None:
    """Change some of sku, options, weight_grams, position and picture_id.

    Raises NotFound, ChangedMeanwhile, Invalid, CatalogConflict.
    """
    product_id = product_of(variant_id)
    with editing(product_id, seen):
        if "options" in changes:
            others = _chosen(product_id, but=variant_id)
            _fit(_options(product_id), [*others, changes["options"]])
        fields = {name: value for name, value in changes.items() if name != "picture_id"}
        if fields:
            change_variant(variant_id, fields)
        if "picture_id" in changes:
            set_variant_picture(variant_id, changes["picture_id"])


def edit_price(variant_id: UUID, price_minor: int, compare_at_minor: int | None, seen: Seen = None) -> None:
    """Set the ordinary price and the former one. Raises NotFound, ChangedMeanwhile, CatalogConflict."""
    with editing(product_of(variant_id), seen):
        set_price(variant_id, price_minor, compare_at_minor)


def edit_sale(variant_id: UUID, price_minor: int, starts_at: Any, ends_at: Any, seen: Seen = None) -> None:
    """Arrange a sale in place of an earlier one. Raises NotFound, ChangedMeanwhile, CatalogConflict."""
    with editing(product_of(variant_id), seen):
        schedule_sale(variant_id, price_minor, starts_at, ends_at)


def drop_sale(variant_id: UUID, seen: Seen = None) -> None:
    """End a sale, or call off one that was arranged. Raises NotFound, ChangedMeanwhile."""
    with editing(product_of(variant_id), seen):
        end_sale(variant_id)


def remove_variant(variant_id: UUID, seen: Seen = None) -> None:
    """Take away a variant that nobody bought, promised or put into a cart, with what was noted of its stock.

    Raises NotFound, ChangedMeanwhile, VariantInUse, LastVariant.
    """
    # Stock before products, as everywhere.
    db.run("SELECT FROM stock_items WHERE variant_id = :id FOR UPDATE", id=variant_id)
    product_id = product_of(variant_id)
    with editing(product_id, seen):
        if len(_chosen(product_id)) == 1:
            raise LastVariant
        try:
            db.run("DELETE FROM stock_movements WHERE variant_id = :id AND order_id IS NULL", id=variant_id)
            db.run("DELETE FROM stock_items WHERE variant_id = :id", id=variant_id)
            db.run("DELETE FROM variants WHERE id = :id", id=variant_id)
        except IntegrityError as error:
            raise VariantInUse from error
        index([product_id])


def _options(product_id: UUID) -> list[Any]:
    found: list[Any] = db.scalar("SELECT options FROM products WHERE id = :id", id=product_id)
    return found


def _chosen(product_id: UUID, but: UUID | None = None) -> list[dict[str, str]]:
    found = db.rows("SELECT id, options FROM variants WHERE product_id = :id", id=product_id)
    return [r.options for r in found if r.id != but]


def _fit(options: Sequence[Mapping[str, Any]], variants: Sequence[Mapping[str, str]]) -> None:
    wrong = misfit(options, variants)
    if wrong:
        raise Invalid({"options": [wrong]})
