"""Sessions: whether one lives, who is in it, and ending it. Starting one and exchanging its tokens is in `refreshing`.

A session is checked at each request against a copy that is 30 s old at most.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from quickshop.accounts.callers import Caller
from quickshop.accounts.errors import SessionEnded
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import NotFound

CACHE_SECONDS = 30
_REMEMBERED = 20_000


@dataclass(frozen=True)
class LiveSession:
    """A session that had not ended when it was looked at."""

    caller: Caller
    ends_at: datetime


class _Seen:
    """Live sessions of one database as this process last saw them."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, tuple[float, LiveSession]] = OrderedDict()

    def get(self, session_id: UUID) -> LiveSession | None:
        found = self._known.get(session_id)
        return found[1] if found and found[0] > time.monotonic() else None

    def put(self, session_id: UUID, session: LiveSession) -> None:
        self._known[session_id] = (time.monotonic() + CACHE_SECONDS, session)
        self._known.move_to_end(session_id)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def drop(self, *session_ids: UUID) -> None:
        for session_id in session_ids:
            self._known.pop(session_id, None)


_caches: dict[str, _Seen] = {}


def _seen() -> _Seen:
    # Per database: one process may hold several applications (tests do).
    return _caches.setdefault(settings().database_url, _Seen())


_FIND = """
SELECT s.user_id, s.ends_at, s.second_factor_at IS NOT NULL AS second_factor, u.username,
       u.email_verified_at IS NOT NULL AS verified,
       ARRAY(SELECT DISTINCT p FROM user_roles ur JOIN roles r ON r.name = ur.role, unnest(r.permissions) p
             WHERE ur.user_id = u.id) AS permissions
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = :id AND s.revoked_at IS NULL AND u.disabled_at IS NULL
"""


def check(session_id: UUID, *, fresh: bool = False) -> LiveSession | None:
    """The session if it lives, as seen at most 30 s ago, or now where `fresh`; None if it has ended."""
    found = None if fresh else _seen().get(session_id)
    if found is None:
        row = db.row(_FIND, id=session_id)
        if row is None:
            _seen().drop(session_id)
            return None
        caller = Caller(
            row.user_id, session_id, frozenset(row.permissions), row.verified, row.username, row.second_factor
        )
        found = LiveSession(caller, row.ends_at)
        _seen().put(session_id, found)
    return found if found.ends_at > now() else None


def caller(session_id: UUID, user_id: UUID, *, fresh: bool = False) -> Caller:
    """Who is in the session that a token of `user_id` names. Raises SessionEnded."""
    found = check(session_id, fresh=fresh)
    if found is None or found.caller.user_id != user_id:
        raise SessionEnded
    return found.caller


def forget(*session_ids: UUID) -> None:
    """Look these sessions up again at their next use (in this process; others follow within 30 s)."""
    _seen().drop(*session_ids)


def forget_user(user_id: UUID) -> None:
    """Look all of a user's sessions up again at their next use, after what a caller carries has changed."""
    found = db.rows("SELECT id FROM sessions WHERE user_id = :user AND revoked_at IS NULL", user=user_id)
    forget(*(row.id for row in found))


def revoke(user_id: UUID, session_id: UUID, reason: str) -> None:
    """End one of the user's sessions. Raises NotFound for one that is not theirs or has ended."""
    ended = db.scalar(
        "UPDATE sessions SET revoked_at = now(), revoked_reason = :reason"
        " WHERE id = :id AND user_id = :user AND revoked_at IS NULL RETURNING id",
        id=session_id,
        user=user_id,
        reason=reason,
    )
    if ended is None:
        raise NotFound("session")
    forget(session_id)


def revoke_all(user_id: UUID, reason: str, *, but: UUID | None = None) -> int:
    """End all of the user's sessions, `but` one; returns how many."""
    ended = db.rows(
        "UPDATE sessions SET revoked_at = now(), revoked_reason = :reason"
        " WHERE user_id = :user AND revoked_at IS NULL AND id IS DISTINCT FROM CAST(:but AS uuid) RETURNING id",
        user=user_id,
        reason=reason,
        but=but,
    )
    forget(*(row.id for row in ended))
    return len(ended)


def list_sessions(user_id: UUID, current: UUID | None) -> list[dict[str, Any]]:
    """The user's living sessions, last used first, in the API's form."""
    found = db.rows(
        "SELECT id, device, created_at, last_used_at, ends_at FROM sessions"
        " WHERE user_id = :user AND revoked_at IS NULL AND ends_at > now() ORDER BY last_used_at DESC, id LIMIT 100",
        user=user_id,
    )
    return [
        {
            "id": str(row.id),
            "device": row.device,
            "created_at": rfc3339(row.created_at),
            "last_used_at": rfc3339(row.last_used_at),
            "ends_at": rfc3339(row.ends_at),
            "current": row.id == current,
        }
        for row in found
    ]
