"""Counting what a list could be narrowed by, in the statement that reads the list.

Several values of one filter widen the list, so each facet is counted without its own filter and with all others: the
numbers say what a click would give. A listing that fails no filter is in the list; one that fails a single filter
counts for that filter's facet. Which filters it fails stands in one number, a bit each.
"""

from __future__ import annotations

from collections.abc import Mapping

CATEGORY, PRICE, RATING, STOCK, FIRST_ATTRIBUTE = 1, 2, 4, 8, 16
MOST_VALUES = 50
# In major units; the last bucket is open.
PRICE_EDGES = (0, 10, 25, 50, 100, 250, 500, 1000)


def failing(conditions: Mapping[int, str]) -> str:
    """The number of the filters that a row fails, from condition by bit."""
    return " + ".join(f"CASE WHEN {c} THEN 0 ELSE {bit} END" for bit, c in conditions.items()) or "0"


def fails_only(bit: int) -> str:
    """Whether a row fails no filter but that of `bit`. Not as an equation: the planner takes those to be rare."""
    return f"failed & ~{bit} < 1"


# Whether a row fails one filter at most.
COUNTS = "failed & (failed - 1) < 1"


def statement(categories: str, slots: int) -> str:
    """The common table expressions that count; `categories` counts listings by the category they lie in.

    Needs `matched` (failed, price_minor, rating, in_stock, attribute_ids) and the parameters :open (ids of the
    categories whose children are shown), :edges (minor units), :currency and, where there are `slots` for attribute
    filters, :bit_names and :bits.
    """
    return f"category_places AS ({categories}), {_COUNTS}, {_values(slots)}, {_ATTRIBUTES}"


# What matched is read once: the rest is counted from the few kinds of rows there are.
_COUNTS = f"""
kinds AS MATERIALIZED (
    SELECT failed, width_bucket(price_minor, CAST(:edges AS bigint[])) AS bucket, rating / 100 AS stars, in_stock,
           count(*) AS n, min(price_minor) AS low, max(price_minor) AS high
    FROM matched GROUP BY 1, 2, 3, 4
), category_facet AS (
    SELECT json_agg(json_build_object('value', c.slug, 'label', c.name, 'count', k.n, 'parent', u.slug)
                    ORDER BY cardinality(c.path), c.position, c.name) AS found
    FROM (
        SELECT above.id, sum(m.n) AS n FROM category_places m JOIN categories c ON c.id = m.category_id
        CROSS JOIN unnest(c.path) above (id) GROUP BY 1
    ) k JOIN categories c ON c.id = k.id LEFT JOIN categories u ON u.id = c.parent_id
    WHERE c.parent_id IS NULL OR c.parent_id = ANY(CAST(:open AS uuid[]))
), price_facet AS (
    SELECT json_build_object(
        'min', CASE WHEN count(*) > 0 THEN json_build_object('amount', min(low), 'currency', max(code)) END,
        'max', CASE WHEN count(*) > 0 THEN json_build_object('amount', max(high), 'currency', max(code)) END,
        'buckets', coalesce(json_agg(json_build_object(
            'min', json_build_object('amount', (CAST(:edges AS bigint[]))[b], 'currency', code),
            'max', CASE WHEN b < cardinality(CAST(:edges AS bigint[]))
                THEN json_build_object('amount', (CAST(:edges AS bigint[]))[b + 1], 'currency', code) END,
            'count', n) ORDER BY b), '[]')) AS found
    FROM (
        SELECT bucket AS b, sum(n) AS n, min(low) AS low, max(high) AS high
        FROM kinds WHERE {fails_only(PRICE)} GROUP BY 1
    ) counts CROSS JOIN (SELECT CAST(:currency AS text) AS code) c
), rating_facet AS (
    SELECT json_build_array(
        json_build_object('value', 4, 'count', coalesce(sum(n) FILTER (WHERE stars >= 4), 0)),
        json_build_object('value', 3, 'count', coalesce(sum(n) FILTER (WHERE stars >= 3), 0)),
        json_build_object('value', 2, 'count', coalesce(sum(n) FILTER (WHERE stars >= 2), 0)),
        json_build_object('value', 1, 'count', coalesce(sum(n) FILTER (WHERE stars >= 1), 0))) AS found
    FROM kinds WHERE {fails_only(RATING)}
), stock_facet AS (
    SELECT json_build_array(
        json_build_object('value', true, 'count', coalesce(sum(n) FILTER (WHERE in_stock), 0)),
        json_build_object('value', false, 'count', coalesce(sum(n) FILTER (WHERE NOT in_stock), 0))) AS found
    FROM kinds WHERE {fails_only(STOCK)}
)"""


def _values(slots: int) -> str:
    """Attribute values with their counts, each place by place within its attribute."""
    if not slots:
        return """
value_facets AS (
    SELECT v.attribute, v.value, k.n, row_number() OVER (PARTITION BY v.attribute ORDER BY k.n DESC, v.value) AS place
    FROM (SELECT id, count(*) AS n FROM (
        SELECT unnest(attribute_ids) AS id FROM matched WHERE failed < 1
    ) ids GROUP BY 1) k JOIN attribute_values v ON v.id = k.id
)"""
    return f"""
value_counts AS MATERIALIZED (
    SELECT id, failed, count(*) AS n FROM (
        SELECT unnest(attribute_ids) AS id, failed FROM matched WHERE failed < 1 OR failed >= {FIRST_ATTRIBUTE}
    ) pairs GROUP BY 1, 2
), value_facets AS (
    SELECT v.attribute, v.value, sum(k.n) AS n, row_number() OVER (
        PARTITION BY v.attribute ORDER BY sum(k.n) DESC, v.value) AS place
    FROM value_counts k JOIN attribute_values v ON v.id = k.id
    LEFT JOIN unnest(CAST(:bit_names AS text[]), CAST(:bits AS int[])) own (name, bit) ON own.name = v.attribute
    WHERE k.failed & ~coalesce(own.bit, 0) = 0 GROUP BY 1, 2
)"""


_ATTRIBUTES = f"""
attribute_facet AS (
    SELECT json_object_agg(f.attribute, f.found ORDER BY a.position, a.name) AS found FROM (
        SELECT attribute,
               json_agg(json_build_object('value', value, 'label', value, 'count', n) ORDER BY place) AS found
        FROM value_facets WHERE place <= {MOST_VALUES} GROUP BY 1
    ) f JOIN attributes a ON a.name = f.attribute WHERE a.facetable
)"""

TOTAL = "(SELECT coalesce(sum(n), 0) FROM kinds WHERE failed = 0)"
FOUND = """(SELECT json_build_object(
    'category', coalesce((SELECT found FROM category_facet), '[]'), 'price', (SELECT found FROM price_facet),
    'rating', (SELECT found FROM rating_facet), 'in_stock', (SELECT found FROM stock_facet),
    'attributes', coalesce((SELECT found FROM attribute_facet), '{}'))::text)"""
