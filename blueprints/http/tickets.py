"""Who asks for a conversation in this request, and what they write; shared by the API and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import g

from quickshop.kernel.errors import Unauthenticated
from quickshop.support import service
from quickshop.support.holders import Holder
from quickshop.support.messages import Said
from quickshop.support.rules import File
from quickshop.support.service import Wish


def holder(order_token: str | None, ticket_token: str | None) -> Holder:
    """Whoever asks, as a shopper. That staff may read every conversation is no leave to write as its shopper."""
    return Holder(g.caller.user_id, order_token, ticket_token)


def wish(body: Mapping[str, Any], files: list[File] | None = None) -> Wish:
    """The validated body of a question as the core takes it."""
    return Wish(body["subject"], Said(body["body"], files=files or ()), body["order"])


def open_ticket(asked: Wish, order_token: str | None, email: str | None) -> tuple[UUID, bool]:
    """Open a conversation for whoever asks: its id, and whether only a mailed link leads to it.

    Raises Unauthenticated for a guest who neither holds an order's token nor says an address.
    """
    user_id = g.caller.user_id
    if user_id is not None:
        return service.open_as_member(user_id, asked), False
    if order_token is not None:
        return service.open_for_order(order_token, asked), False
    if email is None:
        raise Unauthenticated("Sign in, send X-Order-Token, or say at which e-mail address you read the answer.")
    return service.open_for_address(email, asked), True
