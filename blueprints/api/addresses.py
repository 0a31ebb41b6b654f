"""The caller's address book by API."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.addresses import AddressOut, AddressPage, AddressSchema, ChangeAddress, DefaultBody
from blueprints.http.access import member, member_now
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from blueprints.http.pagination import page_body
from quickshop.accounts import addresses
from quickshop.kernel.ids import parse_id

blp = ApiBlueprint("addresses", __name__, url_prefix="/api/v1/me/addresses", description="The caller's address book")


@blp.get("")
@member
@blp.answers(200, AddressPage)
def list_addresses() -> Response:
    """All addresses, oldest first."""
    return json_response(page_body(addresses.address_book(g.caller.member_id()), None))


@blp.post("")
@member_now
@blp.arguments(AddressSchema)
@blp.answers(201, AddressOut)
@commits
def add(body: dict[str, Any]) -> Response:
    """Add an address; the first one becomes the default for shipping and billing. 50 at most."""
    address_id = addresses.add_address(g.caller.member_id(), body)
    return json_response(
        addresses.address(g.caller.member_id(), address_id), 201, {"Location": f"/api/v1/me/addresses/{address_id}"}
    )


@blp.get("/<address_id>")
@member
@blp.answers(200, AddressOut)
def get_one(address_id: str) -> Response:
    """One address."""
    return json_response(addresses.address(g.caller.member_id(), parse_id(address_id, "address")))


@blp.patch("/<address_id>")
@member_now
@blp.arguments(ChangeAddress)
@blp.answers(200, AddressOut)
@commits
def change(body: dict[str, Any], address_id: str) -> Response:
    """Change some fields; the whole must be right afterwards. Orders keep what they copied."""
    whose, which = g.caller.member_id(), parse_id(address_id, "address")
    addresses.change_address(whose, which, body)
    return json_response(addresses.address(whose, which))


@blp.delete("/<address_id>")
@member_now
@blp.answers(204)
@commits
def remove(address_id: str) -> Response:
    """Remove an address; what it was the default for passes to the newest one left."""
    addresses.remove_address(g.caller.member_id(), parse_id(address_id, "address"))
    return no_content()


@blp.post("/<address_id>/default")
@member_now
@blp.arguments(DefaultBody)
@blp.answers(200, AddressOut)
@commits
def make_default(body: dict[str, Any], address_id: str) -> Response:
    """Make an address the default for shipping, billing or both."""
    whose, which = g.caller.member_id(), parse_id(address_id, "address")
    addresses.make_default(whose, which, body["kind"])
    return json_response(addresses.address(whose, which))
