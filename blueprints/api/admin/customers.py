"""Staff: members, found by what staff hear on the telephone."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.staff import (
    ChangeCustomerBody,
    CustomerListArgs,
    CustomerPage,
    CustomerSchema,
    StandingSchema,
)
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response
from blueprints.http.limits import limited
from quickshop.accounts import customers, standing
from quickshop.accounts.permissions import Permission
from quickshop.kernel.ids import parse_id
from quickshop.security import audit

blp = ApiBlueprint("admin_customers", __name__, url_prefix="/api/v1/admin", description="Staff: customers")


@blp.get("/customers")
@staff(Permission.CUSTOMERS_READ)
@limited("search")
@blp.arguments(CustomerListArgs, location="query")
@blp.answers(200, CustomerPage)
def list_customers(args: dict[str, Any]) -> Response:
    """Members, the newest first. All words of `q` must fit: whole words of names, e-mail address (or what stands
    before or after its @), phone number (or its last four digits or more), username (or its beginning)."""
    audit.viewed("customers.listed")
    return json_response(customers.list_customers(**args))


@blp.get("/customers/<customer_id>")
@staff(Permission.CUSTOMERS_READ)
@blp.answers(200, CustomerSchema)
def get_customer(customer_id: str) -> Response:
    """One member."""
    found = customers.get_customer(parse_id(customer_id, "customer"))
    audit.viewed("customer.viewed", target=f"customer:{found['id']}")
    return json_response(found)


@blp.patch("/customers/<customer_id>")
@staff(Permission.CUSTOMERS_WRITE)
@blp.arguments(ChangeCustomerBody)
@blp.answers(200, StandingSchema)
@commits
def change_customer(body: dict[str, Any], customer_id: str) -> Response:
    """Make somebody a VIP, or close their account, which ends their sessions at once; and the other way round.

    The answer says how they stand and nothing personal: to change that is no leave to read.
    """
    user_id = parse_id(customer_id, "customer")
    standing.change(g.caller, user_id, **body)
    audited(after=body)
    return json_response(standing.standing_of(user_id))
