"""Reads of reviews: what a product's page shows, what staff still have to look at, what a member wrote."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.accounts.people import person_key
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import parse_id
from quickshop.kernel.pagination import decode_cursor, page

NOBODY = "A customer"
STARS = (5, 4, 3, 2, 1)
# sort -> the column that comes before the id in the order, always the greatest first (ids grow with time)
SORTS: dict[str, str | None] = {"newest": None, "helpful": "score", "rating": "rating"}

_COLUMNS = """
SELECT r.id, r.product_id, r.user_id, r.rating, r.title, r.body, r.state, r.held_because, r.rejected_because,
       r.helpful_count, r.unhelpful_count, r.score, r.version, r.created_at, r.edited_at,
       u.first_name, u.last_name, per.id AS person_id, per.key_id, per.wrapped_key, v.helpful AS my_vote,
       p.slug AS product_slug, p.name AS product_name
"""
_AUTHOR_AND_VOTE = """
LEFT JOIN users u ON u.id = r.user_id LEFT JOIN persons per ON per.id = u.person_id
LEFT JOIN review_votes v ON v.review_id = r.id AND v.user_id = CAST(:me AS uuid)
"""
_REVIEWS = f"{_COLUMNS} FROM reviews r JOIN products p ON p.id = r.product_id {_AUTHOR_AND_VOTE}"
# A page of a product's reviews with the counts of all of them; one row without a review where there are none.
_OF_PRODUCT = f"""{_COLUMNS}, (
    SELECT json_object_agg(rating, n) FROM (
        SELECT rating, count(*) AS n FROM reviews WHERE product_id = :id AND state = 'published' GROUP BY rating) c
) AS counts
FROM products p LEFT JOIN reviews r ON r.product_id = p.id AND r.state = 'published' {{wanted}} {_AUTHOR_AND_VOTE}
WHERE p.id = :id AND p.published_at <= now()
"""


def author_name(row: Any) -> str:
    """First name and initial, or the words for somebody who was forgotten."""
    if row.user_id is None or row.wrapped_key is None:
        return NOBODY
    person = person_key(row.person_id, row.key_id, row.wrapped_key)
    first = person.unseal(row.first_name, f"users/first_name/{row.user_id}")
    last = person.unseal(row.last_name, f"users/last_name/{row.user_id}")
    return f"{first} {last[:1].upper()}." if last else str(first)


def _document(row: Any, me: UUID | None) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "product_id": str(row.product_id),
        "rating": row.rating,
        "title": row.title,
        "body": row.body,
        "author": author_name(row),
        "verified_buyer": True,
        "helpful": {"yes": row.helpful_count, "no": row.unhelpful_count},
        "my_vote": row.my_vote,
        "mine": me is not None and row.user_id == me,
        "created_at": rfc3339(row.created_at),
        "edited_at": rfc3339(row.edited_at),
    }


def _own_document(row: Any, me: UUID | None) -> dict[str, Any]:
    return {**_document(row, me), "state": row.state, "reason": row.rejected_because}


def has_bought(user_id: UUID, product_id: UUID) -> bool:
    """Whether a member has an order with this product that went through."""
    return bool(
        db.scalar(
            """
            SELECT EXISTS (SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id
                JOIN variants v ON v.id = l.variant_id
                WHERE o.user_id = :user AND o.status IN ('confirmed', 'completed') AND v.product_id = :product)
            """,
            user=user_id,
            product=product_id,
        )
    )


def _spread(counts: dict[str, int]) -> dict[str, Any]:
    total = sum(counts.values())
    average = round(sum(int(stars) * n for stars, n in counts.items()) / total, 2) if total else 0.0
    return {"average": average, "count": total, "stars": {str(stars): counts.get(str(stars), 0) for stars in STARS}}


def product_reviews(
    product_id: UUID,
    me: UUID | None = None,
    *,
    sort: str = "newest",
    stars: int | None = None,
    limit: int = 24,
    cursor: str | None = None,
) -> dict[str, Any]:
    """A page of a product's published reviews: {items, next_cursor, rating, mine, may_review}.

    `rating` is {average, count, stars: {"5": n, …}} over all of them; `mine` the caller's own one, in whatever
    state; `may_review` whether the caller bought it. Raises NotFound, Invalid.
    """
    if sort not in SORTS:
        raise Invalid({"sort": [f"One of {', '.join(SORTS)}."]})
    found, following, counts = _page(product_id, me, sort, stars, limit, cursor)
    mine = db.row(f"{_REVIEWS} WHERE r.product_id = :id AND r.user_id = :me", id=product_id, me=me) if me else None
    return {
        "items": [_document(r, me) for r in found],
        "next_cursor": following,
        "rating": _spread(counts),
        "mine": _own_document(mine, me) if mine else None,
        "may_review": mine is not None or (me is not None and has_bought(me, product_id)),
    }


def _page(
    product_id: UUID, me: UUID | None, sort: str, stars: int | None, limit: int, cursor: str | None
) -> tuple[list[Any], str | None, dict[str, int]]:
    column = SORTS[sort]
    wanted = ""
    params: dict[str, Any] = {"id": product_id, "me": me, "limit": limit + 1}
    if stars is not None:
        wanted += " AND r.rating = :stars"
        params["stars"] = stars
    if cursor:
        key = decode_cursor(cursor, *((int, str) if column else (str,)))
        params["last"] = _place(key[-1])
        wanted += f" AND (r.{column}, r.id) < (:key, :last)" if column else " AND r.id < :last"
        params |= {"key": _count(key[0])} if column else {}
    order = f"r.{column} DESC, r.id DESC" if column else "r.id DESC"
    rows = db.rows(f"{_OF_PRODUCT.format(wanted=wanted)} ORDER BY {order} LIMIT :limit", **params)
    if not rows:
        raise NotFound("product")
    found, following = page([r for r in rows if r.id], limit, *((column, "id") if column else ("id",)))
    return found, following, rows[0].counts or {}


def _place(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Invalid({"cursor": ["Not a cursor of this list."]}) from None


def _count(value: int) -> int:
    if abs(value) >= 2**31:
        raise Invalid({"cursor": ["Not a cursor of this list."]})
    return value


def own_review(review_id: UUID, me: UUID) -> dict[str, Any]:
    """One's own review, in whatever state. Raises NotFound."""
    row = db.row(f"{_REVIEWS} WHERE r.id = :id AND r.user_id = :me", id=review_id, me=me)
    if row is None:
        raise NotFound("review")
    return _own_document(row, me)


def own_review_of(product_id: UUID, me: UUID) -> dict[str, Any]:
    """One's own review of a product. Raises NotFound."""
    row = db.row(f"{_REVIEWS} WHERE r.product_id = :id AND r.user_id = :me", id=product_id, me=me)
    if row is None:
        raise NotFound("review")
    return _own_document(row, me)


def review_votes(review_id: UUID, me: UUID) -> dict[str, Any]:
    """A published review as the one who just voted sees it. Raises NotFound."""
    row = db.row(f"{_REVIEWS} WHERE r.id = :id AND r.state = 'published'", id=review_id, me=me)
    if row is None:
        raise NotFound("review")
    return _document(row, me)


def _staff_document(row: Any) -> dict[str, Any]:
    product = {"id": str(row.product_id), "slug": row.product_slug, "name": row.product_name}
    return {**_own_document(row, None), "held_because": row.held_because, "version": row.version, "product": product}


def staff_list(state: str | None = None, *, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """Reviews of one state (all of them without), for staff: {items, next_cursor}.

    Those that wait come first in, first out; all others newest first. Raises Invalid.
    """
    waiting = state == "pending"
    parts: list[str] = ["true"]
    params: dict[str, Any] = {"me": None, "limit": limit + 1}
    if state:
        parts.append("r.state = :state")
        params["state"] = state
    if cursor:
        parts.append(f"r.id {'>' if waiting else '<'} :last")
        params["last"] = _place(decode_cursor(cursor, str)[0])
    order = "ASC" if waiting else "DESC"
    found = db.rows(f"{_REVIEWS} WHERE {' AND '.join(parts)} ORDER BY r.id {order} LIMIT :limit", **params)
    shown, following = page(found, limit, "id")
    return {"items": [_staff_document(r) for r in shown], "next_cursor": following}


def staff_review(review_id: UUID) -> dict[str, Any]:
    """One review for staff. Raises NotFound."""
    row = db.row(f"{_REVIEWS} WHERE r.id = :id", id=review_id, me=None)
    if row is None:
        raise NotFound("review")
    return _staff_document(row)


def waiting() -> int:
    """How many reviews wait for staff."""
    return int(db.scalar("SELECT count(*) FROM reviews WHERE state = 'pending'"))


def by_author(user_id: UUID) -> list[dict[str, Any]]:
    """All that a member wrote, oldest first, for the copy of their data."""
    found = db.rows(f"{_REVIEWS} WHERE r.user_id = :me ORDER BY r.id", me=user_id)
    return [{**_own_document(r, user_id), "product_slug": r.product_slug} for r in found]


def product_id_of(slug: str) -> UUID:
    """The id of a product on sale by its slug. Raises NotFound."""
    found: UUID | None = db.scalar("SELECT id FROM products WHERE slug = :slug AND published_at <= now()", slug=slug)
    if found is None:
        raise NotFound("product")
    return found


def parse(value: str) -> UUID:
    """A review's id as it came from outside. Raises NotFound."""
    return parse_id(value, "review")
