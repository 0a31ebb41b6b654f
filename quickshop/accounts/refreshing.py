"""Starting a session and exchanging its refresh token: each is good once, and one that comes back ends the family.

Only digests are stored. A successor is derived from its predecessor with the shop's secret, so that a client whose
answer was lost gets the very same successor within the grace, and nothing need be kept in clear for that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from quickshop.accounts import log, mailing, sessions, users
from quickshop.accounts.errors import RefreshReused, SessionEnded
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.crypto import digest
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.security import audit
from quickshop.security.networks import coarse_network

REFRESH_LIFE = timedelta(days=7)
SESSION_LIFE = timedelta(days=30)
GRACE = timedelta(seconds=10)
_DEVICE_LENGTH = 200


@dataclass(frozen=True)
class SignedIn:
    """A session with its current refresh secret, from which an edge mints its tokens."""

    user_id: UUID
    session_id: UUID
    refresh_secret: str = field(repr=False)
    refresh_issued_at: datetime
    refresh_expires_at: datetime


@dataclass(frozen=True)
class Origin:
    """Where a sign-in comes from: how the list of sessions names the device, its address, and the session's kind.

    The kind is "web" for a browser on our pages and "app" for all others.
    """

    device: str
    address: str
    kind: str = "app"


def start_session(user_id: UUID, origin: Origin, *, second_factor: bool = False) -> SignedIn:
    """A new session of a user who has proved who they are, with one factor or two. Writes; the caller commits."""
    session_id, secret, at = new_id(), secrets.token_urlsafe(32), now()
    ends_at = at + SESSION_LIFE
    db.run(
        """
        WITH made AS (
            INSERT INTO sessions (id, user_id, device, kind, network, proved_at, second_factor_at, created_at,
                                  last_used_at, ends_at)
            VALUES (:id, :user, :device, :kind, :network, :at, :second_factor_at, :at, :at, :ends) RETURNING id)
        INSERT INTO refresh_tokens (token_hash, session_id, expires_at, created_at)
        SELECT :hash, id, :expires, :at FROM made
        """,
        id=session_id,
        user=user_id,
        device=origin.device[:_DEVICE_LENGTH],
        kind=origin.kind,
        network=coarse_network(origin.address),
        second_factor_at=at if second_factor else None,
        at=at,
        ends=ends_at,
        hash=digest(secret),
        expires=at + REFRESH_LIFE,
    )
    return SignedIn(user_id, session_id, secret, at, at + REFRESH_LIFE)


def refresh(secret: str, *, touch: bool = True) -> SignedIn:
    """Exchange a refresh secret for its successor; a use of the session, unless `touch` says otherwise.

    The immediate predecessor gets the same successor for 10 s more, so that parallel uses and lost answers do no
    harm. Raises SessionEnded for one that is unknown or over, RefreshReused (and ends the session) for an old one.
    """
    found = run_unit(lambda: _exchange(secret, touch))
    if found is None:
        raise RefreshReused
    return found


_SESSION = f"""
SELECT s.id, s.user_id, s.ends_at FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = :id AND {sessions.LIVES} FOR UPDATE OF s
"""


def _exchange(secret: str, touch: bool) -> SignedIn | None:
    token = db.row(
        "SELECT session_id, expires_at, rotated_at FROM refresh_tokens WHERE token_hash = :hash FOR UPDATE",
        hash=digest(secret),
    )
    if token is None:
        raise SessionEnded
    at = now()
    session = db.row(_SESSION, id=token.session_id, **sessions.cutoffs(at))
    if session is None:
        raise SessionEnded
    if token.rotated_at is None:
        if token.expires_at <= at:
            raise SessionEnded
        return _rotate(secret, session, at, touch)
    return _again(secret, session, token.rotated_at, at)


def _successor(secret: str) -> str:
    mac = hmac.new(settings().secret_key.encode(), b"refresh-successor\0" + secret.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def _rotate(secret: str, session: Any, at: datetime, touch: bool) -> SignedIn:
    following = _successor(secret)
    expires_at = min(at + REFRESH_LIFE, session.ends_at)
    db.run("UPDATE refresh_tokens SET rotated_at = :at WHERE token_hash = :hash", at=at, hash=digest(secret))
    db.run(
        "INSERT INTO refresh_tokens (token_hash, session_id, expires_at, created_at)"
        " VALUES (:hash, :session, :expires, :at)",
        hash=digest(following),
        session=session.id,
        expires=expires_at,
        at=at,
    )
    if touch:
        db.run("UPDATE sessions SET last_used_at = :at WHERE id = :id", at=at, id=session.id)
    return SignedIn(session.user_id, session.id, following, at, expires_at)


def _again(secret: str, session: Any, rotated_at: datetime, at: datetime) -> SignedIn | None:
    """A token that was exchanged before: its successor within the grace, else None and the session is ended."""
    following = _successor(secret)
    current = db.row(
        "SELECT created_at, expires_at FROM refresh_tokens WHERE token_hash = :hash AND rotated_at IS NULL",
        hash=digest(following),
    )
    if current is not None and at - rotated_at <= GRACE:
        return SignedIn(session.user_id, session.id, following, current.created_at, current.expires_at)
    sessions.revoke(session.user_id, session.id, "refresh token used again")
    noted = {"session_id": str(session.id)}
    audit.record("session.reused", target=f"user:{session.user_id}", outcome="denied", data=noted)
    mailing.tell(mailing.SESSION_REUSE, users.known(session.user_id))
    log.append(session.user_id, [Fact("account.session_revoked", {"session_id": str(session.id), "reason": "reuse"})])
    return None
