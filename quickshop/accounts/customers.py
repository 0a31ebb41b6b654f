"""Members as staff see them: found by words, listed, and one at a time. Changing their standing is in `standing`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.accounts import findable
from quickshop.accounts.users import Found
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.money import money
from quickshop.kernel.pagination import decode_id, page

PAGE = 24

_READ = """
SELECT u.id, u.person_id, u.username, u.email, u.first_name, u.last_name, u.phone, u.locale, u.email_verified_at, u.vip,
       u.tax_exempt, u.segment,
       u.order_count, u.spent_minor, u.spent, u.disabled_at, u.created_at, p.key_id, p.wrapped_key,
       ARRAY(SELECT role FROM user_roles ur WHERE ur.user_id = u.id ORDER BY role) AS roles,
       EXISTS (SELECT FROM two_factors t WHERE t.user_id = u.id AND t.enabled_at IS NOT NULL)
         OR EXISTS (SELECT FROM passkeys k WHERE k.user_id = u.id) AS second_factor
FROM users u JOIN persons p ON p.id = u.person_id
WHERE u.erased_at IS NULL AND p.wrapped_key IS NOT NULL
"""


def _document(row: Any) -> dict[str, Any]:
    found = Found(row)
    return {
        "id": str(row.id),
        "username": row.username,
        "email": found.opened("email"),
        "email_verified": row.email_verified_at is not None,
        "first_name": found.opened("first_name"),
        "last_name": found.opened("last_name"),
        "vip": row.vip,
        "segment": row.segment,
        "disabled": row.disabled_at is not None,
        "order_count": row.order_count,
        "roles": list(row.roles),
        "created_at": rfc3339(row.created_at),
    }


def list_customers(q: str | None = None, limit: int = PAGE, cursor: str | None = None) -> dict[str, Any]:
    """Members, the newest first, and only those whom all typed words name: {items, next_cursor}."""
    params: dict[str, Any] = {"limit": limit + 1}
    parts = []
    if cursor:
        parts.append("u.id < :after")
        params["after"] = decode_id(cursor)
    for number, wish in enumerate(findable.wanted(q or "")):
        parts.append(_ONE.format(n=number))
        params |= {
            f"words{number}": findable.blind(wish.words),
            f"parts{number}": findable.blind(wish.parts),
            f"count{number}": len(wish.parts),
            f"prefix{number}": wish.prefix,
        }
    where = "".join(f" AND {part}" for part in parts)
    shown, following = page(db.rows(f"{_READ}{where} ORDER BY u.id DESC LIMIT :limit", **params), limit, "id")
    return {"items": [_document(row) for row in shown], "next_cursor": following}


_ONE = """u.id IN (
    SELECT user_id FROM search_words WHERE word = ANY(CAST(:words{n} AS bytea[]))
    UNION ALL
    SELECT user_id FROM search_words WHERE word = ANY(CAST(:parts{n} AS bytea[]))
    GROUP BY user_id HAVING count(*) = :count{n}
    UNION ALL
    SELECT id FROM users WHERE lower(username) ^@ :prefix{n})"""


def get_customer(user_id: UUID) -> dict[str, Any]:
    """One member, with what the list leaves out. Raises NotFound, also for an erased person."""
    row = db.row(f"{_READ} AND u.id = :id", id=user_id)
    if row is None:
        raise NotFound("customer")
    found = Found(row)
    return {
        **_document(row),
        "phone": found.opened("phone"),
        "locale": row.locale,
        "spent": money(row.spent_minor, settings().base_currency),
        "spent_by_currency": [money(row.spent[code], code) for code in sorted(row.spent) if row.spent[code]],
        "tax_exempt": row.tax_exempt,
        "second_factor": row.second_factor,
        "disabled_at": rfc3339(row.disabled_at),
    }
