"""Reading a wish for a return into the core's terms, and sending its pictures; shared by the API and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from quickshop.returns.rules import Wish, WishedLine


def return_wish(body: Mapping[str, Any]) -> Wish:
    """The validated body of a wish for a return as the core takes it."""
    lines = [
        WishedLine(line["line"], line["quantity"], line["reason"] or body["reason"], line["exchange_variant_id"])
        for line in body["lines"]
    ]
    return Wish(lines, body["resolution"], body["note"] or None)


def photo_response(body: bytes) -> Response:
    """A picture that only its shopper and staff may see."""
    made = Response(body, mimetype="image/webp")
    made.headers["Cache-Control"] = "private, no-store"
    made.headers["X-Content-Type-Options"] = "nosniff"
    return made
