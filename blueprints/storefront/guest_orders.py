"""The orders that a guest placed in this browser: their tokens, kept in one cookie, newest first."""

from __future__ import annotations

from blueprints.http import cookies
from blueprints.http.cookies import Cookie

MOST = 10
_LONGEST = 300


def _kept() -> dict[str, str]:
    """Tokens by order number, as the cookie has them; whether they are genuine, the core decides."""
    text = cookies.read(Cookie.ORDERS) or ""
    pairs = (part.partition(":") for part in text.split("|")[:MOST])
    return {number: token for number, _, token in pairs if number and token}


def keep(number: str, token: str) -> None:
    """Remember an order's token, in front of the others."""
    others = {n: t for n, t in _kept().items() if n != number}
    pairs = [(number, token), *others.items()][:MOST]
    cookies.write(Cookie.ORDERS, "|".join(f"{n}:{t}" for n, t in pairs if len(t) <= _LONGEST))


def token_of(number: str) -> str | None:
    """The token of an order, if this browser has it."""
    return _kept().get(number)
