"""Sending a file that was made for one caller: saved by browsers, kept by no cache, read a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from flask import Response

_PIECE = 64 * 1024


def _pieces(made: IO[bytes]) -> Iterator[bytes]:
    with made:
        while piece := made.read(_PIECE):
            yield piece


def download(made: IO[bytes], name: str, mimetype: str) -> Response:
    """An answer that is saved under `name`; closes the file when it is sent, or nobody wants the rest."""
    length = made.seek(0, 2)
    made.seek(0)
    response = Response(_pieces(made), mimetype=mimetype)
    response.call_on_close(made.close)
    response.content_length = length
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
