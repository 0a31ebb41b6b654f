"""A member's inbox: what lies in it, newest first, in the reader's language of now; and having read it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.accounts import log, users
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.notifications.kinds import topic_of
from quickshop.notifications.rendering import render

READ = "notification.read"
MOST_COUNTED = 1000  # more unread messages than anybody needs to know

_COLUMNS = "SELECT id, kind, order_id, sealed, context, at, read_at FROM inbox_messages"
_LIST = (
    _COLUMNS
    + """
WHERE user_id = :user AND (CAST(:unread AS boolean) IS NOT TRUE OR read_at IS NULL) {beyond}
ORDER BY at DESC, id DESC LIMIT :limit
"""
)
_BEYOND = "AND (at, id) < (CAST(:at AS timestamptz), CAST(:last AS uuid))"


def inbox(user_id: UUID, *, unread: bool = False, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """A page of the inbox: {items, next_cursor, unread}. Raises NotFound for nobody."""
    found = users.known(user_id)
    params: dict[str, Any] = {"user": user_id, "unread": unread, "limit": limit + 1}
    if cursor:
        params["at"], params["last"] = decode_cursor(cursor, str, str)
    rows = db.rows(_LIST.format(beyond=_BEYOND if cursor else ""), **params)
    shown = rows[:limit]
    following = encode_cursor(shown[-1].at.isoformat(), str(shown[-1].id)) if len(rows) > limit else None
    items = [_message(r, found) for r in shown]
    return {"items": items, "next_cursor": following, "unread": unread_count(user_id)}


def _message(r: Any, reader: users.Found) -> dict[str, Any]:
    personal = reader.person.unseal(r.sealed, f"inbox_messages/sealed/{r.id}")
    made = render(r.kind, {**r.context, **personal}, reader.row.locale)
    return {
        "id": str(r.id),
        "kind": r.kind,
        "topic": topic_of(r.kind),
        "title": made.subject,
        "text": " ".join(made.paragraphs),
        "action": made.action,
        "link": made.link.removeprefix(settings().public_url),
        "order_number": r.context.get("number"),
        "at": rfc3339(r.at),
        "read_at": rfc3339(r.read_at),
    }


def leads_to(user_id: UUID, message_id: UUID) -> str:
    """The page that a message leads to, as a path. Raises NotFound, also for a foreign one."""
    found = db.row(f"{_COLUMNS} WHERE id = :id AND user_id = :user", id=message_id, user=user_id)
    if found is None:
        raise NotFound("notification")
    return str(_message(found, users.known(user_id))["link"])


def unread_count(user_id: UUID) -> int:
    """How many messages a member has not read; a thousand stands for more."""
    return int(
        db.scalar(
            "SELECT count(*) FROM (SELECT FROM inbox_messages WHERE user_id = :user AND read_at IS NULL LIMIT :most) m",
            user=user_id,
            most=MOST_COUNTED,
        )
    )


def read(user_id: UUID, message_id: UUID) -> None:
    """Note that a message was read; again is no fault. Writes; the caller commits.

    Raises NotFound. Facts: notification.read, on which the member's other devices count anew.
    """
    users.lock(user_id)
    known = db.row(
        "UPDATE inbox_messages SET read_at = coalesce(read_at, :at) WHERE id = :id AND user_id = :user"
        " RETURNING read_at = :at AS now",
        id=message_id,
        user=user_id,
        at=now(),
    )
    if known is None:
        raise NotFound("notification")
    if known.now:
        _tell(user_id, str(message_id))


def read_all(user_id: UUID) -> int:
    """Note that every message was read; how many were not. Writes; the caller commits. Facts: notification.read."""
    users.lock(user_id)
    changed = db.run(
        "UPDATE inbox_messages SET read_at = :at WHERE user_id = :user AND read_at IS NULL", user=user_id, at=now()
    ).rowcount
    if changed:
        _tell(user_id, None)
    return changed


def _tell(user_id: UUID, message_id: str | None) -> None:
    log.append(user_id, [Fact(READ, {"id": message_id, "unread": unread_count(user_id)})])
