"""Draft orders on the staff's pages, and the form by which an order is edited before it is packed."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.notes import problem
from blueprints.admin.orders import done
from blueprints.admin.views import staff
from blueprints.http import request_id
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from blueprints.http.pages import go
from quickshop.accounts.countries import NAMES
from quickshop.accounts.permissions import Permission
from quickshop.checkout import drafts, editing
from quickshop.checkout.drafts import MOST_LINES, NewDraft
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.queries import order_view
from quickshop.orders.viewers import Viewer
from quickshop.shipping.queries import list_methods

ADDRESS = "/admin/draft-orders"
FIELDS = {
    "name": ("Full name", 120, True),
    "line1": ("Street and number", 200, True),
    "line2": ("Flat, floor, company", 200, False),
    "postal_code": ("Postcode", 20, False),
    "city": ("Town or city", 120, False),
    "region": ("State or region", 120, False),
    "country": ("Country", 2, True),
    "phone": ("Phone", 40, False),
}
_LINE = re.compile(r"(\S+)\s+([0-9]{1,4})").fullmatch


def units_of(typed: Typed, name: str) -> dict[str, int]:
    """Lines such as "MUG-350 2" as units by article code."""
    found: dict[str, int] = {}
    for line in typed.lines(name, "Articles", MOST_LINES):
        match = _LINE(line)
        if not match or not int(match[2]):
            raise Invalid({name: ["Write a code and a number on each line, as in “MUG-350 2”."]})
        found[match[1]] = found.get(match[1], 0) + int(match[2])
    return found


def _address(typed: Typed) -> dict[str, str]:
    return {name: typed.text(name, label, most, needed=needed) for name, (label, most, needed) in FIELDS.items()}


def _list(error: ShopError | None = None) -> Response:
    methods = {method["code"]: method["name"] for method in list_methods()}
    shown = render_template(
        "staff/drafts.html",
        section="drafts",
        drafts=drafts.list_drafts(cursor=request.args.get("cursor") or None),
        fields=FIELDS,
        countries=sorted(NAMES.items(), key=lambda pair: pair[1]),
        methods=methods,
        typed=request.form,
        may_write=g.caller.may(Permission.ORDERS_WRITE),
        problem=problem(error),
    )
    return make_response(shown, error.status if error else 200)


@staff.get("/draft-orders")
@staff_page(Permission.ORDERS_READ)
def draft_orders() -> Response:
    """What staff prepared, newest first, and the form of a new one."""
    return _list()


@staff.post("/draft-orders")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def make_draft() -> Response:
    """Put goods together for somebody."""
    try:
        made = run_unit(_make)
    except ShopError as error:
        return _list(error)
    return go(f"{ADDRESS}/{made['id']}")


def _make() -> dict[str, Any]:
    typed = Typed(request.form)
    units = drafts.variants_of(units_of(typed, "items"))
    email = typed.text("email", "The e-mail address", 254)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise Invalid({"email": ["That is no e-mail address."]})
    member = drafts.member_with(email)
    made = drafts.make(
        NewDraft(
            items=units,
            shipping_method=typed.text("shipping_method", "The way of shipping", 60),
            shipping_address=_address(typed),
            user_id=member,
            email=None if member else email,
            free_shipping=bool(request.form.get("free_shipping")),
        ),
        g.caller.user_id,
    )
    audited(target=f"draft:{made['id']}")
    return made


def _page(draft_id: UUID, error: ShopError | None = None) -> Response:
    shown = render_template(
        "staff/draft.html", section="drafts", draft=drafts.draft_view(draft_id), problem=problem(error)
    )
    return make_response(shown, error.status if error else 200)


@staff.get("/draft-orders/<draft_id>")
@staff_page(Permission.ORDERS_WRITE)
def draft_order(draft_id: str) -> Response:
    """One draft with its link."""
    return _page(parse_id(draft_id, "draft"))


@staff.post("/draft-orders/<draft_id>/<any(send, cancel):action>")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def change_draft(draft_id: str, action: str) -> Response:
    """Mail the link, or let nobody pay it any more."""
    found = parse_id(draft_id, "draft")
    try:
        run_unit(lambda: (drafts.send if action == "send" else drafts.cancel)(found))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(found, error)
    audited(action=f"draft.{action}", target=f"draft:{found}")
    return go(f"{ADDRESS}/{found}")


@staff.post("/orders/<number>/edit")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def edit_order(number: str) -> Response:
    """Let fewer units come, or add goods by a draft for the same buyer."""
    return done(number, lambda: _edit(number))


def _edit(number: str) -> None:
    typed = Typed(request.form)
    quantities: dict[int, int] = {}
    for place, item in enumerate(order_view(number, Viewer(staff=True))["items"], 1):
        coming = item["quantity"] - item["units"]["cancelled"]
        wanted = typed.whole(f"line-{place}", f"Units of {item['sku']}", 0, coming)
        if wanted is not None and wanted != coming:
            quantities[place] = wanted
    added = drafts.variants_of(units_of(typed, "add"))
    if not quantities and not added:
        raise Invalid({"lines": ["Nothing is changed."]}, "Nothing is changed.")
    given, draft = editing.edit(number, quantities, None, added, g.caller.user_id, request_id.current())
    back = given.amount_minor if given else None
    audited(target=f"order:{number}", refunded_minor=back, draft=draft and draft["id"], lines=sorted(quantities))
