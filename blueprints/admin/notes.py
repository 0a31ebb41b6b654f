"""Refusals as the staff's pages show them: a note on the page that the form stands on."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect

from quickshop.kernel.errors import Invalid, ShopError


def problem(error: ShopError | None) -> dict[str, Any] | None:
    """A refusal for the templates: its title, and what is wrong in words."""
    if error is None:
        return None
    said = [text for texts in error.errors.values() for text in texts] if isinstance(error, Invalid) else [error.detail]
    return {"title": error.title, "detail": " ".join(said), "code": error.code}


def go(address: str) -> Response:
    """After a form that worked: a page that can be reloaded."""
    return redirect(address, 303)  # type: ignore[return-value]
