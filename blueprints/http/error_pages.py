"""Failures as pages for people: the shop's own template where it is there, else a bare page."""

from __future__ import annotations

import logging

from flask import Response, current_app, render_template
from jinja2 import TemplateNotFound
from markupsafe import escape

from blueprints.http import request_id
from quickshop.kernel.errors import ShopError

TEMPLATE = "shop/error.html"

log = logging.getLogger(__name__)


def _bare(error: ShopError) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(error.title)}</title></head><body><main><h1>{escape(error.title)}</h1>"
        f"<p>{escape(error.detail)}</p><p>Request {escape(request_id.current())}</p>"
        '<p><a href="/">Back to the shop</a></p></main></body></html>'
    )


def _drawn(error: ShopError) -> str:
    try:
        current_app.jinja_env.get_template(TEMPLATE)
        return render_template(
            TEMPLATE,
            status=error.status,
            title=error.title,
            detail=error.detail,
            code=error.code,
            retry_after=error.headers.get("Retry-After"),
            request_id=request_id.current(),
        )
    except TemplateNotFound:
        return _bare(error)
    except Exception as broken:
        # The page around the message may need what has just failed (the cart's count, say).
        log.warning("the error page could not be drawn", exc_info=broken)
        return _bare(error)


def page(error: ShopError) -> Response:
    """A refusal as a page with the same status."""
    response = Response(_drawn(error), error.status, mimetype="text/html")
    for header, value in error.headers.items():
        response.headers[header] = value
    return response
