"""What the clock changes in the catalogue: sales and shows that begin and end. And its upkeep."""

from __future__ import annotations

from quickshop.catalog.indexing import index, lock
from quickshop.catalog.prices import ON_SALE
from quickshop.catalog.pricing import tell
from quickshop.kernel import db

BATCH = 200

_DUE = "SELECT id FROM products WHERE next_change_at <= now() ORDER BY next_change_at LIMIT :limit"


# Sales whose beginning is what these products were due for.
_BEGUN = f"""
SELECT v.id, v.price_minor, v.sale_price_minor, v.currency FROM variants v JOIN products p ON p.id = v.product_id
WHERE p.id = ANY(:ids) AND p.next_change_at <= now() AND v.sale_from >= p.next_change_at AND {ON_SALE}
"""


def due() -> bool:
    """Whether the time of some product has come."""
    return bool(db.scalar("SELECT EXISTS (SELECT FROM products WHERE next_change_at <= now())"))


def refresh(limit: int = BATCH) -> int:
    """Index the products whose time has come, up to `limit`; how many. Safe to run twice, and twice at once."""
    found = [r.id for r in db.rows(_DUE, limit=limit)]
    lock(found)
    for sale in db.rows(_BEGUN, ids=found):
        tell(sale.id, sale.price_minor, sale.sale_price_minor, sale.currency)
    index(found)
    # What cannot be indexed, having no variant, would be due for ever.
    db.run("UPDATE products SET next_change_at = NULL WHERE id = ANY(:ids) AND next_change_at <= now()", ids=found)
    return len(found)


# Rows that are added meanwhile are not seen here and stay.
_TALLY = """
WITH gone AS (DELETE FROM category_tallies RETURNING category_id, products)
INSERT INTO category_tallies (category_id, products)
SELECT category_id, sum(products) FROM gone GROUP BY category_id HAVING sum(products) <> 0
"""

# Of what was sold lately the whole is counted again, so that a run missed or done twice changes nothing.
_POPULARITY = """
WITH lately AS (
    SELECT DISTINCT v.product_id FROM stock_movements m JOIN variants v ON v.id = m.variant_id
    WHERE m.at > now() - interval '1 hour' AND m.cause IN ('sold', 'returned')
), sold AS (
    SELECT v.product_id, greatest(-sum(m.delta), 0) AS units FROM lately l JOIN variants v USING (product_id)
    JOIN stock_movements m ON m.variant_id = v.id AND m.cause IN ('sold', 'returned') GROUP BY 1
), locked AS (
    SELECT p.id, s.units FROM products p JOIN sold s ON s.product_id = p.id WHERE p.sold_count < s.units
    ORDER BY p.id FOR NO KEY UPDATE OF p
)
UPDATE products p SET sold_count = l.units FROM locked l WHERE l.id = p.id
"""

_STALE_WORDS = """
DELETE FROM catalog_words w USING (SELECT word FROM catalog_words TABLESAMPLE BERNOULLI (5)) s
WHERE w.word = s.word
  AND NOT EXISTS (SELECT FROM product_texts t WHERE t.tsv @@ CAST(quote_literal(w.word) AS tsquery))
"""


def tally() -> None:
    """Sum up how many products each category holds."""
    db.run(_TALLY)


def count_sales() -> int:
    """Bring the units sold of what was sold in the last hour up to date; how many products changed."""
    return db.run(_POPULARITY).rowcount


def forget_words() -> int:
    """Look at one word in twenty and delete those that no product has any more; how many."""
    return db.run(_STALE_WORDS).rowcount
