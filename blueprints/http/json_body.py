"""The one place where request bodies of JSON are parsed, and what is refused there before any schema sees it."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import current_app, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from quickshop.kernel.cards import holds_card_number
from quickshop.kernel.errors import Invalid, ShopError

DEEPEST = 32
_LONG_NUMBER = re.compile(rb"\d(?:[ -]?\d){13}").search


class InvalidJson(ShopError):
    """The body is not JSON as the contract asks for it."""

    status, code, title = 400, "invalid_json", "Invalid JSON"


class UnsupportedMediaType(ShopError):
    """The body is of another type."""

    status, code, title = 415, "unsupported_media_type", "Unsupported media type"


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise InvalidJson("An object names the same key twice.")
    return made


def _constant(name: str) -> Any:
    raise InvalidJson(f"{name} is not JSON.")


def _check_depth(value: Any) -> None:
    """Refuse nesting over 32 levels, level by level, without recursion."""
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        if depth > DEEPEST:
            raise InvalidJson(f"The body is nested more than {DEEPEST} levels deep.")
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]


def _check_texts(value: Any) -> None:
    """Refuse characters that no text column can hold: NUL and halves of surrogate pairs."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo.extend(item)
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
        elif isinstance(item, str) and not _storable(item):
            raise InvalidJson("A text holds a character that cannot be stored.")


def _check_cards(value: Any, path: str = "") -> None:
    """Refuse card numbers, in whatever field: they go to the payment provider alone."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if holds_card_number(key):
                raise card_refused(path or "body")
            _check_cards(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            _check_cards(inner, path)
    elif isinstance(value, str) and holds_card_number(value):
        raise card_refused(path or "body")


def card_refused(field: str) -> Invalid:
    """The refusal of a card number in `field`; it does not repeat what it refuses."""
    return Invalid({field: ["This is a card number. Send it to the payment provider, which gives you a token for it."]})


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def parse_json(raw: bytes) -> Any:
    """The value in `raw`. Raises InvalidJson: broken, not UTF-8, NaN, duplicate keys, over 32 levels, NUL."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
    except UnicodeDecodeError:
        raise InvalidJson("The body is not UTF-8.") from None
    except RecursionError:
        raise InvalidJson(f"The body is nested more than {DEEPEST} levels deep.") from None
    except json.JSONDecodeError as error:
        raise InvalidJson(f"Not JSON at line {error.lineno}, column {error.colno}.") from None
    except ValueError:
        raise InvalidJson("A number has too many digits.") from None
    # Both checks walk the value; most bodies cannot need them.
    if raw.count(b"{") + raw.count(b"[") > DEEPEST:
        _check_depth(value)
    if b"\\u" in raw:
        _check_texts(value)
    if b"\\u" in raw or _LONG_NUMBER(raw):
        _check_cards(value)
    return value


def json_body() -> Any:
    """The request's JSON body, parsed once. No body at all reads as an empty object.

    Raises UnsupportedMediaType, InvalidJson, RequestEntityTooLarge.
    """
    if "json_body" in g:
        return g.json_body
    raw = request.get_data()
    if request.content_length is None and len(raw) >= current_app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge  # it came in chunks, and was cut at the limit
    if raw:
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("Send the body as application/json.")
        g.json_body = parse_json(raw)
    else:
        g.json_body = {}
    return g.json_body
