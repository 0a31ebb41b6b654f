"""The page of one's own data: a copy to keep, and the end of the account."""

from __future__ import annotations

from typing import Any

from flask import Response, g, make_response, render_template, request, session

from blueprints.http.commits import commits_itself
from blueprints.http.downloads import download
from blueprints.http.json import JSON
from blueprints.http.limits import limited
from blueprints.http.page_access import forget_session, member_page, member_page_now, shopper
from blueprints.http.pages import go
from blueprints.storefront.forms import ProofForm
from blueprints.storefront.pages import pages, problem
from quickshop.accounts import second_factor
from quickshop.accounts.proving import prove
from quickshop.kernel.clock import now
from quickshop.kernel.errors import ShopError
from quickshop.privacy import service


def _seen(status: int = 200, **context: Any) -> Response:
    shown = {"errors": {}, "problem": None, **context}
    shown["waiting"] = service.under_way(g.caller.user_id)
    shown["with_code"] = second_factor.is_on(g.caller.user_id)
    return make_response(render_template("shop/privacy.html", section="privacy", **shown), status)


@pages.get("/account/privacy")
@member_page
def privacy() -> Response:
    """What can be done with one's data."""
    return _seen()


@pages.get("/account/privacy/export")
@member_page_now
@limited("auth")
def export_data() -> Response:
    """The copy, as a file."""
    made = service.export_account(g.caller.user_id)
    return download(made, f"quickshop-data-{now():%Y-%m-%d}.json", JSON)


@pages.post("/account/privacy/erase")
@member_page_now
@limited("auth")
@commits_itself
def erase_account() -> Response:
    """End the account; the browser forgets it, too."""
    form = ProofForm(request.form)
    if not form.validate():
        return _seen(422, errors=form.errors)
    caller = g.caller
    try:
        password, code = form.password.data, form.code.data
        prove(user_id=caller.user_id, session_id=caller.session_id, password=password, code=code)
        service.erase_account(caller.user_id)
    except ShopError as error:
        return _seen(error.status, problem=problem(error))
    session.clear()
    forget_session()
    return go("/account-erased")


@pages.get("/account-erased")
@shopper
def account_erased() -> str:
    """Where the end leads to; it says nothing of anybody."""
    return render_template("shop/account_erased.html")
