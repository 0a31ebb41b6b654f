"""Files that come in: which views take them, how large a body may then be, and the file itself.

All other bodies keep to 1 MiB. A body is read only after the caller is known: of a page, whose form must be read to
find the CSRF token, the larger one is let in only where a cookie is signed by us.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Request, request
from gevent import monkey
from werkzeug.exceptions import RequestEntityTooLarge

from blueprints.http import cookies
from blueprints.http.cookies import Cookie
from blueprints.http.errors import wants_problem
from blueprints.http.native import NativeThreads
from blueprints.http.tokens import read_access_token, read_refresh_token
from quickshop.catalog.renditions import LARGEST_BYTES, PictureRefused, Rendition, process
from quickshop.kernel.errors import Invalid, ShopError, Unauthenticated
from quickshop.orders.viewers import order_of_token
from quickshop.support.holders import ticket_of_token

View = TypeVar("View", bound=Callable[..., Any])

LONGEST_WORDS = 300
# The fields and boundaries around a file.
AROUND = 64 * 1024
_MOST_TOKENS = 10  # of a guest are looked at
# A picture of 40 megapixels takes 160 MB while it is worked on: one at a time in a process.
_WORKSHOP = NativeThreads(lambda: 1, 8, "Several pictures are being prepared at this moment; please try again.")


def takes_pictures(view: View) -> View:
    """Mark a view whose body holds a picture."""
    return takes_body(view, LARGEST_BYTES + AROUND, _too_large)


def takes_body(view: View, limit: int, refusal: Callable[[], ShopError]) -> View:
    """Mark a view whose body may have up to `limit` bytes; `refusal` makes what is said of a larger one."""
    view.large_body = LargeBody(limit, refusal)  # type: ignore[attr-defined]
    return view


@dataclass(frozen=True)
class LargeBody:
    """How much a view takes, and what is said of more."""

    limit: int
    refusal: Callable[[], ShopError]


def let_in(asked: Request, body: LargeBody) -> None:
    """Allow this request a larger body. Raises the view's refusal where a page's is larger still."""
    if wants_problem(asked.path):
        asked.max_content_length = body.limit
    elif _signed():
        asked.max_content_length = body.limit
        if (asked.content_length or 0) > body.limit:
            raise body.refusal()


def _signed() -> bool:
    for cookie, read in ((Cookie.ACCESS, read_access_token), (Cookie.REFRESH, read_refresh_token)):
        token = cookies.read(cookie)
        try:
            if token and read(token):
                return True
        except Unauthenticated:
            continue
    # A guest who holds the token of an order, as "NUMBER:token" among others, or of a question.
    orders, tickets = ((cookies.read(c) or "").split("|")[:_MOST_TOKENS] for c in (Cookie.ORDERS, Cookie.TICKETS))
    return any(order_of_token(pair.partition(":")[2]) for pair in orders) or any(map(ticket_of_token, tickets))


def uploaded(name: str) -> bytes:
    """The content of the file in a field. Raises Invalid without one, PictureRefused beyond 15 MiB."""
    try:
        file = request.files.get(name)
    except RequestEntityTooLarge:
        raise _too_large() from None
    raw = file.read(LARGEST_BYTES + 1) if file else b""
    if not raw:
        raise Invalid({name: ["Send a file in this field, as multipart/form-data."]})
    return raw


def all_uploaded(name: str, most: int) -> list[bytes]:
    """The contents of the files in a field, none for none chosen. Raises Invalid for more than `most`, PictureRefused
    where they are beyond 15 MiB together.
    """
    try:
        files = [file for file in request.files.getlist(name) if file.filename]
    except RequestEntityTooLarge:
        raise _too_large() from None
    if len(files) > most:
        raise Invalid({name: [f"{most} pictures at most."]})
    return [file.read() for file in files]


def picture_words(alt: str | None) -> str:
    """What somebody says that a picture shows. Raises Invalid for more than 300 characters or unprintable ones."""
    words = (alt or "").strip()
    if len(words) > LONGEST_WORDS or not words.isprintable():
        raise Invalid({"alt": [f"At most {LONGEST_WORDS} characters, in one line."]})
    return words


def prepared(raw: bytes) -> list[Rendition]:
    """The files to serve of an uploaded picture. Raises PictureRefused, Unavailable. Never inside a transaction."""
    return _WORKSHOP.run(process, raw) if monkey.is_module_patched("socket") else process(raw)


def _too_large() -> PictureRefused:
    return PictureRefused("too_large", f"A picture may have {LARGEST_BYTES // 1024**2} MiB at most.")
