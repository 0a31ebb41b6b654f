"""Files of rows that come in and go out, both as streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from flask import Response, request, stream_with_context
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from blueprints.http.uploads import AROUND, takes_body
from quickshop.imports.errors import FileTooLarge
from quickshop.imports.uploading import LARGEST_BYTES
from quickshop.kernel.errors import Invalid

View = TypeVar("View", bound=Callable[..., Any])

# By it a spreadsheet program knows that a file is UTF-8.
_MARK = "\ufeff"


def takes_csv(view: View) -> View:
    """Mark a view whose body holds a file of rows."""
    return takes_body(view, LARGEST_BYTES + AROUND, _too_large)


def _too_large() -> FileTooLarge:
    return FileTooLarge(LARGEST_BYTES // 1024**2)


def sent_csv(name: str) -> FileStorage:
    """The file in a field, on disk where it is not small. Raises Invalid without one, FileTooLarge."""
    try:
        file = request.files.get(name)
    except RequestEntityTooLarge:
        raise _too_large() from None
    if file is None or not file.filename:
        raise Invalid({name: ["Send a file in this field, as multipart/form-data."]})
    return file


def csv_download(pieces: Iterator[str], name: str) -> Response:
    """An answer that is saved under `name`, made while it is sent."""

    def encoded() -> Iterator[bytes]:
        yield _MARK.encode()
        for piece in pieces:
            yield piece.encode("utf-8", "replace")

    response = Response(stream_with_context(encoded()), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
