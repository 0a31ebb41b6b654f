"""Ready documents put together as texts: PostgreSQL writes the JSON, and nothing here reads it. Pure."""

from __future__ import annotations


def extended(document: str, more: str) -> str:
    """A JSON object with the members of another one after its own; neither may be empty."""
    return f"{document[:-1]},{more[1:]}"


def list_item(card: str, in_stock: bool) -> str:
    """The card with what moves with every sale."""
    return card[:-1] + (',"in_stock":true}' if in_stock else ',"in_stock":false}')
