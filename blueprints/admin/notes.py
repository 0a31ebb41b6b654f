"""How the forms of the staff's pages end: on a page that can be reloaded, or with a refusal as a note on their own."""

from __future__ import annotations

from typing import Any

from blueprints.http.pages import go
from quickshop.kernel.errors import Invalid, ShopError

__all__ = ["go", "problem"]


def problem(error: ShopError | None) -> dict[str, Any] | None:
    """A refusal for the templates: its title, and what is wrong in words."""
    if error is None:
        return None
    said = [text for texts in error.errors.values() for text in texts] if isinstance(error, Invalid) else [error.detail]
    return {"title": error.title, "detail": " ".join(said), "code": error.code}
