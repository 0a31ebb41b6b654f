"""The one base of everything the shop refuses, and the refusals every room shares.

An error carries a stable machine word and the HTTP status that fits it; only the edge turns it into
a problem document or a page.
"""

from __future__ import annotations

from typing import Any


class ShopError(Exception):
    """A refusal with a stable `code`. `extra` is shown to the caller beside it."""

    status = 400
    code = "refused"
    title = "Refused"

    def __init__(self, detail: str = "", *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.headers = headers or {}
        self.extra = extra


class NotFound(ShopError):
    """The thing does not exist, or the caller may not know that it does."""

    status, code, title = 404, "not_found", "Not found"

    def __init__(self, what: str = "resource") -> None:
        super().__init__(f"No such {what}.")


class Unauthenticated(ShopError):
    """Who are you?"""

    status, code, title = 401, "unauthenticated", "Sign in first"


class Forbidden(ShopError):
    """We know who you are, and you may not."""

    status, code, title = 403, "forbidden", "Not allowed"


class Conflict(ShopError):
    """The request is well-formed but does not fit the present state."""

    status, code, title = 409, "conflict", "Conflict"


class Invalid(ShopError):
    """The content of the request is wrong; `errors` maps field paths to messages."""

    status, code, title = 422, "validation_failed", "Validation failed"

    def __init__(self, errors: dict[str, list[str]], detail: str = "Some fields are not valid.", **extra: Any) -> None:
        super().__init__(detail, errors=errors, **extra)
        self.errors = errors


class Unavailable(ShopError):
    """A part the shop needs is away for the moment; trying again later helps."""

    status, code, title = 503, "unavailable", "Temporarily unavailable"

    def __init__(self, detail: str = "Please try again in a moment.", retry_after: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})
