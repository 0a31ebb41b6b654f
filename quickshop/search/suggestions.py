"""What to show while somebody types: categories and products that fit so far, by name first, then the most bought."""

from __future__ import annotations

from quickshop.catalog.asked import other_currency
from quickshop.catalog.documents import list_item
from quickshop.catalog.prices import card, listed
from quickshop.kernel import db
from quickshop.kernel.prepared import PLANNED_ANEW
from quickshop.search.filters import ProductQuery
from quickshop.search.lookups import resolve
from quickshop.search.words import in_titles

SHORTEST = 2  # letters from which there is anything to suggest
COMMON = 3  # letters up to which a beginning is taken to be common
PRODUCTS, CATEGORIES = 6, 4

# Short beginnings are common: then the most bought are gone through until enough of them fit. Else what fits is found
# first, for how many titles have a word the planner does not know.
_SUGGEST = f"""{PLANNED_ANEW}
WITH named AS (
    SELECT c.slug, c.name, strpos(plain_words(c.name), trim(plain_words(:words))) AS place, cardinality(c.path) AS depth
    FROM categories c
), fitting AS (
    SELECT * FROM named WHERE place > 0 ORDER BY place, depth, name LIMIT {CATEGORIES}
), titled AS (
    SELECT l.product_id, l.in_stock, l.popularity, 0 AS tier FROM {{listed}}
    JOIN (SELECT product_id FROM product_texts t WHERE t.tsv @@ CAST(:title AS tsquery) {{first}}) t USING (product_id)
    ORDER BY l.popularity DESC, l.product_id DESC LIMIT {PRODUCTS}
), others AS (
    SELECT l.product_id, l.in_stock, l.popularity, 1 AS tier FROM {{listed}}
    JOIN (SELECT product_id FROM product_texts t WHERE t.tsv @@ CAST(:tsquery AS tsquery) {{first}}) t
    USING (product_id)
    WHERE (SELECT count(*) FROM titled) < {PRODUCTS}
    ORDER BY l.popularity DESC, l.product_id DESC LIMIT {PRODUCTS}
), found AS (
    SELECT * FROM titled UNION ALL SELECT * FROM others WHERE product_id NOT IN (SELECT product_id FROM titled)
    ORDER BY tier, popularity DESC, product_id DESC LIMIT {PRODUCTS}
)
SELECT {{card}} AS card, f.in_stock, n.categories FROM (
    SELECT coalesce(json_agg(json_build_object('slug', slug, 'name', name) ORDER BY place, depth, name), '[]')::text
        AS categories FROM fitting
) n LEFT JOIN found f ON true LEFT JOIN products p ON p.id = f.product_id {{join}}
ORDER BY f.tier, f.popularity DESC, f.product_id DESC
"""


def suggest_json(words: str, currency: str | None = None) -> bytes:
    """{products, categories} that fit what is typed so far, as JSON; both empty for less than two letters.

    In another of the shop's currencies only what is sold in it. Raises Invalid.
    """
    asked = other_currency(currency)
    query = ProductQuery(q=words)
    if len(query.words) < SHORTEST:
        return b'{"products":[],"categories":[]}'
    understood = resolve(query, typing=True).words
    fitting = understood.query if understood else ""
    common = len(query.words) <= COMMON
    document, join = card(asked is not None)
    found = db.rows(
        _SUGGEST.format(first="" if common else "OFFSET 0", listed=listed(asked is not None), card=document, join=join),
        words=query.words,
        tsquery=fitting,
        title=in_titles(fitting),
        **({} if asked is None else {"currency": asked}),
    )
    items = [list_item(r.card, r.in_stock) for r in found if r.card]
    return f'{{"products":[{",".join(items)}],"categories":{found[0].categories}}}'.encode()
