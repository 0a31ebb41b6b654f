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


class VariantInUse(Conflict):
    """What was bought, is promised or lies in a cart cannot go."""

    code, title = "variant_in_use", "The variant is in use"

    def __init__(self) -> None:
        super().__init__("It was bought, is promised, or lies in a cart. Correct its stock to zero instead.")


class LastVariant(Conflict):
    """A product has at least one variant."""

    code, title = "last_variant", "The last variant stays"

    def __init__(self) -> None:
        super().__init__("A product has at least one variant. Take the product off show instead.")


class TooManyPictures(Conflict):
    """A product's pictures are all taken."""

    code, title = "too_many_pictures", "Too many pictures"


_LOOK_AGAIN = "Somebody else has changed this since you looked; look again and then decide."


class OldVersion(Conflict):
    """Somebody else changed the category or attribute since the caller looked at it; `version` is the present one."""

    code, title = "changed_meanwhile", "Changed meanwhile"

    def __init__(self, version: int) -> None:
        super().__init__(
            "Somebody else has changed this since you looked; look again and then decide.", version=version
        )


class ChangedMeanwhile(Conflict):
    """Somebody else changed the product since the caller looked at it; `updated_at` is its version now."""

    code, title = "changed_meanwhile", "Changed meanwhile"

    def __init__(self, updated_at: str) -> None:
        super().__init__(_LOOK_AGAIN, updated_at=updated_at)


_REFUSALS = (
    ("slug", "This slug is taken.", "slug"),
    ("sku", "One of these SKUs is taken.", "variants"),
    ("tax_class", "No such tax class.", "tax_class"),
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
