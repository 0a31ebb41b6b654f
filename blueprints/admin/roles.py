"""Roles on the staff's pages: a matrix of permissions by roles, a form per role."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Response, g, make_response, render_template, request

from blueprints.admin.notes import go, problem
from blueprints.admin.views import staff
from blueprints.http.audits import audited, refusing
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts import roles
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.unit_of_work import run_unit

_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}").fullmatch
LONGEST_DESCRIPTION = 200


@staff.get("/roles")
@staff_page(Permission.ROLES_READ)
def role_list() -> Response:
    """Every role with what it allows."""
    return _page()


def _page(error: ShopError | None = None) -> Response:
    page = render_template(
        "staff/roles.html",
        section="roles",
        roles=roles.list_roles(),
        permissions=[str(permission) for permission in Permission],
        held=g.caller.permissions,
        everything=roles.EVERYTHING,
        form=request.form if error else {},
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


def _do(work: Callable[[], None]) -> Response:
    try:
        with refusing():
            run_unit(work)
    except ShopError as error:
        return _page(error)
    return go("/admin/roles")


def _described() -> str:
    text = request.form.get("description", "").strip()
    if len(text) > LONGEST_DESCRIPTION or not text.isprintable():
        raise Invalid({"description": [f"The description is one line of {LONGEST_DESCRIPTION} characters at most."]})
    return text


def _make() -> None:
    name = request.form.get("name", "").strip()
    if not _NAME(name):
        raise Invalid({"name": ["A name has 2 to 40 lower-case letters, digits and hyphens; a letter comes first."]})
    roles.make(g.caller, name, _described(), [])
    audited(target=f"role:{name}")


def _change(name: str) -> None:
    # Boxes of permissions that the editor does not hold cannot be ticked or cleared, so browsers do not send them.
    ticked, held = set(request.form.getlist("permissions")), g.caller.permissions
    before = set(roles.get_role(name)["permissions"])
    after = None if name == roles.EVERYTHING else ticked | (before - held)
    roles.change(g.caller, name, description=_described(), permissions=after)
    audited(target=f"role:{name}", before=sorted(before), after=roles.get_role(name)["permissions"])


@staff.post("/roles")
@staff_page(Permission.ROLES_WRITE)
@commits_itself
def make_role() -> Response:
    """Make a role that allows nothing yet."""
    return _do(_make)


@staff.post("/roles/<name>")
@staff_page(Permission.ROLES_WRITE)
@commits_itself
def change_role(name: str) -> Response:
    """Set a role's description and what it allows."""
    return _do(lambda: _change(name))


@staff.post("/roles/<name>/remove")
@staff_page(Permission.ROLES_WRITE)
@commits_itself
def remove_role(name: str) -> Response:
    """Remove a role that nobody has."""
    return _do(lambda: roles.remove(g.caller, name))
