"""Giving and taking roles."""

from __future__ import annotations

from uuid import UUID

from quickshop.accounts import log, sessions
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact


def grant(user_id: UUID, role: str) -> None:
    """Give a user a role; again changes nothing. Raises NotFound for an unknown role. Writes; the caller commits."""
    if not db.scalar("SELECT 1 FROM roles WHERE name = :role", role=role):
        raise NotFound("role")
    given = db.scalar(
        "INSERT INTO user_roles (user_id, role) VALUES (:user, :role) ON CONFLICT DO NOTHING RETURNING 1",
        user=user_id,
        role=role,
    )
    if given:
        log.append(user_id, [Fact("account.role_granted", {"role": role})])
        sessions.forget_user(user_id)


def take(user_id: UUID, role: str) -> None:
    """Take a role from a user. Writes; the caller commits."""
    taken = db.scalar(
        "DELETE FROM user_roles WHERE user_id = :user AND role = :role RETURNING 1", user=user_id, role=role
    )
    if taken:
        log.append(user_id, [Fact("account.role_taken", {"role": role})])
        sessions.forget_user(user_id)
