"""API keys of integrations: made by staff, shown once, never worth more than their maker is when they are used."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from quickshop.accounts import log, roles
from quickshop.accounts.callers import Caller
from quickshop.accounts.errors import ApiKeyInvalid, MadeByPeople
from quickshop.accounts.permissions import Permission
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.crypto import digest
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.pagination import decode_id, page
from quickshop.kernel.unit_of_work import run_unit

PREFIX = "qsk_"
_HINT = len(PREFIX) + 4
_LONGEST = 200
TOUCH_EVERY = timedelta(minutes=1)

_READ = """
SELECT k.id, k.name, k.hint, k.scopes, k.created_by, u.username, k.created_at, k.expires_at, k.last_used_at,
       k.revoked_at, u.disabled_at IS NOT NULL OR u.erased_at IS NOT NULL AS maker_gone
FROM api_keys k JOIN users u ON u.id = k.created_by
"""


def _state(row: Any) -> str:
    if row.revoked_at:
        return "revoked"
    if row.expires_at and row.expires_at <= now():
        return "expired"
    return "maker_gone" if row.maker_gone else "active"


def _document(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "hint": row.hint,
        "scopes": sorted(row.scopes),
        "state": _state(row),
        "created_by": {"id": str(row.created_by), "username": row.username},
        "created_at": rfc3339(row.created_at),
        "expires_at": rfc3339(row.expires_at),
        "last_used_at": rfc3339(row.last_used_at),
        "revoked_at": rfc3339(row.revoked_at),
    }


def list_keys(limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """All keys, the newest first: {items, next_cursor}."""
    after = decode_id(cursor) if cursor else None
    found = db.rows(
        f"{_READ} WHERE CAST(:after AS uuid) IS NULL OR k.id < :after ORDER BY k.id DESC LIMIT :limit",
        after=after,
        limit=limit + 1,
    )
    shown, following = page(found, limit, "id")
    return {"items": [_document(row) for row in shown], "next_cursor": following}


def get_key(key_id: UUID) -> dict[str, Any]:
    """One key. Raises NotFound."""
    row = db.row(f"{_READ} WHERE k.id = :id", id=key_id)
    if row is None:
        raise NotFound("API key")
    return _document(row)


def make(by: Caller, name: str, scopes: Collection[str], expires_at: datetime | None = None) -> tuple[UUID, str]:
    """A new key for permissions that its maker holds: its id, and the key itself, which is never shown again.

    Raises Invalid for no scope, one that does not exist or an end in the past, PermissionNotHeld, MadeByPeople.
    Writes; the caller commits. Facts: account.api_key_made, in the maker's log.
    """
    if by.user_id is None:
        raise MadeByPeople
    unknown = sorted(set(scopes) - set(Permission))
    if unknown or not scopes:
        raise Invalid({"scopes": [f"There is no permission {scope}." for scope in unknown] or ["Choose at least one."]})
    if expires_at is not None and expires_at <= now():
        raise Invalid({"expires_at": ["Must lie in the future."]})
    roles.check_held(by, scopes)
    key_id, key = new_id(), PREFIX + secrets.token_urlsafe(32)
    db.run(
        "INSERT INTO api_keys (id, name, key_hash, hint, scopes, created_by, created_at, expires_at)"
        " VALUES (:id, :name, :hash, :hint, CAST(:scopes AS text[]), :by, :at, :expires)",
        id=key_id,
        name=name,
        hash=digest(key),
        hint=key[:_HINT],
        scopes=sorted(set(scopes)),
        by=by.user_id,
        at=now(),
        expires=expires_at,
    )
    log.append(by.user_id, [Fact("account.api_key_made", {"key_id": str(key_id), "scopes": sorted(set(scopes))})])
    return key_id, key


def revoke(key_id: UUID) -> None:
    """End a key at once. Raises NotFound for one that is unknown or has been revoked. Writes; the caller commits.

    Facts: account.api_key_revoked, in its maker's log.
    """
    maker = db.scalar(
        "UPDATE api_keys SET revoked_at = :at WHERE id = :id AND revoked_at IS NULL RETURNING created_by",
        at=now(),
        id=key_id,
    )
    if maker is None:
        raise NotFound("API key")
    log.append(maker, [Fact("account.api_key_revoked", {"key_id": str(key_id)})])


_USE = """
SELECT k.id, k.last_used_at,
       ARRAY(SELECT DISTINCT p FROM user_roles ur JOIN roles r ON r.name = ur.role, unnest(r.permissions) p
             WHERE ur.user_id = u.id AND p = ANY(k.scopes)) AS permissions
FROM api_keys k JOIN users u ON u.id = k.created_by
WHERE k.key_hash = :hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > :at)
  AND u.disabled_at IS NULL AND u.erased_at IS NULL
"""


def caller_of(key: str) -> Caller:
    """Who calls with a key: nobody's user, with those of the key's scopes that its maker holds now.

    Looked up at each use; that it was used is noted once a minute at most, in a unit of its own. Raises ApiKeyInvalid.
    """
    at = now()
    fits = key.startswith(PREFIX) and len(key) <= _LONGEST and key.isascii()
    row = db.row(_USE, hash=digest(key), at=at) if fits else None
    if row is None:
        raise ApiKeyInvalid
    if row.last_used_at is None or row.last_used_at <= at - TOUCH_EVERY:
        run_unit(lambda: _touch(row.id, at))
    return Caller(permissions=frozenset(row.permissions), api_key_id=row.id)


def _touch(key_id: UUID, at: datetime) -> None:
    db.run(
        "UPDATE api_keys SET last_used_at = :at WHERE id = :id AND (last_used_at IS NULL OR last_used_at <= :before)",
        id=key_id,
        at=at,
        before=at - TOUCH_EVERY,
    )
