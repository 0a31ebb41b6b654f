"""Returns by API, for the member or guest of an order: what can come back, asking, pictures, taking the wish back."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from blueprints.api.schemas.returns import OrderReturns, PhotoSchema, ReturnBody, ReturnSchema
from blueprints.http import request_id
from blueprints.http.access import anyone
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits, commits_itself
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response
from blueprints.http.limits import limited
from blueprints.http.orders import payer, viewer
from blueprints.http.returns import photo_response, return_wish
from blueprints.http.uploads import prepared, takes_pictures, uploaded
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.returns import photos, queries, service

blp = ApiBlueprint("returns", __name__, url_prefix="/api/v1", description="Returns of orders")

_UPLOAD = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        }
    },
}


@blp.get("/orders/<number>/returns")
@anyone
@blp.answers(200, OrderReturns)
def list_returns(number: str) -> Response:
    """The returns of an order, and what of it can come back now."""
    who = viewer(_order_token())
    found = {"items": queries.returns_of(number, who), "next_cursor": None}
    return json_response(found | {"returnable": queries.returnable(number, who)})


@blp.post("/orders/<number>/returns")
@anyone
@limited("checkout")
@blp.arguments(ReturnBody)
@blp.answers(201, ReturnSchema)
@commits
@idempotent(required=False)
def ask(body: dict[str, Any], number: str) -> Response:
    """Announce that units come back, for their money, for store credit or for another one.

    409 `not_returnable` with the `lines` that cannot: too late, not so many, or not delivered.
    """
    who = payer(_order_token())
    made = service.ask(number, who, return_wish(body), request_id.current())
    found = queries.return_by_id(made, who)
    return json_response(found, 201, {"Location": f"/api/v1/orders/{number}/returns/{found['number']}"})


@blp.get("/orders/<number>/returns/<int:place>")
@anyone
@blp.answers(200, ReturnSchema)
def get_return(number: str, place: int) -> Response:
    """One return."""
    return json_response(queries.return_of(number, place, viewer(_order_token())))


@blp.post("/orders/<number>/returns/<int:place>/withdraw")
@anyone
@limited("checkout")
@blp.answers(200, ReturnSchema)
@commits
@idempotent(required=False)
def withdraw(number: str, place: int) -> Response:
    """Keep what was announced: possible until it arrived. Again changes nothing."""
    who = payer(_order_token())
    service.withdraw(number, place, who, request_id.current())
    return json_response(queries.return_of(number, place, who))


@blp.post("/orders/<number>/returns/<int:place>/photos")
@anyone
@limited("checkout")
@takes_pictures
@blp.doc(requestBody=_UPLOAD)
@blp.answers(201, PhotoSchema)
@commits_itself
def add_photo(number: str, place: int) -> Response:
    """Show why it comes back: a JPEG, PNG, WebP or AVIF, stripped of place and camera; five at most."""
    who = payer(_order_token())
    with reading():
        queries.return_of(number, place, who)
    files = prepared(uploaded("file"))
    position = run_unit(lambda: photos.add(number, place, who, files))
    return json_response({"position": position, "url": f"{request.path}/{position}"}, 201)


@blp.get("/orders/<number>/returns/<int:place>/photos/<int:position>")
@anyone
@blp.answers(200, description="The picture, as WebP")
def get_photo(number: str, place: int, position: int) -> Response:
    """A picture of a return."""
    return photo_response(photos.of_order(number, place, position, viewer(_order_token())))


def _order_token() -> str | None:
    return request.headers.get("X-Order-Token")
