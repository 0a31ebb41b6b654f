"""The conversations that a guest opened in this browser: their tokens, kept in one cookie, newest first."""

from __future__ import annotations

from blueprints.http import cookies
from blueprints.http.cookies import Cookie

MOST = 10
_LONGEST = 100


def _kept() -> list[str]:
    """The tokens, each with its conversation's id in front; whether they are genuine, the core decides."""
    return [token for token in (cookies.read(Cookie.TICKETS) or "").split("|")[:MOST] if token]


def keep(token: str) -> None:
    """Remember a conversation's token, in front of the others."""
    others = [kept for kept in _kept() if kept != token]
    cookies.write(Cookie.TICKETS, "|".join(t for t in [token, *others][:MOST] if len(t) <= _LONGEST))


def token_of(ticket_id: str) -> str | None:
    """The token of a conversation, if this browser has it."""
    return next((token for token in _kept() if token.partition(".")[0] == ticket_id), None)
