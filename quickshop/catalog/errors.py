"""What the catalogue refuses."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from quickshop.kernel import db
from quickshop.kernel.errors import Conflict


class CatalogConflict(Conflict):
    """A slug or SKU is taken already, or something named does not exist."""

    code, title = "already_exists", "Already exists"


class CategoryLoop(Conflict):
    """A category cannot lie below itself."""

    code, title = "category_loop", "A category cannot lie below itself"


class CategoryInUse(Conflict):
    """A category that holds products or other categories cannot go."""

    code, title = "category_in_use", "The category is not empty"


_REFUSALS = (
    ("slug", "This slug is taken.", "slug"),
    ("sku", "One of these SKUs is taken.", "variants"),
    ("category", "No such category.", "category_id"),
    ("parent", "No such category.", "category_id"),
    ("path", "No such category.", "parent_id"),
    ("sale", "A sale price lies below the price and ends after it begins.", "sale_price_minor"),
    ("compare_at", "The former price must be above the price.", "compare_at_minor"),
    ("withdrawn", "It ends after it begins.", "withdrawn_at"),
    ("related", "No such product, or the product itself.", "related"),
    ("not_with_itself", "No such product, or the product itself.", "related"),
)


def conflict(error: IntegrityError) -> Conflict:
    """The refusal for a rule of the database that was broken. Raises the error itself where it is not one of ours."""
    name = db.constraint(error) or ""
    for part, detail, field in _REFUSALS:
        if part in name:
            return CatalogConflict(detail, field=field)
    raise error
