"""Deleting what accounts no longer need: sessions long over, tokens long used, counters that no longer count."""

from __future__ import annotations

from datetime import timedelta

from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.security import lockout

# An ended session is kept for a while, so that a refresh token of it that comes back is still known.
KEEP_SESSIONS = timedelta(days=30)
KEEP_TOKENS = timedelta(days=7)


def prune() -> int:
    """Delete old rows, refresh tokens with their sessions; returns how many. Writes; the caller commits."""
    at = now()
    sessions = db.run(
        "DELETE FROM sessions WHERE ends_at < :before OR revoked_at < :before", before=at - KEEP_SESSIONS
    ).rowcount
    tokens = db.run("DELETE FROM email_tokens WHERE expires_at < :before", before=at - KEEP_TOKENS).rowcount
    asked = db.run("DELETE FROM challenges WHERE expires_at < :at", at=at).rowcount
    return sessions + tokens + asked + lockout.prune()
