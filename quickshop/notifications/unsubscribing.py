"""Ending mails of one topic with one click (RFC 8058): a signed link that names the member and the topic."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quickshop.accounts import users
from quickshop.accounts.errors import LinkInvalid
from quickshop.accounts.preferences import TOPICS, change_preferences
from quickshop.extensions import settings
from quickshop.kernel.crypto import signed_token, token_subject
from quickshop.notifications.kinds import topic_of

_KIND = "unsubscribe"


@dataclass(frozen=True)
class Ending:
    """Whose mails end, and about what."""

    user_id: UUID
    topic: str
    locale: str


def link(user_id: UUID, kind: str) -> str | None:
    """The link that ends a member's mails of this kind's topic; None where they cannot be ended."""
    topic = topic_of(kind)
    if topic not in TOPICS:
        return None
    token = signed_token(settings().secret_key, _KIND, f"{user_id}/{topic}")
    return f"{settings().public_url}/unsubscribe?token={token}"


def headers(address: str) -> dict[str, str]:
    """What tells mail programs where one click ends mails like the one with this link (RFC 8058)."""
    one_click = address.replace("/unsubscribe?", "/api/v1/unsubscribe?", 1)
    return {"List-Unsubscribe": f"<{one_click}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def ending(token: str) -> Ending:
    """What a link's token would end. Raises LinkInvalid, also where the member is gone."""
    subject = token_subject(settings().secret_key, _KIND, token)
    user_id, _, topic = (subject or "").partition("/")
    if not subject or topic not in TOPICS:
        raise LinkInvalid
    found = users.by_id(UUID(user_id))
    if found is None:
        raise LinkInvalid
    return Ending(found.id, topic, found.row.locale)


def unsubscribe(token: str) -> Ending:
    """End the mails that a link is about; again is no fault. Writes; the caller commits. Raises LinkInvalid."""
    found = ending(token)
    change_preferences(found.user_id, {found.topic: {"email": False}})
    return found


def subscribe_again(token: str) -> Ending:
    """Take it back. Writes; the caller commits. Raises LinkInvalid."""
    found = ending(token)
    change_preferences(found.user_id, {found.topic: {"email": True}})
    return found
