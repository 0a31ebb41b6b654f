"""Sessions: whether one lives, who is in it, and ending it. Starting one and exchanging its tokens is in `refreshing`.

A session is checked at each request against a copy that is 30 s old at most. It ends at `ends_at`, when it is revoked,
or when nobody has used it for a while; how long, its kind decides, and whether the user is staff. Use is noted once a
minute at most, and only for what a person causes: callers that act by themselves say `touch=False`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from quickshop.accounts import challenges
from quickshop.accounts.callers import Caller
from quickshop.accounts.errors import SessionEnded
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import NotFound

CACHE_SECONDS = 30
TOUCH_EVERY = timedelta(seconds=60)
IDLE_APP = timedelta(days=7)
_REMEMBERED = 20_000


@dataclass(frozen=True)
class LiveSession:
    """A session that had not ended when it was looked at."""

    caller: Caller
    ends_at: datetime
    last_used_at: datetime
    idle: timedelta

    @property
    def over_at(self) -> datetime:
        """When it ends unless it is used."""
        return min(self.ends_at, self.last_used_at + self.idle)


def idle_limit(kind: str, *, staff: bool) -> timedelta:
    """How long a session of a kind may stay unused."""
    if kind == "app":
        return IDLE_APP
    return timedelta(minutes=settings().idle_minutes_staff if staff else settings().idle_minutes_web)


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


_STAFF = """EXISTS (SELECT FROM user_roles ur JOIN roles r ON r.name = ur.role
                    WHERE ur.user_id = s.user_id AND cardinality(r.permissions) > 0)"""

# What makes a row `s` of sessions with its user `u` a living one; its parameters are `cutoffs()`.
LIVES = f"""s.revoked_at IS NULL AND u.disabled_at IS NULL AND s.ends_at > :at
    AND s.last_used_at > CASE WHEN s.kind = 'app' THEN CAST(:since_app AS timestamptz)
        WHEN {_STAFF} THEN :since_staff ELSE :since_web END"""

_FIND = f"""
SELECT s.id, s.user_id, s.ends_at, s.kind, s.last_used_at, s.second_factor_at IS NOT NULL AS second_factor, u.username,
       u.email_verified_at IS NOT NULL AS verified,
       ARRAY(SELECT DISTINCT p FROM user_roles ur JOIN roles r ON r.name = ur.role, unnest(r.permissions) p
             WHERE ur.user_id = u.id) AS permissions
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = ANY(:ids) AND {LIVES}
"""


def cutoffs(at: datetime) -> dict[str, datetime]:
    """The parameters of LIVES: the moment, and since when a session of each kind must have been used."""
    return {
        "at": at,
        "since_app": at - IDLE_APP,
        "since_staff": at - idle_limit("web", staff=True),
        "since_web": at - idle_limit("web", staff=False),
    }


def _live(row: Any) -> LiveSession:
    caller = Caller(row.user_id, row.id, frozenset(row.permissions), row.verified, row.username, row.second_factor)
    return LiveSession(caller, row.ends_at, row.last_used_at, idle_limit(row.kind, staff=caller.staff))


def living(session_ids: Collection[UUID]) -> dict[UUID, LiveSession]:
    """Those of the sessions that live at this moment, in one statement; this is no use of them."""
    if not session_ids:
        return {}
    return {row.id: _live(row) for row in db.rows(_FIND, ids=list(session_ids), **cutoffs(now()))}


def check(session_id: UUID, *, fresh: bool = False, touch: bool = True) -> LiveSession | None:
    """The session if it lives, as seen at most 30 s ago, or now where `fresh`; None if it has ended.

    With `touch` its use is noted where that was not done in the last minute; then it is looked at now, too.
    """
    found = None if fresh else _seen().get(session_id)
    if found is not None and touch and _untouched(found):
        found = None
    if found is None:
        found = living([session_id]).get(session_id)
        if found is None:
            _seen().drop(session_id)
            return None
        if touch and _untouched(found):
            found = _touched(session_id, found)
        _seen().put(session_id, found)
    return found if found.over_at > now() else None


def _untouched(session: LiveSession) -> bool:
    return now() - session.last_used_at >= TOUCH_EVERY


def _touched(session_id: UUID, session: LiveSession) -> LiveSession:
    """Note that the session is used; where somebody else has its row in hand, they do."""
    at = now()
    db.run(
        "UPDATE sessions SET last_used_at = greatest(last_used_at, :at) WHERE id ="
        " (SELECT id FROM sessions WHERE id = :id AND revoked_at IS NULL FOR UPDATE SKIP LOCKED)",
        at=at,
        id=session_id,
    )
    return LiveSession(session.caller, session.ends_at, at, session.idle)


def caller(session_id: UUID, user_id: UUID, *, fresh: bool = False, touch: bool = True) -> Caller:
    """Who is in the session that a token of `user_id` names. Raises SessionEnded."""
    found = check(session_id, fresh=fresh, touch=touch)
    if found is None or found.caller.user_id != user_id:
        raise SessionEnded
    return found.caller


def seconds_left(session_id: UUID) -> int:
    """Seconds until the session ends unless it is used; 0 where it has ended. Asking is no use of it."""
    found = check(session_id, touch=False)
    return max(0, int((found.over_at - now()).total_seconds())) if found else 0


def stay(session_id: UUID) -> None:
    """Note that the session is used at this moment, whenever that was noted last. Writes; the caller commits."""
    db.run(
        "UPDATE sessions SET last_used_at = :at WHERE id = :id AND revoked_at IS NULL AND last_used_at < :at",
        at=now(),
        id=session_id,
    )
    forget(session_id)


def note_second_factor(session_id: UUID | None, at: datetime | None) -> None:
    """Note in a session when a second factor stood in it, or with None that none does. Writes; the caller commits."""
    db.run("UPDATE sessions SET second_factor_at = :at WHERE id = :id", at=at, id=session_id)


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
    """End all of the user's sessions, `but` one, and sign-ins that are half done; returns how many sessions."""
    challenges.withdraw(user_id)
    ended = db.rows(
        "UPDATE sessions SET revoked_at = now(), revoked_reason = :reason"
        " WHERE user_id = :user AND revoked_at IS NULL AND id IS DISTINCT FROM CAST(:but AS uuid) RETURNING id",
        user=user_id,
        reason=reason,
        but=but,
    )
    forget(*(row.id for row in ended))
    return len(ended)


_LIST = f"""
SELECT s.id, s.device, s.kind, s.network, s.created_at, s.last_used_at, s.ends_at,
       s.second_factor_at IS NOT NULL AS second_factor
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.user_id = :user AND {LIVES} ORDER BY s.last_used_at DESC, s.id LIMIT 100
"""


def list_sessions(user_id: UUID, current: UUID | None) -> list[dict[str, Any]]:
    """The user's living sessions, last used first, in the API's form."""
    return [
        {
            "id": str(row.id),
            "device": row.device,
            "kind": row.kind,
            "network": row.network,
            "second_factor": row.second_factor,
            "created_at": rfc3339(row.created_at),
            "last_used_at": rfc3339(row.last_used_at),
            "ends_at": rfc3339(row.ends_at),
            "current": row.id == current,
        }
        for row in db.rows(_LIST, user=user_id, **cutoffs(now()))
    ]
