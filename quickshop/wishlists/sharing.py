"""The link of a shared list: a MAC over the list and its share number, made again when needed and never stored."""

from __future__ import annotations

from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel.crypto import signed_token, token_subject


def share_token(wishlist_id: UUID, number: int) -> str:
    """The token of a list's present link."""
    return signed_token(settings().secret_key, _kind(number), str(wishlist_id))


def named_list(token: str) -> UUID | None:
    """The list that a token says it is of; whether it is genuine, `genuine` tells. None for rubbish."""
    try:
        return UUID(token.partition(".")[0])
    except ValueError:
        return None


def genuine(token: str, number: int) -> bool:
    """Whether this is the token of the share number that is in force."""
    return token_subject(settings().secret_key, _kind(number), token) is not None


def _kind(number: int) -> str:
    return f"wishlist/{number}"
