"""Canned replies: words that staff keep, and what becomes of them in one conversation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id
from quickshop.support import rules
from quickshop.support.errors import ReplyExists, TicketChanged

LONGEST_TITLE = 80
NAME, ORDER = "{name}", "{order}"


def _document(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "title": row.title,
        "body": row.body,
        "version": row.version,
        "created_at": rfc3339(row.created_at),
    }


def list_replies() -> list[dict[str, Any]]:
    """All of them by title; there are few."""
    return [_document(r) for r in db.rows("SELECT * FROM canned_replies ORDER BY lower(title), id")]


def get_reply(reply_id: UUID) -> dict[str, Any]:
    """One of them. Raises NotFound."""
    row = db.row("SELECT * FROM canned_replies WHERE id = :id", id=reply_id)
    if row is None:
        raise NotFound("canned reply")
    return _document(row)


def add_reply(title: str, body: str) -> UUID:
    """Keep a reply; its id. Raises Invalid, ReplyExists. Writes; the caller commits."""
    made = db.scalar(
        "INSERT INTO canned_replies (id, title, body, created_at) VALUES (:id, :title, :body, :at)"
        " ON CONFLICT DO NOTHING RETURNING id",
        id=new_id(),
        title=rules.line("title", title, LONGEST_TITLE),
        body=rules.text("body", body, rules.LONGEST_BODY),
        at=now(),
    )
    if made is None:
        raise ReplyExists
    found: UUID = made
    return found


def change_reply(reply_id: UUID, version: int, title: str, body: str) -> None:
    """Rewrite a reply; `version` is the one that was seen. Raises NotFound, TicketChanged, Invalid, ReplyExists."""
    title = rules.line("title", title, LONGEST_TITLE)
    row = db.row("SELECT version FROM canned_replies WHERE id = :id FOR NO KEY UPDATE", id=reply_id)
    if row is None:
        raise NotFound("canned reply")
    if row.version != version:
        raise TicketChanged
    if db.scalar("SELECT 1 FROM canned_replies WHERE lower(title) = lower(:t) AND id <> :id", t=title, id=reply_id):
        raise ReplyExists
    db.run(
        "UPDATE canned_replies SET title = :title, body = :body, version = version + 1 WHERE id = :id",
        title=title,
        body=rules.text("body", body, rules.LONGEST_BODY),
        id=reply_id,
    )


def remove_reply(reply_id: UUID) -> None:
    """Keep a reply no longer. Raises NotFound. Writes; the caller commits."""
    if not db.run("DELETE FROM canned_replies WHERE id = :id", id=reply_id).rowcount:
        raise NotFound("canned reply")


def filled(body: str, name: str, order: str | None) -> str:
    """The words with the shopper's first name and the order's number in their places; what is not known leaves none."""
    for place, known in ((NAME, name), (ORDER, order or "")):
        body = body.replace(f" {place}", f" {known}" if known else "").replace(place, known)
    return body
