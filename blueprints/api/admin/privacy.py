"""Staff: a person's data and its end, on behalf of that person."""

from __future__ import annotations

from flask import Response, g

from blueprints.api.schemas.privacy import ExportOut
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits_itself
from blueprints.http.downloads import download
from blueprints.http.json import JSON, no_content
from quickshop.accounts.permissions import Permission
from quickshop.kernel.ids import parse_id
from quickshop.privacy import service

blp = ApiBlueprint("admin_privacy", __name__, url_prefix="/api/v1/admin", description="Staff: people's own data")


@blp.get("/customers/<customer_id>/export")
@staff(Permission.CUSTOMERS_ERASE)
@blp.answers(200, ExportOut)
def export_customer(customer_id: str) -> Response:
    """The same document that the customer can get, to hand on to them."""
    made = service.export_customer(parse_id(customer_id, "customer"))
    return download(made, f"quickshop-data-{customer_id}.json", JSON)


@blp.post("/customers/<customer_id>/erase")
@staff(Permission.CUSTOMERS_ERASE)
@blp.answers(204)
@commits_itself
def erase_customer(customer_id: str) -> Response:
    """Erase a customer who asked for it. Refused with `orders_under_way` while an order needs them."""
    service.erase_customer(g.caller, parse_id(customer_id, "customer"))
    return no_content()


@blp.post("/orders/<number>/erase-person")
@staff(Permission.CUSTOMERS_ERASE)
@blp.answers(204)
@commits_itself
def erase_guest(number: str) -> Response:
    """Erase the guest of an order, with all orders that the same address placed without an account."""
    service.erase_guest(number)
    return no_content()
