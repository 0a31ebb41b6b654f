"""Uploaded pictures, for everybody and for good: an address names the content, so what it gives never changes."""

from __future__ import annotations

import re

from flask import Response, request

from blueprints.http.access import public
from blueprints.http.limits import limited
from blueprints.storefront.pages import pages
from quickshop.catalog.pictures import media_body
from quickshop.kernel.errors import NotFound

_NAME = re.compile(r"([0-9a-f]{64})\.(avif|webp)").fullmatch
_FOR_GOOD = "public, max-age=31536000, immutable"


@pages.get("/media/<name>")
@public
@limited("media")
def media(name: str) -> Response:
    """A file by the digest of its content."""
    named = _NAME(name)
    if named is None:
        raise NotFound("file")
    digest, kind = named.groups()
    # Whoever has it has it right: nothing needs to be looked up.
    if digest in request.if_none_match:
        response = Response(status=304)
        response.headers.pop("Content-Type", None)
    else:
        response = Response(media_body(digest, kind), mimetype=f"image/{kind}")
    response.set_etag(digest)
    response.headers["Cache-Control"] = _FOR_GOOD
    return response
