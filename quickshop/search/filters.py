"""What is asked of a list, and what the names in it stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from quickshop.kernel.errors import Invalid
from quickshop.search.words import Understood

MOST_WORDS = 8
MOST_ATTRIBUTES, MOST_VALUES = 10, 50
PREFIX = "attr."

# sort -> (column of listings l, direction)
SORTS: dict[str, tuple[str, str]] = {
    "newest": ("published_us", "DESC"),
    "price": ("price_minor", "ASC"),
    "-price": ("price_minor", "DESC"),
    "rating": ("rating_rank", "DESC"),
    "popular": ("popularity", "DESC"),
    "relevance": ("relevance", "DESC"),
}


@dataclass(frozen=True)
class ProductQuery:
    """What to list. Prices in minor units of `currency` (None: the shop's own); in another one lists hold what is sold
    in it. `category` holds slugs, each with its descendants.

    Several values of one filter widen it, several filters narrow each other. `sort` None means by relevance where
    there are words, else the newest first.
    """

    category: Sequence[str] = ()
    q: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    min_rating: float | None = None
    in_stock: bool | None = None
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    facets: bool = False
    sort: str | None = None
    limit: int = 24
    cursor: str | None = None
    currency: str | None = None

    @property
    def words(self) -> str:
        """The words asked for; blank without any."""
        return (self.q or "").strip()

    @property
    def order(self) -> str:
        """The sort in force: without words nothing is more relevant than the newest."""
        if self.words:
            return self.sort or "relevance"
        return "newest" if self.sort in (None, "relevance") else str(self.sort)


def attributes_of(given: Any) -> dict[str, list[str]]:
    """The attribute filters of an address: `attr.NAME=VALUE`, repeatable; `given` is a multi-dict. Raises Invalid."""
    found = {name[len(PREFIX) :]: given.getlist(name) for name in given if name.startswith(PREFIX)}
    found.pop("", None)
    if len(found) > MOST_ATTRIBUTES or any(len(values) > MOST_VALUES for values in found.values()):
        raise Invalid({"attr": [f"At most {MOST_ATTRIBUTES} attributes with {MOST_VALUES} values each."]})
    return found


@dataclass(frozen=True)
class Resolved:
    """The query's names as ids: categories with all below them, those above (to open the tree), attribute values."""

    words: Understood | None = None
    category_ids: tuple[UUID, ...] = ()
    open_ids: tuple[UUID, ...] = ()
    attribute_ids: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
