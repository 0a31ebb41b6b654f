"""Who is calling: the one form in which edges hand a caller to the core. How a caller proves it lives in the edges."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quickshop.accounts.errors import SecondFactorNeeded
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Forbidden, Unauthenticated


@dataclass(frozen=True)
class Caller:
    """A signed-in user with their session, an integration with its key, or a guest (`user_id` is None).

    Permissions count only where a second factor stood beside the first, or a key was made by somebody who had one.
    """

    user_id: UUID | None = None
    session_id: UUID | None = None
    permissions: frozenset[str] = frozenset()
    email_verified: bool = False
    username: str | None = None
    second_factor: bool = False
    api_key_id: UUID | None = None

    @property
    def signed_in(self) -> bool:
        """Whether this is a user and not a guest."""
        return self.user_id is not None

    @property
    def staff(self) -> bool:
        """Whether the caller has any permission at all; customers have none."""
        return bool(self.permissions)

    def may(self, permission: Permission) -> bool:
        """Whether the caller holds a permission and may use it now."""
        return permission in self.permissions and (self.second_factor or self.api_key_id is not None)

    def require(self, permission: Permission) -> None:
        """Raises Unauthenticated for a guest, Forbidden without the permission, SecondFactorNeeded without that."""
        if self.user_id is None and self.api_key_id is None:
            raise Unauthenticated
        if permission not in self.permissions:
            raise Forbidden(f"This needs the permission {permission}.")
        if not self.may(permission):
            raise SecondFactorNeeded

    @property
    def actor(self) -> str:
        """The caller as the audit log names them."""
        if self.api_key_id is not None:
            return f"key:{self.api_key_id}"
        return f"user:{self.user_id}" if self.user_id is not None else "anonymous"

    def member_id(self) -> UUID:
        """The user's id. Raises Unauthenticated for a guest."""
        if self.user_id is None:
            raise Unauthenticated
        return self.user_id


ANONYMOUS = Caller()
