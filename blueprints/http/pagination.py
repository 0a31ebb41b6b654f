"""Lists as the API shows them: items, and the cursor of what follows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def page_body(items: Iterable[Any], next_cursor: str | None, **beside: Any) -> dict[str, Any]:
    """The body of a list; `beside` adds `total` and the like."""
    return {"items": list(items), "next_cursor": next_cursor, **beside}
