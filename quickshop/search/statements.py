"""The SQL of lists. There are few forms of it, so that each is planned once; only narrowed walks are planned anew.

`key` and `last` are the place after which a page begins: before everything, where there is no cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from quickshop.catalog.prices import card, listed
from quickshop.kernel.prepared import PLANNED_ANEW, PLANNED_ONCE
from quickshop.search import facets

IN_CATEGORY = "l.category_id = ANY(CAST(:category_ids AS uuid[]))"
NARROWING = {
    "min_price": "l.price_minor >= :min_price",
    "max_price": "l.price_minor <= :max_price",
    "min_rating": "l.rating >= :min_rating",
    "in_stock": "l.in_stock = :in_stock",
}

_ALL = "(SELECT coalesce(sum(products), 0) FROM category_tallies)"
_ALL_OF_CATEGORY = (
    "(SELECT coalesce(sum(products), 0) FROM category_tallies WHERE category_id = ANY(CAST(:category_ids AS uuid[])))"
)


def has_attribute(slot: int) -> str:
    """The condition that a listing has one of an attribute's chosen values."""
    return f"l.attribute_ids && CAST(:attribute_{slot} AS int[])"


# --- walking an index ----------------------------------------------------------------------------------


def _walk(column: str, descending: bool, where: str, total: str, *, abroad: bool = False) -> str:
    sign, direction = ("<", "DESC") if descending else (">", "ASC")
    document, join = card(abroad)
    return f"""
        SELECT n.total, l.{column} AS key, l.product_id::text, l.in_stock, {document} AS card
        FROM (SELECT {total} AS total) n LEFT JOIN LATERAL (
            SELECT l.{column}, l.product_id, l.in_stock FROM {listed(abroad)}
            WHERE {where} (l.{column}, l.product_id) {sign} (CAST(:key AS bigint), CAST(:last AS uuid))
            ORDER BY l.{column} {direction}, l.product_id {direction} LIMIT :limit
        ) l ON true LEFT JOIN products p ON p.id = l.product_id {join}
        ORDER BY l.{column} {direction}, l.product_id {direction}
    """


@lru_cache(maxsize=32)
def plain(column: str, descending: bool) -> str:
    """Everything in an order."""
    return PLANNED_ONCE + _walk(column, descending, "", _ALL)


def narrowed(column: str, descending: bool, conditions: Sequence[str], *, count: bool, abroad: bool) -> str:
    """What meets the conditions, in an order; counted up to :most, or as stored for a category.

    `abroad`: in :currency, which is not the shop's own.
    """
    where = " AND ".join(f"({c})" for c in conditions) or "true"
    total = f"(SELECT count(*) FROM (SELECT FROM {listed(abroad)} WHERE {where} LIMIT :most) c)"
    total = total if count else _ALL_OF_CATEGORY
    return PLANNED_ANEW + _walk(column, descending, f"{where} AND", total, abroad=abroad)


# --- looking at all that matches -----------------------------------------------------------------------

# Long names say less about each word, whole words say more than parts, and what sells is a little better.
_RELEVANCE = """CAST(ts_rank('{0.05, 0.2, 0.4, 1.0}', l.tsv, CAST(:tsquery AS tsquery), 1)
    * CASE WHEN l.tsv @@ CAST(:exact AS tsquery) THEN 1.5 ELSE 1 END
    * (1 + ln(1 + l.popularity) / 40) * 1000000000 AS bigint)"""
# By number, for each row asks.
SORTED_BY = ("published_us", "price_minor", "rating_rank", "popularity", "relevance")
_KEY = "CASE CAST(:sort AS int) " + " ".join(f"WHEN {n} THEN l.{c}" for n, c in enumerate(SORTED_BY[:-1]))
_CONDITIONS = {
    facets.PRICE: "l.price_minor BETWEEN :min_price AND :max_price",
    facets.RATING: "l.rating >= :min_rating",
    facets.STOCK: "l.in_stock = ANY(CAST(:stock AS bool[]))",
}
_SLOTS = (0, 1, 2, 4, 10)


def slots(attributes: int) -> int:
    """For how many attributes the statement has room that is used for so many; the others are null."""
    return next(n for n in _SLOTS if n >= attributes)


@dataclass(frozen=True)
class Form:
    """What a statement has to do; all else is parameters."""

    words: bool
    category: bool
    narrowed: bool
    slots: int
    facets: bool
    descending: bool
    abroad: bool


@lru_cache(maxsize=256)
def look(form: Form) -> str:
    """The statement of this form."""
    conditions = dict(_CONDITIONS) if form.narrowed else {}
    for i in range(form.slots):
        free = f"CAST(:attribute_{i} AS int[]) IS NULL OR " if form.slots > 1 else ""
        conditions[facets.FIRST_ATTRIBUTE << i] = f"({free}{has_attribute(i)})"
    where = ["t.tsv @@ CAST(:tsquery AS tsquery)"] if form.words else []
    failing = facets.failing(conditions) if form.facets else "0"
    if form.category and form.words and form.facets:
        failing = facets.failing({facets.CATEGORY: IN_CATEGORY} | conditions)
    elif form.category:
        where.append(IN_CATEGORY)
    if not form.facets:
        where += conditions.values()
    source = f"product_texts t JOIN {listed(form.abroad)} USING (product_id)" if form.words else listed(form.abroad)
    document, join = card(form.abroad)
    sign, direction = ("<", "DESC") if form.descending else (">", "ASC")
    counted = f", {facets.statement(_categories(form, conditions), form.slots)}" if form.facets else ""
    return f"""{PLANNED_ONCE}
        WITH matched AS MATERIALIZED (
            SELECT l.product_id, l.category_id, l.price_minor, l.rating, l.in_stock, l.attribute_ids, l.failed,
                   {_KEY} {f"ELSE CASE WHEN l.failed = 0 THEN {_RELEVANCE} END" if form.words else ""} END AS key
            FROM (
                SELECT l.*, {"t.tsv, " if form.words else ""} {failing} AS failed
                FROM {source} {"WHERE " + " AND ".join(where) if where else ""} OFFSET 0
            ) l {f"WHERE {facets.COUNTS}" if failing != "0" else ""}
        ), page AS (
            SELECT key, product_id, in_stock FROM matched
            WHERE failed = 0 AND (key, product_id) {sign} (CAST(:key AS bigint), CAST(:last AS uuid))
            ORDER BY key {direction}, product_id {direction} LIMIT :limit
        ){counted}
        SELECT n.total, n.facets, l.key, l.product_id::text, l.in_stock, {document} AS card,
               {"t.title AS name, left(t.body, 1500) AS body" if form.words else "NULL AS name, NULL AS body"}
        FROM (SELECT {facets.TOTAL if form.facets else "(SELECT count(*) FROM matched)"} AS total,
                     {facets.FOUND if form.facets else "NULL"} AS facets) n
        LEFT JOIN page l ON true LEFT JOIN products p ON p.id = l.product_id {join}
        {"LEFT JOIN product_texts t ON t.product_id = l.product_id" if form.words else ""}
        ORDER BY l.key {direction}, l.product_id {direction}
    """


def _categories(form: Form, conditions: dict[int, str]) -> str:
    """How many of each category there are without the category's own filter, as rows (category_id, n).

    Where there are words all that they match was looked at anyway; else the other categories are only counted: each
    by its own stretch of the index that has all but the attributes, or all at once by the attributes' own index.
    """
    if form.words or not form.category:
        return f"SELECT category_id, count(*) AS n FROM matched WHERE {facets.fails_only(facets.CATEGORY)} GROUP BY 1"
    if not conditions and not form.abroad:
        return "SELECT category_id, sum(products) AS n FROM category_tallies GROUP BY 1 HAVING sum(products) > 0"
    where = " AND ".join(conditions.values()) or "true"
    if form.slots or form.abroad:
        return f"SELECT category_id, count(*) AS n FROM {listed(form.abroad)} WHERE {where} GROUP BY 1"
    found = f"SELECT count(*) AS n FROM listings l WHERE l.category_id = c.id AND {where}"
    return f"SELECT c.id AS category_id, l.n FROM categories c CROSS JOIN LATERAL ({found}) l WHERE l.n > 0"
