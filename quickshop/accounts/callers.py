"""Who is calling: the one form in which edges hand a caller to the core. How a caller proves it lives in the edges."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Forbidden, Unauthenticated


@dataclass(frozen=True)
class Caller:
    """A signed-in user with their session, or a guest (`user_id` is None)."""

    user_id: UUID | None = None
    session_id: UUID | None = None
    permissions: frozenset[str] = frozenset()
    email_verified: bool = False
    username: str | None = None

    @property
    def signed_in(self) -> bool:
        """Whether this is a user and not a guest."""
        return self.user_id is not None

    @property
    def staff(self) -> bool:
        """Whether the caller has any permission at all; customers have none."""
        return bool(self.permissions)

    def may(self, permission: Permission) -> bool:
        """Whether the caller holds a permission."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raises Unauthenticated for a guest, Forbidden without the permission."""
        if self.user_id is None:
            raise Unauthenticated
        if not self.may(permission):
            raise Forbidden(f"This needs the permission {permission}.")

    def member_id(self) -> UUID:
        """The user's id. Raises Unauthenticated for a guest."""
        if self.user_id is None:
            raise Unauthenticated
        return self.user_id


ANONYMOUS = Caller()
