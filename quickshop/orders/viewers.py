"""Who looks at an order: its member, the guest who holds its token, or staff."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel.crypto import signed_token, token_subject


@dataclass(frozen=True)
class Viewer:
    """Whoever asks. `staff` means: may read every order."""

    user_id: UUID | None = None
    order_token: str | None = None
    staff: bool = False

    def may_see(self, order_id: UUID, owner: UUID | None) -> bool:
        """Whether this order may be shown."""
        if self.staff or (owner is not None and owner == self.user_id):
            return True
        return self.order_token is not None and order_of_token(self.order_token) == order_id


def order_token(order_id: UUID) -> str:
    """The bearer token of one order, for the guest who placed it; made again from the id, never stored."""
    return signed_token(settings().secret_key, "order", str(order_id))


def order_of_token(token: str) -> UUID | None:
    """The order a token names, or None where it is not one of ours."""
    subject = token_subject(settings().secret_key, "order", token)
    return UUID(subject) if subject else None
