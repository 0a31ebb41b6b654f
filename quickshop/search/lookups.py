"""Looking up what a query names, in one statement: words, categories, attribute values."""

from __future__ import annotations

from quickshop.kernel import db
from quickshop.kernel.prepared import PLANNED_ONCE
from quickshop.search.filters import MOST_WORDS, ProductQuery, Resolved
from quickshop.search.words import understand

# `near` is only looked for where nothing else is found: it reads more than the others.
_WORDS = """
words AS MATERIALIZED (
    SELECT w.n, w.word, ts_lexize('english_stem', w.word) AS stems,
           EXISTS (SELECT FROM catalog_words k WHERE k.word = w.word) AS known
    FROM regexp_split_to_table(trim(plain_words(:words)), ' ') WITH ORDINALITY w (word, n)
    WHERE w.word <> '' AND w.n <= :most
), parts AS MATERIALIZED (
    SELECT w.*, CASE WHEN length(w.word) >= 3 THEN ARRAY(
        SELECT k.word FROM catalog_words k WHERE k.word LIKE '%' || w.word || '%'
        ORDER BY length(k.word), k.word LIMIT 24
    ) END AS parts FROM words w
), used AS MATERIALIZED (
    SELECT p.*, CASE WHEN p.known OR p.parts <> '{}' THEN true ELSE 0 < (
        SELECT count(*) FROM product_texts t
        WHERE t.tsv @@ CAST(quote_literal(p.word) || CASE WHEN length(p.word) >= 3 THEN ':*' ELSE '' END
            || coalesce(' | ' || quote_literal(p.stems[1]), '') AS tsquery)
    ) END AS used FROM parts p
)
"""
_FOUND_WORDS = """(
    SELECT json_agg(json_build_object('word', u.word, 'known', u.known, 'parts', u.parts, 'used', u.used,
        'stem', CASE WHEN u.stems IS NULL THEN '' WHEN u.stems = '{}' THEN NULL ELSE u.stems[1] END,
        'near', CASE WHEN NOT u.used AND length(u.word) >= 3 THEN ARRAY(
            SELECT k.word FROM catalog_words k WHERE k.fragments && word_fragments(u.word)
            UNION SELECT k.word FROM catalog_words k WHERE length(u.word) >= 8 AND k.word OPERATOR(public.%) u.word
            LIMIT 60) END) ORDER BY u.n) FROM used u)"""
_NAMED = """
named AS (
    SELECT c.id, c.path FROM categories c
    WHERE c.slug = ANY(:category) OR c.id IN (SELECT category_id FROM category_slugs WHERE slug = ANY(:category))
)
"""
_FOUND_NAMES = """
    ARRAY(SELECT DISTINCT d.id FROM named n JOIN categories d ON d.path @> ARRAY[n.id]) AS category_ids,
    ARRAY(SELECT DISTINCT above FROM named n CROSS JOIN unnest(n.path) above) AS open_ids,
    (SELECT json_agg(json_build_array(v.attribute, v.id))
     FROM unnest(CAST(:names AS text[]), CAST(:given AS text[])) g (name, value)
     JOIN attributes a ON a.name = g.name AND a.facetable
     JOIN attribute_values v ON v.attribute = g.name AND v.value = g.value) AS attributes"""
_LOOK_UP = f"{PLANNED_ONCE} WITH {_WORDS}, {_NAMED} SELECT {_FOUND_WORDS} AS words, {_FOUND_NAMES}"
_LOOK_UP_NAMES = f"{PLANNED_ONCE} WITH {_NAMED} SELECT NULL AS words, {_FOUND_NAMES}"


def resolve(query: ProductQuery, *, typing: bool = False) -> Resolved:
    """What the query's names stand for; without any nothing is asked. `typing`: the last word may go on."""
    if not (query.words or query.category or query.attributes):
        return Resolved()
    pairs = [(name, value) for name, values in query.attributes.items() for value in values]
    found = db.run(
        _LOOK_UP if query.words else _LOOK_UP_NAMES,
        words=query.words,
        most=MOST_WORDS,
        category=list(query.category),
        names=[name for name, _ in pairs],
        given=[value for _, value in pairs],
    ).one()
    ids: dict[str, tuple[int, ...]] = dict.fromkeys(query.attributes, ())
    for name, number in found.attributes or ():
        ids[name] += (number,)
    return Resolved(
        words=understand(found.words or [], typing=typing) if query.words else None,
        category_ids=tuple(found.category_ids),
        open_ids=tuple(found.open_ids),
        attribute_ids=ids,
    )
