"""Roles: making and changing them, giving and taking them. Without a role nobody may do anything that staff do.

Whoever changes a role, or gives or takes it, must hold every permission that this moves; so nobody can lift
themselves or others above what they hold, nor push down somebody who holds more. Somebody always keeps `roles:write`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from quickshop.accounts import log, sessions
from quickshop.accounts.callers import Caller
from quickshop.accounts.errors import LastKeeper, PermissionNotHeld, RoleBuiltIn, RoleExists, RoleHeld
from quickshop.accounts.permissions import Permission
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.events import Fact

EVERYTHING = "admin"  # the built-in role whose permissions are never cut

_READ = """
SELECT r.name, r.description, r.permissions, r.built_in,
       (SELECT count(*) FROM user_roles ur JOIN users u ON u.id = ur.user_id
        WHERE ur.role = r.name AND u.erased_at IS NULL) AS holders
FROM roles r
"""


def _document(row: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "description": row.description,
        "permissions": sorted(row.permissions),
        "built_in": row.built_in,
        "holders": row.holders,
    }


def list_roles() -> list[dict[str, Any]]:
    """Every role with how many people hold it, the built-in ones first."""
    return [_document(row) for row in db.rows(f"{_READ} ORDER BY r.built_in DESC, r.name")]


def get_role(name: str) -> dict[str, Any]:
    """One role. Raises NotFound."""
    row = db.row(f"{_READ} WHERE r.name = :name", name=name)
    if row is None:
        raise NotFound("role")
    return _document(row)


def roles_of(user_id: UUID) -> list[str]:
    """The names of a user's roles."""
    return [row.role for row in db.rows("SELECT role FROM user_roles WHERE user_id = :id ORDER BY role", id=user_id)]


def make(by: Caller, name: str, description: str, permissions: Collection[str]) -> None:
    """Make a role of permissions that the maker holds. Writes; the caller commits.

    Raises Invalid for a permission that does not exist, PermissionNotHeld, RoleExists.
    """
    _check_known(permissions)
    check_held(by, permissions)
    made = db.scalar(
        "INSERT INTO roles (name, description, permissions) VALUES (:name, :description, CAST(:permissions AS text[]))"
        " ON CONFLICT DO NOTHING RETURNING 1",
        name=name,
        description=description,
        permissions=sorted(set(permissions)),
    )
    if not made:
        raise RoleExists(f"There is a role {name} already.")


def change(
    by: Caller, name: str, *, description: str | None = None, permissions: Collection[str] | None = None
) -> None:
    """Set a role's description, its permissions, or both; whoever holds it has them from their next request on.

    Writes; the caller commits. Raises NotFound, Invalid, PermissionNotHeld, RoleBuiltIn, LastKeeper.
    """
    keep_order()
    row = db.row("SELECT permissions, description FROM roles WHERE name = :name FOR NO KEY UPDATE", name=name)
    if row is None:
        raise NotFound("role")
    before = set(row.permissions)
    after = before if permissions is None else set(permissions)
    _check_known(after - before)
    check_held(by, after ^ before)
    if name == EVERYTHING and before - after:
        raise RoleBuiltIn(f"The role {name} keeps all of its permissions.")
    db.run(
        "UPDATE roles SET description = :description, permissions = CAST(:permissions AS text[]) WHERE name = :name",
        name=name,
        description=row.description if description is None else description,
        permissions=sorted(after),
    )
    if before != after:
        check_keeper()
        _forget_holders(name)


def remove(by: Caller, name: str) -> None:
    """Remove a role that nobody holds. Writes; the caller commits.

    Raises NotFound, RoleBuiltIn, RoleHeld, PermissionNotHeld.
    """
    row = db.row("SELECT permissions, built_in FROM roles WHERE name = :name FOR UPDATE", name=name)
    if row is None:
        raise NotFound("role")
    if row.built_in:
        raise RoleBuiltIn(f"The role {name} is built in and cannot be removed.")
    check_held(by, row.permissions)
    if db.scalar("SELECT 1 FROM user_roles WHERE role = :name LIMIT 1", name=name):
        raise RoleHeld(f"Somebody has the role {name}; take it from them first.")
    db.run("DELETE FROM roles WHERE name = :name", name=name)


def give(by: Caller, user_id: UUID, role: str) -> None:
    """Give a user a role of which the giver holds every permission; again changes nothing. Writes; the caller commits.

    Raises NotFound for an unknown role or user, PermissionNotHeld.
    """
    check_held(by, get_role(role)["permissions"])
    if not db.scalar("SELECT 1 FROM users WHERE id = :id AND erased_at IS NULL", id=user_id):
        raise NotFound("customer")
    grant(user_id, role)


def withdraw(by: Caller, user_id: UUID, role: str) -> None:
    """Take a role, of which the taker holds every permission, from a user. Writes; the caller commits.

    Raises NotFound for an unknown role or one that the user does not have, PermissionNotHeld, LastKeeper.
    """
    keep_order()
    check_held(by, get_role(role)["permissions"])
    if role not in roles_of(user_id):
        raise NotFound("role of this customer")
    take(user_id, role)
    check_keeper()


def grant(user_id: UUID, role: str) -> None:
    """Give a user a role, by nobody's leave (commands, the demo shop); again changes nothing.

    Raises NotFound for an unknown role. Facts: account.role_granted. Writes; the caller commits.
    """
    if not db.scalar("SELECT 1 FROM roles WHERE name = :role FOR KEY SHARE", role=role):
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
    """Take a role from a user, by nobody's leave. Facts: account.role_taken. Writes; the caller commits."""
    taken = db.scalar(
        "DELETE FROM user_roles WHERE user_id = :user AND role = :role RETURNING 1", user=user_id, role=role
    )
    if taken:
        log.append(user_id, [Fact("account.role_taken", {"role": role})])
        sessions.forget_user(user_id)


# --- the rules -----------------------------------------------------------------------------------------


def permissions_of(user_id: UUID) -> frozenset[str]:
    """Every permission that a user's roles give."""
    found = db.rows(
        "SELECT DISTINCT unnest(r.permissions) AS permission FROM user_roles ur JOIN roles r ON r.name = ur.role"
        " WHERE ur.user_id = :id",
        id=user_id,
    )
    return frozenset(row.permission for row in found)


def check_held(by: Caller, permissions: Iterable[str]) -> None:
    """Raises PermissionNotHeld where `by` lacks one of the permissions."""
    missing = sorted(set(permissions) - by.permissions)
    if missing:
        raise PermissionNotHeld(missing)


def check_keeper() -> None:
    """Raises LastKeeper unless somebody who can sign in holds `roles:write`: to be asked after each taking.

    Takings wait for each other until the end of the transaction, so that two cannot each leave the other one's.
    """
    keep_order()
    kept = db.scalar(
        "SELECT 1 FROM users u JOIN user_roles ur ON ur.user_id = u.id JOIN roles r ON r.name = ur.role"
        " WHERE :permission = ANY(r.permissions) AND u.disabled_at IS NULL AND u.erased_at IS NULL LIMIT 1",
        permission=str(Permission.ROLES_WRITE),
    )
    if not kept:
        raise LastKeeper


def keep_order() -> None:
    """Wait for every other change that could take permissions away, and let later ones wait for this unit."""
    db.run("SELECT 1 FROM roles WHERE name = :name FOR NO KEY UPDATE", name=EVERYTHING)


def _check_known(permissions: Iterable[str]) -> None:
    unknown = sorted(set(permissions) - set(Permission))
    if unknown:
        raise Invalid({"permissions": [f"There is no permission {name}." for name in unknown]})


def _forget_holders(role: str) -> None:
    found = db.rows(
        "SELECT s.id FROM sessions s JOIN user_roles ur ON ur.user_id = s.user_id"
        " WHERE ur.role = :role AND s.revoked_at IS NULL",
        role=role,
    )
    sessions.forget(*(row.id for row in found))
