"""Files of conversations: how many bytes come in, how they are read, and how one is given out."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Response, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from blueprints.http.uploads import AROUND, takes_body
from quickshop.kernel.errors import Invalid
from quickshop.support import rules
from quickshop.support.errors import FileRefused
from quickshop.support.files import Opened
from quickshop.support.rules import File

View = TypeVar("View", bound=Callable[..., Any])

# Where a browser shows it all the same, it loads and runs nothing.
_POLICY = "default-src 'none'; sandbox"


def takes_file(view: View) -> View:
    """Mark a view whose body holds one file."""
    return takes_body(view, rules.LARGEST_BYTES + AROUND, _too_large)


def takes_files(view: View) -> View:
    """Mark a view whose form may hold as many files as go with a message."""
    return takes_body(view, rules.MOST_FILES * rules.LARGEST_BYTES + AROUND, _too_large)


def _too_large() -> FileRefused:
    return FileRefused("too_large")


def sent_file(name: str) -> File:
    """The file in a field. Raises Invalid without one, FileRefused."""
    found = sent_files(name)
    if len(found) != 1:
        raise Invalid({name: ["Send one file in this field, as multipart/form-data."]})
    return found[0]


def sent_files(name: str) -> list[File]:
    """The files in a field, none for a browser's empty one. Raises Invalid for too many, FileRefused."""
    try:
        given = request.files.getlist(name)
    except RequestEntityTooLarge:
        raise _too_large() from None
    given = [file for file in given if file.filename]
    if len(given) > rules.MOST_FILES:
        raise Invalid({name: [f"{rules.MOST_FILES} files at most."]}, f"{rules.MOST_FILES} files at most.")
    return [rules.file(file.filename or "", _read(file)) for file in given]


def _read(file: FileStorage) -> bytes:
    return file.stream.read(rules.LARGEST_BYTES + 1)


def give_out(file: Opened) -> Response:
    """A file to save: never shown as a page of the shop, and of no other type than its content has."""
    response = Response(file.body, mimetype=file.type)
    response.headers["Content-Disposition"] = _disposition(file.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


def _disposition(name: str) -> str:
    """The name in both of its forms (RFC 6266); the room of support has cleaned it of quotes and separators."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
