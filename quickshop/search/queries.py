"""Lists of products as ready JSON: one statement, with one before it where the query names something.

Without words and facets an index is walked in the order asked for; else everything that matches is looked at once.
Cursors are places in the order, so that a page begins where the last one ended whatever came or went meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from quickshop.catalog.documents import extended, list_item
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid
from quickshop.kernel.money import exponent
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.kernel.prepared import PLANNED_ANEW
from quickshop.search import facets
from quickshop.search.filters import MOST_ATTRIBUTES, SORTS, ProductQuery, Resolved
from quickshop.search.lookups import resolve
from quickshop.search.words import marked, pattern, snippet

COUNT_UP_TO = 10_000
_CASTS = {"published_at": "timestamptz"}

# Long names say less about each word; what sells is a little better than what does not.
_RELEVANCE = """CAST(ts_rank('{0.05, 0.2, 0.4, 1.0}', t.tsv, CAST(:tsquery AS tsquery), 1)
    * (1 + ln(1 + l.popularity) / 40) * 1000000000 AS bigint)"""


@dataclass
class _Asked:
    """A query as SQL: conditions by facet bit, parameters, and the order."""

    query: ProductQuery
    resolved: Resolved
    conditions: dict[int, str]
    params: dict[str, Any]
    column: str
    direction: str

    @property
    def after(self) -> str:
        """The condition of what comes after the cursor."""
        if not self.query.cursor:
            return ""
        sign = "<" if self.direction == "DESC" else ">"
        cast = _CASTS.get(self.column, "bigint")
        return f"AND (key, product_id) {sign} (CAST(:key AS {cast}), CAST(:last AS uuid))"


def list_json(query: ProductQuery) -> bytes:
    """A page of products: {items, next_cursor, total: {count, exact}} and, where asked for, facets. Raises Invalid.

    With words each item has `highlight` {name, text}, and `corrected` says how misspelt words were understood.
    """
    asked = _asked(query)
    words = asked.resolved.words
    if words is not None and not words.query:
        return _nothing(query)
    if words is None and not query.facets:
        sql, exact = _walk(asked)
    else:
        sql, exact = _look(asked), True
    return _page(asked, db.rows(sql, **asked.params), exact)


def list_products(query: ProductQuery) -> dict[str, Any]:
    """The same as a value. Raises Invalid."""
    page: dict[str, Any] = orjson.loads(list_json(query))
    return page


def _asked(query: ProductQuery) -> _Asked:
    if query.sort is not None and query.sort not in SORTS:
        raise Invalid({"sort": [f"One of {', '.join(SORTS)}."]})
    if len(query.attributes) > MOST_ATTRIBUTES:
        raise Invalid({"attr": [f"At most {MOST_ATTRIBUTES} attributes."]})
    column, direction = SORTS[query.order]
    params: dict[str, Any] = {"limit": query.limit + 1}
    if query.cursor:
        key, last = decode_cursor(query.cursor, str, str)
        params |= {"key": _key(key, column), "last": _uuid(last)}
    asked = _Asked(query, resolve(query), {}, params, column, direction)
    _add_filters(asked)
    return asked


def _key(key: str, column: str) -> str:
    fine = key.isascii() and (key.replace("-", "", 1).isdigit() if column not in _CASTS else key[:1].isdigit())
    if not fine or len(key) > 40:
        raise Invalid({"cursor": ["Not a cursor of this list."]})
    return key


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Invalid({"cursor": ["Not a cursor of this list."]}) from None


def _add_filters(asked: _Asked) -> None:
    query, found, conditions, params = asked.query, asked.resolved, asked.conditions, asked.params
    if query.category:
        conditions[facets.CATEGORY] = "l.category_id = ANY(CAST(:category_ids AS uuid[]))"
        params["category_ids"] = list(found.category_ids)
    price = []
    for name, sign in (("min_price", ">="), ("max_price", "<=")):
        if getattr(query, name) is not None:
            price.append(f"l.price_minor {sign} :{name}")
            params[name] = getattr(query, name)
    if price:
        conditions[facets.PRICE] = " AND ".join(price)
    if query.min_rating is not None:
        conditions[facets.RATING] = "l.rating >= :min_rating"
        params["min_rating"] = round(query.min_rating * 100)
    if query.in_stock is not None:
        conditions[facets.STOCK] = "l.in_stock" if query.in_stock else "NOT l.in_stock"
    for name, bit in facets.attribute_bits(list(query.attributes)).items():
        conditions[bit] = f"l.attribute_ids && CAST(:attribute_{bit} AS int[])"
        params[f"attribute_{bit}"] = list(found.attribute_ids[name])
    if found.words is not None:
        params["tsquery"] = found.words.query


# --- walking an index ----------------------------------------------------------------------------------


def _walk(asked: _Asked) -> tuple[str, bool]:
    """The list in the order of an index, and whether its total is stored."""
    where = " AND ".join(f"({c})" for c in asked.conditions.values()) or "true"
    after = asked.after.replace("(key,", f"({asked.column},", 1).replace(", product_id)", ", l.product_id)", 1)
    order = f"{asked.column} {asked.direction}, product_id {asked.direction}"
    total, stored = _total(asked, where)
    sql = f"""
        SELECT n.total, l.key::text AS key, l.product_id, l.in_stock, p.card::text AS card
        FROM (SELECT {total} AS total) n LEFT JOIN LATERAL (
            SELECT l.{asked.column} AS key, l.product_id, l.in_stock FROM listings l
            WHERE {where} {after} ORDER BY {order} LIMIT :limit
        ) l ON true LEFT JOIN products p ON p.id = l.product_id
        ORDER BY l.key {asked.direction}, l.product_id {asked.direction}
    """
    # What is asked for decides which index is best; a plan for every case would be good for none.
    return (PLANNED_ANEW + sql if asked.conditions else sql), stored


def _total(asked: _Asked, where: str) -> tuple[str, bool]:
    if not asked.conditions:
        return "(SELECT coalesce(sum(products), 0) FROM category_tallies)", True
    if list(asked.conditions) == [facets.CATEGORY]:
        return (
            "(SELECT coalesce(sum(products), 0) FROM category_tallies"
            " WHERE category_id = ANY(CAST(:category_ids AS uuid[])))"
        ), True
    asked.params["most"] = COUNT_UP_TO + 1
    return f"(SELECT count(*) FROM (SELECT FROM listings l WHERE {where} LIMIT :most) c)", False


# --- looking at all that matches -----------------------------------------------------------------------


def _look(asked: _Asked) -> str:
    query, words = asked.query, asked.resolved.words
    key = _RELEVANCE if asked.column == "relevance" else f"l.{asked.column}"
    join = "product_texts t JOIN listings l USING (product_id)" if words else "listings l"
    conditions = ["t.tsv @@ CAST(:tsquery AS tsquery)"] if words else []
    if query.facets:
        failed = facets.failing(asked.conditions)
        bits = ", ".join(str(bit) for bit in (0, *asked.conditions))
        keep = f"WHERE failed IN ({bits})" if asked.conditions else ""
        _add_facet_params(asked)
    else:
        failed, keep = "0", ""
        conditions += [f"({c})" for c in asked.conditions.values()]
    where = "WHERE " + " AND ".join(conditions) if conditions else ""
    counted = f", {facets.FACETS}" if query.facets else ""
    shown = facets.FOUND if query.facets else "NULL"
    text = "left(t.body, 1500)" if words else "NULL"
    name = "t.title" if words else "NULL"
    texts = "LEFT JOIN product_texts t ON t.product_id = l.product_id" if words else ""
    return f"""{PLANNED_ANEW}
        WITH matched AS MATERIALIZED (
            SELECT * FROM (
                SELECT l.product_id, l.category_id, l.price_minor, l.rating, l.in_stock, l.attribute_ids,
                       {key} AS key, {failed} AS failed
                FROM {join} {where}
            ) m {keep}
        ), page AS (
            SELECT key, product_id, in_stock FROM matched WHERE failed = 0 {asked.after}
            ORDER BY key {asked.direction}, product_id {asked.direction} LIMIT :limit
        ){counted}
        SELECT n.total, n.facets, l.key::text AS key, l.product_id, l.in_stock, p.card::text AS card,
               {name} AS name, {text} AS body
        FROM (SELECT (SELECT count(*) FROM matched WHERE failed = 0) AS total, {shown} AS facets) n
        LEFT JOIN page l ON true LEFT JOIN products p ON p.id = l.product_id {texts}
        ORDER BY l.key {asked.direction}, l.product_id {asked.direction}
    """


def _add_facet_params(asked: _Asked) -> None:
    currency = settings().base_currency
    bits = facets.attribute_bits(list(asked.query.attributes))
    asked.params |= {
        "open": list(asked.resolved.open_ids),
        "edges": [edge * 10 ** exponent(currency) for edge in facets.PRICE_EDGES],
        "currency": currency,
        "bit_names": list(bits),
        "bits": list(bits.values()),
    }


# --- the page ------------------------------------------------------------------------------------------


def _page(asked: _Asked, rows: list[Any], exact: bool) -> bytes:
    shown = [r for r in rows[: asked.query.limit] if r.product_id]
    words = asked.resolved.words
    items = [list_item(r.card, r.in_stock) for r in shown]
    if words is not None:
        where = pattern(words.marks)
        items = [extended(i, _highlight(r, where)) for i, r in zip(items, shown, strict=True)]
    cursor = None
    if len(rows) > asked.query.limit:
        cursor = encode_cursor(shown[-1].key, str(shown[-1].product_id))
    total = int(rows[0].total)
    exact = exact or total <= COUNT_UP_TO
    found = rows[0].facets if asked.query.facets else None
    return _document(
        asked.query, items, cursor, total if exact else COUNT_UP_TO, exact, found, words.corrected if words else None
    )


def _highlight(row: Any, where: Any) -> str:
    shown = {"name": marked(row.name, where, escape=True), "text": snippet(row.body, where)}
    return '{"highlight":' + orjson.dumps(shown).decode() + "}"


def _document(
    query: ProductQuery,
    items: list[str],
    cursor: str | None,
    total: int,
    exact: bool,
    found: str | None,
    corrected: str | None,
) -> bytes:
    parts = [
        f'"items":[{",".join(items)}]',
        f'"next_cursor":{orjson.dumps(cursor).decode()}',
        f'"total":{{"count":{total},"exact":{"true" if exact else "false"}}}',
    ]
    if query.facets:
        parts.append(f'"facets":{found}')
    if corrected:
        parts.append(f'"corrected":{orjson.dumps(corrected).decode()}')
    return ("{" + ",".join(parts) + "}").encode()


_NO_FACETS = orjson.dumps(
    {
        "category": [],
        "price": {"min": None, "max": None, "buckets": []},
        "rating": [{"value": stars, "count": 0} for stars in (4, 3, 2, 1)],
        "in_stock": [{"value": value, "count": 0} for value in (True, False)],
        "attributes": {},
    }
).decode()


def _nothing(query: ProductQuery) -> bytes:
    return _document(query, [], None, 0, True, _NO_FACETS, None)
