"""The read side of products, made of what is true in a few statements for any number of them.

Every verb that changes products ends here, in the same transaction. Whoever comes here holds no lock on stock that
another could wait for: rows are locked in the order stock, then products.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from quickshop.catalog.prices import NEXT_PRICE_AT, PRICE_NOW, WAS_NOW, price_in, was_in
from quickshop.extensions import settings
from quickshop.kernel import db

# Taken first, in a statement of its own: what is read afterwards is what the lock protects.
_LOCK = "SELECT id FROM products WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"

_PAIRS = """
    SELECT p.id AS product_id, a.key AS attribute, a.value FROM products p, jsonb_each_text(p.attributes) a
    WHERE p.id = ANY(:ids)
    UNION
    SELECT v.product_id, o.key, o.value FROM variants v, jsonb_each_text(v.options) o WHERE v.product_id = ANY(:ids)
"""

_ATTRIBUTES = f"""
WITH pairs AS MATERIALIZED (SELECT DISTINCT attribute, value FROM ({_PAIRS}) p), fresh AS (
    SELECT * FROM pairs WHERE (attribute, value) NOT IN (SELECT attribute, value FROM attribute_values)
), names AS (
    INSERT INTO attributes (name, label)
    SELECT DISTINCT attribute, upper(left(attribute, 1)) || replace(substr(attribute, 2), '_', ' ')
    FROM fresh WHERE attribute NOT IN (SELECT name FROM attributes) ORDER BY 1 ON CONFLICT DO NOTHING
)
INSERT INTO attribute_values (attribute, value) SELECT attribute, value FROM fresh ORDER BY 1, 2 ON CONFLICT DO NOTHING
"""

# A product may be published by the very transaction that indexes it, later than `now()`, which is when that began.
_INDEX = f"""
WITH priced AS MATERIALIZED (
    SELECT v.product_id, v.id, v.currency, v.position, v.sku, {PRICE_NOW} AS price, {WAS_NOW} AS was,
           {NEXT_PRICE_AT} AS changes_at, coalesce(s.on_hand > s.held, false) AS available
    FROM variants v LEFT JOIN stock_items s ON s.variant_id = v.id WHERE v.product_id = ANY(:ids)
), cheapest AS (
    SELECT DISTINCT ON (product_id) * FROM priced ORDER BY product_id, price, position, id
), totals AS (
    SELECT product_id, count(*) AS variants, bool_or(available) AS in_stock, min(changes_at) AS changes_at,
           string_agg(sku || ' ' || regexp_replace(sku, '[^A-Za-z0-9]+', '', 'g'), ' ' ORDER BY position) AS codes
    FROM priced GROUP BY product_id
), pairs AS MATERIALIZED ({_PAIRS}), described AS (
    SELECT p.product_id, array_agg(DISTINCT a.id ORDER BY a.id) AS ids, string_agg(DISTINCT p.value, ' ') AS words
    FROM pairs p JOIN attribute_values a USING (attribute, value) GROUP BY p.product_id
), fresh AS MATERIALIZED (
    SELECT p.id, p.category_id, p.name, p.description, p.published_at, p.rating_average, p.rating_count, p.sold_count,
           c.price, t.in_stock, t.codes,
           coalesce(p.published_at <= clock_timestamp(), false) AND coalesce(now() < p.withdrawn_at, true) AS shown,
           least(t.changes_at, CASE WHEN p.published_at > clock_timestamp() THEN p.published_at END,
                 CASE WHEN p.withdrawn_at > now() THEN p.withdrawn_at END) AS next_change_at,
           coalesce(d.ids, '{{}}') AS attribute_ids,
           (SELECT string_agg(k.name, ' ') FROM categories k WHERE k.id = ANY(g.path)) || ' ' || coalesce(d.words, '')
               AS labels,
           jsonb_build_object('id', p.id, 'slug', p.slug, 'name', p.name,
               'price', jsonb_build_object('amount', c.price, 'currency', c.currency),
               'compare_at_price', CASE WHEN c.was IS NOT NULL
                   THEN jsonb_build_object('amount', c.was, 'currency', c.currency) END,
               'rating', jsonb_build_object('average', p.rating_average, 'count', p.rating_count),
               'image', p.image, 'default_variant_id', c.id, 'variant_count', t.variants) AS card
    FROM products p JOIN categories g ON g.id = p.category_id JOIN cheapest c ON c.product_id = p.id
    JOIN totals t ON t.product_id = p.id LEFT JOIN described d ON d.product_id = p.id WHERE p.id = ANY(:ids)
), kept AS (
    UPDATE products p SET card = f.card, price_minor = f.price, next_change_at = f.next_change_at
    FROM fresh f WHERE f.id = p.id
      AND (p.card, p.price_minor, p.next_change_at) IS DISTINCT FROM (f.card, f.price, f.next_change_at)
), hidden AS (
    DELETE FROM listings WHERE product_id IN (SELECT id FROM fresh WHERE NOT shown)
), listed AS (
    INSERT INTO listings AS l (product_id, category_id, published_us, price_minor, rating_rank, popularity, rating,
                               in_stock, attribute_ids)
    SELECT id, category_id, CAST(extract(epoch FROM published_at) * 1000000 AS bigint), price,
           round(rating_average * 100)::bigint * 10000000 + least(rating_count, 9999999), sold_count,
           round(rating_average * 100), in_stock, attribute_ids
    FROM fresh WHERE shown
    ON CONFLICT (product_id) DO UPDATE SET category_id = EXCLUDED.category_id, published_us = EXCLUDED.published_us,
        price_minor = EXCLUDED.price_minor, rating_rank = EXCLUDED.rating_rank, popularity = EXCLUDED.popularity,
        rating = EXCLUDED.rating, in_stock = EXCLUDED.in_stock, attribute_ids = EXCLUDED.attribute_ids
    WHERE (l.category_id, l.published_us, l.price_minor, l.rating_rank, l.popularity, l.in_stock, l.attribute_ids)
        IS DISTINCT FROM (EXCLUDED.category_id, EXCLUDED.published_us, EXCLUDED.price_minor, EXCLUDED.rating_rank,
                          EXCLUDED.popularity, EXCLUDED.in_stock, EXCLUDED.attribute_ids)
), texts AS (
    SELECT id, name AS title, codes, labels, regexp_replace(description, '<[^>]*>', ' ', 'g') AS body FROM fresh
)
INSERT INTO product_texts AS t (product_id, title, codes, labels, body)
SELECT id, title, codes, labels, body FROM texts
ON CONFLICT (product_id) DO UPDATE
SET title = EXCLUDED.title, codes = EXCLUDED.codes, labels = EXCLUDED.labels, body = EXCLUDED.body
WHERE (t.title, t.codes, t.labels, t.body)
    IS DISTINCT FROM (EXCLUDED.title, EXCLUDED.codes, EXCLUDED.labels, EXCLUDED.body)
"""

# The shop's own currency is not among them: that price stands in the card.
_PRICES = f"""
WITH priced AS (
    SELECT v.product_id, v.id, v.position, n.currency, n.price, n.was
    FROM variants v CROSS JOIN LATERAL (
        SELECT v.currency, {PRICE_NOW} AS price, {WAS_NOW} AS was
        UNION ALL
        SELECT vp.currency, {price_in("vp.currency")}, {was_in("vp.currency")}
        FROM variant_prices vp WHERE vp.variant_id = v.id AND vp.currency <> v.currency
    ) n WHERE v.product_id = ANY(:ids) AND n.currency <> :base
), cheapest AS (
    SELECT DISTINCT ON (product_id, currency) * FROM priced ORDER BY product_id, currency, price, position, id
), gone AS (
    DELETE FROM listing_prices l WHERE l.product_id = ANY(:ids)
      AND NOT EXISTS (SELECT FROM cheapest c WHERE c.product_id = l.product_id AND c.currency = l.currency)
)
INSERT INTO listing_prices AS l (product_id, currency, price_minor, was_minor, variant_id)
SELECT product_id, currency, price, was, id FROM cheapest
ON CONFLICT (product_id, currency) DO UPDATE
SET price_minor = EXCLUDED.price_minor, was_minor = EXCLUDED.was_minor, variant_id = EXCLUDED.variant_id
WHERE (l.price_minor, l.was_minor, l.variant_id)
    IS DISTINCT FROM (EXCLUDED.price_minor, EXCLUDED.was_minor, EXCLUDED.variant_id)
"""

# Not numbers and codes: those are found as they stand.
_WORDS = """
INSERT INTO catalog_words (word)
SELECT DISTINCT w.word
FROM product_texts t, regexp_split_to_table(plain_words(t.title || ' ' || t.labels || ' ' || t.body), ' ') w (word)
WHERE t.product_id = ANY(:ids) AND length(w.word) BETWEEN 3 AND 30 AND w.word !~ '[0-9]'
  AND NOT EXISTS (SELECT FROM catalog_words k WHERE k.word = w.word)
ORDER BY 1 ON CONFLICT DO NOTHING
"""


def lock(product_ids: Sequence[UUID]) -> None:
    """Lock products in order until the transaction ends. Whoever reads them to change them does this first."""
    db.run(_LOCK, ids=list(product_ids))


def index(product_ids: Sequence[UUID]) -> None:
    """Make the read side of these products anew: card, listing, texts, words. Ids without a product are ignored."""
    ids = list(product_ids)
    if not ids:
        return
    lock(ids)
    db.run(_ATTRIBUTES, ids=ids)
    db.run(_INDEX, ids=ids)
    db.run(_WORDS, ids=ids)
    index_prices(ids)


def index_prices(product_ids: Sequence[UUID]) -> None:
    """Make anew what these products, which are locked, cost in other currencies than the shop's own."""
    if settings().other_currencies:
        db.run(_PRICES, ids=list(product_ids), base=settings().base_currency)


def index_soon(category_id: UUID) -> None:
    """Have all products in and below a category indexed anew by the relay: there may be very many."""
    db.run(
        """
        UPDATE products SET next_change_at = now() WHERE category_id IN (
            SELECT id FROM categories WHERE path @> ARRAY[CAST(:id AS uuid)])
        """,
        id=category_id,
    )
