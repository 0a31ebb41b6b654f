"""The shop's logo as it comes in: which views take it, and the prepared picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import request
from gevent import monkey
from werkzeug.exceptions import RequestEntityTooLarge

from blueprints.http.native import NativeThreads
from blueprints.http.uploads import AROUND, takes_body
from quickshop.kernel.errors import Invalid
from quickshop.shop.logos import LARGEST_BYTES, LogoRefused, prepare

View = TypeVar("View", bound=Callable[..., Any])

_WORKSHOP = NativeThreads(lambda: 1, 4, "Another logo is being prepared at this moment; please try again.")


def takes_logo(view: View) -> View:
    """Mark a view whose body holds a logo."""
    return takes_body(view, LARGEST_BYTES + AROUND, _too_large)


def _too_large() -> LogoRefused:
    return LogoRefused("too_large", f"A logo may have {LARGEST_BYTES // 1024**2} MiB at most.")


def sent_logo(name: str) -> bytes:
    """The logo in a field, prepared. Raises Invalid without one, LogoRefused, Unavailable. Never in a transaction."""
    try:
        file = request.files.get(name)
    except RequestEntityTooLarge:
        raise _too_large() from None
    raw = file.read(LARGEST_BYTES + 1) if file else b""
    if not raw:
        raise Invalid({name: ["Send a file in this field, as multipart/form-data."]})
    return _WORKSHOP.run(prepare, raw) if monkey.is_module_patched("socket") else prepare(raw)
