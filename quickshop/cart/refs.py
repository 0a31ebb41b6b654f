"""Which cart is meant: a member's own, or the one a guest's token names."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel.crypto import signed_token, token_subject


@dataclass(frozen=True)
class CartRef:
    """A cart by id, and whose it is (None: a guest's)."""

    id: UUID
    user_id: UUID | None

    @property
    def token(self) -> str:
        """The bearer token that names this cart; made again from the id, never stored."""
        return signed_token(settings().secret_key, "cart", str(self.id))


def cart_of_token(token: str) -> UUID | None:
    """The cart id a token names, or None where it is not one of ours."""
    subject = token_subject(settings().secret_key, "cart", token)
    return UUID(subject) if subject else None


def share_token(share_id: UUID) -> str:
    """The token of a shared cart's link."""
    return signed_token(settings().secret_key, "shared-cart", str(share_id))


def share_of_token(token: str) -> UUID | None:
    """The shared cart that a token names, or None where it is not one of ours."""
    subject = token_subject(settings().secret_key, "shared-cart", token)
    return UUID(subject) if subject else None
