"""Staff: roles, what they allow, and who has them."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.staff import ChangeRoleBody, NewRoleBody, PermissionPage, RolePage, RoleSchema
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from blueprints.http.pagination import page_body
from quickshop.accounts import roles
from quickshop.accounts.permissions import Permission
from quickshop.kernel.ids import parse_id

blp = ApiBlueprint("admin_roles", __name__, url_prefix="/api/v1/admin", description="Staff: roles and permissions")


@blp.get("/permissions")
@staff(Permission.ROLES_READ)
@blp.answers(200, PermissionPage)
def list_permissions() -> Response:
    """Everything that a role or an API key may allow."""
    return json_response(page_body(({"name": str(permission)} for permission in Permission), None))


@blp.get("/roles")
@staff(Permission.ROLES_READ)
@blp.answers(200, RolePage)
def list_roles() -> Response:
    """All roles, the built-in ones first."""
    return json_response(page_body(roles.list_roles(), None))


@blp.post("/roles")
@staff(Permission.ROLES_WRITE)
@blp.arguments(NewRoleBody)
@blp.answers(201, RoleSchema)
@commits
def create_role(body: dict[str, Any]) -> Response:
    """Make a role of permissions that the caller holds."""
    roles.make(g.caller, **body)
    audited(target=f"role:{body['name']}", after=body["permissions"])
    return json_response(roles.get_role(body["name"]), 201, {"Location": f"/api/v1/admin/roles/{body['name']}"})


@blp.get("/roles/<name>")
@staff(Permission.ROLES_READ)
@blp.answers(200, RoleSchema)
def get_role(name: str) -> Response:
    """One role."""
    return json_response(roles.get_role(name))


@blp.put("/roles/<name>")
@staff(Permission.ROLES_WRITE)
@blp.arguments(ChangeRoleBody)
@blp.answers(200, RoleSchema)
@commits
def change_role(body: dict[str, Any], name: str) -> Response:
    """Set what a role allows; it holds from the next request of those who have it, and on open sockets within 15 s."""
    before = roles.get_role(name)
    roles.change(g.caller, name, **body)
    after = roles.get_role(name)
    audited(target=f"role:{name}", before=before["permissions"], after=after["permissions"])
    return json_response(after)


@blp.delete("/roles/<name>")
@staff(Permission.ROLES_WRITE)
@blp.answers(204)
@commits
def remove_role(name: str) -> Response:
    """Remove a role that nobody has."""
    roles.remove(g.caller, name)
    audited(target=f"role:{name}")
    return no_content()


@blp.put("/customers/<customer_id>/roles/<name>")
@staff(Permission.ROLES_WRITE)
@blp.answers(204)
@commits
def give_role(customer_id: str, name: str) -> Response:
    """Give somebody a role; again changes nothing."""
    roles.give(g.caller, parse_id(customer_id, "customer"), name)
    return no_content()


@blp.delete("/customers/<customer_id>/roles/<name>")
@staff(Permission.ROLES_WRITE)
@blp.answers(204)
@commits
def take_role(customer_id: str, name: str) -> Response:
    """Take a role from somebody."""
    roles.withdraw(g.caller, parse_id(customer_id, "customer"), name)
    return no_content()
