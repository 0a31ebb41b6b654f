"""API keys on the staff's pages: making one, which is shown once, and revoking."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, g, make_response, render_template, request

from blueprints.admin.notes import go, problem
from blueprints.admin.views import staff
from blueprints.http.audits import audited, refusing
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts import api_keys
from quickshop.accounts.permissions import Permission
from quickshop.kernel.clock import now
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit

LONGEST_NAME = 80
LIVES = {"30": "30 days", "90": "90 days", "365": "a year", "": "No end"}


@staff.get("/api-keys")
@staff_page(Permission.API_KEYS_WRITE)
def key_list() -> Response:
    """All keys, the newest first."""
    return _page()


def _page(error: ShopError | None = None, made: str | None = None) -> Response:
    page = render_template(
        "staff/api_keys.html",
        section="api-keys",
        keys=api_keys.list_keys(cursor=request.args.get("cursor")),
        scopes=[str(p) for p in Permission if p in g.caller.permissions],
        lives=LIVES,
        form=request.form if error else {},
        chosen=request.form.getlist("scopes") if error else [],
        made=made,
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


def _make() -> str:
    name, life = request.form.get("name", "").strip(), request.form.get("life", "90")
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid({"name": [f"A name is one line of {LONGEST_NAME} characters at most."]})
    if life not in LIVES:
        raise Invalid({"life": ["Choose how long the key shall live."]})
    ends = now() + timedelta(days=int(life)) if life else None
    scopes = request.form.getlist("scopes")
    key_id, key = api_keys.make(g.caller, name, scopes, ends)
    audited(target=f"key:{key_id}", after=scopes)
    return key


@staff.post("/api-keys")
@staff_page(Permission.API_KEYS_WRITE)
@commits_itself
def make_key() -> Response:
    """Make a key. This answer is the only one that shows it, so it is no redirect."""
    try:
        with refusing():
            key = run_unit(_make)
        return _page(made=key)
    except ShopError as error:
        return _page(error)


@staff.post("/api-keys/<key_id>/revoke")
@staff_page(Permission.API_KEYS_WRITE)
@commits_itself
def revoke_key(key_id: str) -> Response:
    """End a key at once."""
    try:
        run_unit(lambda: api_keys.revoke(parse_id(key_id, "API key")))
    except ShopError as error:
        return _page(error)
    return go("/admin/api-keys")
