"""Invoices as files: printed beside the event loop where nobody has printed them yet, sent to be saved."""

from __future__ import annotations

import io

from flask import Response
from gevent import monkey

from blueprints.http.downloads import download
from blueprints.http.native import NativeThreads
from quickshop.invoices.drawing import Paper, draw
from quickshop.invoices.printing import File

# Some 50 ms of CPU each: the rest wait their turn.
_PRESS = NativeThreads(lambda: 1, 16, "Many invoices are being printed at this moment; please try again.")


def drawn(paper: Paper) -> bytes:
    """The PDF of a paper. Raises Unavailable."""
    return _PRESS.run(draw, paper) if monkey.is_module_patched("socket") else draw(paper)


def sent(file: File) -> Response:
    """An answer that is saved under the invoice's number."""
    return download(io.BytesIO(file.body), f"{file.code}.pdf", "application/pdf")
