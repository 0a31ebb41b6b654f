"""How the forms of the staff's pages end: on a page that can be reloaded, or with a refusal as a note on their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from blueprints.http.pages import go
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.unit_of_work import run_unit

__all__ = ["attempt", "go", "problem"]


def problem(error: ShopError | None) -> dict[str, Any] | None:
    """A refusal for the templates: its title, and what is wrong in words."""
    if error is None:
        return None
    said = [text for texts in error.errors.values() for text in texts] if isinstance(error, Invalid) else [error.detail]
    return {"title": error.title, "detail": " ".join(said), "code": error.code}


def attempt(work: Callable[[], Any], again: Callable[[ShopError], Response], then: str) -> Response:
    """Do what a form asks for in a unit of its own and go on to `then`; what is refused ends on the form `again`."""
    try:
        run_unit(work)
    except ShopError as error:
        return again(error)
    return go(then)
