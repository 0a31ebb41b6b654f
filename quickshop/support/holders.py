"""Who looks at a conversation as a shopper: its member, the guest who holds its order's token, or its own token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel.crypto import signed_token, token_subject
from quickshop.orders.viewers import order_of_token


@dataclass(frozen=True)
class Holder:
    """Whoever asks. Tokens open the conversations of guests alone; a member's are opened by signing in."""

    user_id: UUID | None = None
    order_token: str | None = None
    ticket_token: str | None = None

    def may_see(self, ticket: Any) -> bool:
        """Whether this ticket (`id`, `user_id`, `order_id`) may be shown."""
        if ticket.user_id is not None:
            return bool(ticket.user_id == self.user_id)
        if self.ticket_token is not None and ticket_of_token(self.ticket_token) == ticket.id:
            return True
        return ticket.order_id is not None and ticket.order_id == self.order_id

    @property
    def order_id(self) -> UUID | None:
        """The order whose token this is."""
        return order_of_token(self.order_token) if self.order_token else None


def ticket_token(ticket_id: UUID) -> str:
    """The bearer token of one conversation, for its mailed link and its topic; made again from the id, never stored."""
    return signed_token(settings().secret_key, "ticket", str(ticket_id))


def ticket_of_token(token: str) -> UUID | None:
    """The conversation a token names, or None where it is not one of ours."""
    subject = token_subject(settings().secret_key, "ticket", token)
    return UUID(subject) if subject else None
