"""Lists of products as ready JSON: one statement, with one before it where the query names something.

Without words and facets an index is walked in the order asked for; else everything that matches is looked at once.
Cursors are places in the order, so that a page begins where the last one ended whatever came or went meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from quickshop.catalog.asked import other_currency
from quickshop.catalog.documents import extended, list_item
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid
from quickshop.kernel.money import exponent
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.search import facets, statements
from quickshop.search.filters import MOST_ATTRIBUTES, SORTS, ProductQuery, Resolved
from quickshop.search.lookups import resolve
from quickshop.search.words import Understood, marked, pattern, snippet

COUNT_UP_TO = 10_000
_LARGEST = 2**63 - 1
_FIRST, _LAST = str(UUID(int=0)), str(UUID(int=2**128 - 1))


@dataclass(frozen=True)
class _Asked:
    """A query with what its names stand for, the parameters of its statement, and its order."""

    query: ProductQuery
    resolved: Resolved
    params: dict[str, Any]
    column: str
    descending: bool
    currency: str | None  # another one than the shop's own

    @property
    def words(self) -> Understood | None:
        """The search, where there is one."""
        return self.resolved.words


def list_json(query: ProductQuery) -> bytes:
    """A page of products: {items, next_cursor, total: {count, exact}} and, where asked for, facets. Raises Invalid.

    With words each item has `highlight` {name, text}, and `corrected` says how misspelt words were understood.
    """
    asked = _asked(query)
    if asked.words is not None and not asked.words.query:
        return _nothing(query)
    if asked.words is not None or query.facets:
        return _page(asked, _look(asked), exact=True)
    if query.category or query.attributes or _narrowed(query) or asked.currency:
        return _page(asked, _walk(asked), exact=_counted_already(asked))
    return _page(asked, db.rows(statements.plain(asked.column, asked.descending), **asked.params), exact=True)


def list_products(query: ProductQuery) -> dict[str, Any]:
    """The same as a value. Raises Invalid."""
    page: dict[str, Any] = orjson.loads(list_json(query))
    return page


# --- what is asked -------------------------------------------------------------------------------------


def _narrowed(query: ProductQuery) -> bool:
    given = (query.min_price, query.max_price, query.min_rating, query.in_stock)
    return any(value is not None for value in given)


def _counted_already(asked: _Asked) -> bool:
    """Whether the list is all of some categories, of which it is stored how much they hold."""
    query = asked.query
    return bool(query.category) and not (query.attributes or _narrowed(query) or asked.currency)


def _asked(query: ProductQuery) -> _Asked:
    if query.sort is not None and query.sort not in SORTS:
        raise Invalid({"sort": [f"One of {', '.join(SORTS)}."]})
    if len(query.attributes) > MOST_ATTRIBUTES:
        raise Invalid({"attr": [f"At most {MOST_ATTRIBUTES} attributes."]})
    column, direction = SORTS[query.order]
    descending = direction == "DESC"
    params: dict[str, Any] = {"limit": query.limit + 1}
    params["key"], params["last"] = (_LARGEST, _LAST) if descending else (-_LARGEST, _FIRST)
    if query.cursor:
        params["key"], params["last"] = _place(query.cursor)
    currency = other_currency(query.currency)
    if currency:
        params["currency"] = currency
    return _Asked(query, resolve(query), params, column, descending, currency)


def _place(cursor: str) -> tuple[int, str]:
    key, last = decode_cursor(cursor, int, str)
    try:
        if -_LARGEST <= key <= _LARGEST:
            return key, str(UUID(last))
    except ValueError:
        pass
    raise Invalid({"cursor": ["Not a cursor of this list."]})


# --- reading -------------------------------------------------------------------------------------------


def _walk(asked: _Asked) -> list[Any]:
    """The list in the order of an index, with only the conditions there are: which index is best depends on them."""
    query, conditions, params = asked.query, list[str](), dict(asked.params)
    if query.category:
        conditions.append(statements.IN_CATEGORY)
        params["category_ids"] = list(asked.resolved.category_ids)
    for name, condition in statements.NARROWING.items():
        value = getattr(query, name)
        if value is not None:
            conditions.append(condition)
            params[name] = round(value * 100) if name == "min_rating" else value
    for i, ids in enumerate(asked.resolved.attribute_ids.values()):
        conditions.append(statements.has_attribute(i))
        params[f"attribute_{i}"] = list(ids)
    stored, abroad = _counted_already(asked), asked.currency is not None
    if not stored:
        params["most"] = COUNT_UP_TO + 1
    sql = statements.narrowed(asked.column, asked.descending, conditions, count=not stored, abroad=abroad)
    return db.rows(sql, **params)


def _look(asked: _Asked) -> list[Any]:
    """The list of all that matches, with facets where they are asked for."""
    query, resolved, words = asked.query, asked.resolved, asked.words
    names = sorted(query.attributes)
    slots = statements.slots(len(names))
    params = asked.params | {
        "sort": statements.SORTED_BY.index(asked.column),
        "tsquery": words.query if words else None,
        "exact": words.exact if words else None,
        "category_ids": list(resolved.category_ids),
        "min_price": query.min_price or 0,
        "max_price": _LARGEST if query.max_price is None else query.max_price,
        "min_rating": round((query.min_rating or 0) * 100),
        "stock": [True, False] if query.in_stock is None else [query.in_stock],
    }
    for i in range(slots):
        params[f"attribute_{i}"] = list(resolved.attribute_ids[names[i]]) if i < len(names) else None
    if query.facets:
        currency = asked.currency or settings().base_currency
        params |= {
            "open": list(resolved.open_ids),
            "edges": [edge * 10 ** exponent(currency) for edge in facets.PRICE_EDGES],
            "currency": currency,
            "bit_names": names,
            "bits": [facets.FIRST_ATTRIBUTE << i for i in range(len(names))],
        }
    form = statements.Form(
        words=words is not None,
        category=bool(query.category),
        narrowed=_narrowed(query) or bool(query.attributes),
        slots=slots,
        facets=query.facets,
        descending=asked.descending,
        abroad=asked.currency is not None,
    )
    return db.rows(statements.look(form), **params)


# --- the page ------------------------------------------------------------------------------------------


def _page(asked: _Asked, rows: list[Any], *, exact: bool) -> bytes:
    shown = [r for r in rows[: asked.query.limit] if r.product_id]
    items = [list_item(r.card, r.in_stock) for r in shown]
    if asked.words is not None:
        where = pattern(asked.words.marks)
        items = [extended(i, _highlight(r, where)) for i, r in zip(items, shown, strict=True)]
    cursor = None
    if len(rows) > asked.query.limit:
        cursor = encode_cursor(shown[-1].key, shown[-1].product_id)
    total = int(rows[0].total)
    exact = exact or total <= COUNT_UP_TO
    found = rows[0].facets if asked.query.facets else None
    corrected = asked.words.corrected if asked.words else None
    return _document(items, cursor, total if exact else COUNT_UP_TO, exact, found, corrected)


def _highlight(row: Any, where: Any) -> str:
    shown = {"name": marked(row.name, where, escape=True), "text": snippet(row.body, where)}
    return '{"highlight":' + orjson.dumps(shown).decode() + "}"


def _document(
    items: list[str], cursor: str | None, total: int, exact: bool, found: str | None, corrected: str | None
) -> bytes:
    parts = [
        f'"items":[{",".join(items)}]',
        f'"next_cursor":{orjson.dumps(cursor).decode()}',
        f'"total":{{"count":{total},"exact":{"true" if exact else "false"}}}',
    ]
    if found:
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
    return _document([], None, 0, True, _NO_FACETS if query.facets else None, None)
