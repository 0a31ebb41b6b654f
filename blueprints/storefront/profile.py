"""What an account says of its owner: name, phone, language; the change of its e-mail address and of its password."""

from __future__ import annotations

from typing import Any

from flask import Response, g, make_response, render_template, request

from blueprints.http.commits import commits_itself
from blueprints.http.limits import limited
from blueprints.http.page_access import member_page, member_page_now, shopper
from blueprints.http.pages import go
from blueprints.storefront.accounts import PASSWORD_RULES
from blueprints.storefront.forms import ChangePasswordForm, NewEmailForm, ProfileForm
from blueprints.storefront.pages import field_errors, pages, problem
from quickshop.accounts import second_factor, service
from quickshop.accounts.queries import me
from quickshop.kernel.errors import ShopError
from quickshop.kernel.unit_of_work import run_unit

LANGUAGES = {
    "en": "English",
    "en-GB": "English (United Kingdom)",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Português",
}
# What the profile may still be given: what to call it, and where that is done.
STEPS = {
    "email_verified": ("Confirm your e-mail address", "/verify-email"),
    "phone": ("Add a phone number", "#f-phone"),
    "address": ("Keep an address", "/account/addresses"),
    "preferences": ("Choose what we may tell you", "/account/preferences"),
}
NOTICES = {
    "saved": "Saved.",
    "mailed": "If that address can be used, a link is on its way there. It becomes yours when you open it.",
    "password": "Your new password is set, and your other devices are signed out.",
}


def _refused(error: ShopError) -> dict[str, Any]:
    return {"errors": field_errors(error), "problem": problem(error)}


def _notice() -> str | None:
    return NOTICES.get(request.args.get("done", ""))


def _page(status: int = 200, **more: Any) -> Response:
    account = me(g.caller.member_id())
    shown = {
        "me": account,
        "form": account,
        "languages": LANGUAGES
        if account["locale"] in LANGUAGES
        else {account["locale"]: account["locale"], **LANGUAGES},
        "steps": [(step["done"], *STEPS[step["name"]]) for step in account["profile"]["steps"]],
        "with_code": second_factor.is_on(g.caller.member_id()),
        "notice": _notice(),
        "errors": {},
        "problem": None,
        "asked": None,
        **more,
    }
    return make_response(render_template("shop/profile.html", section="profile", **shown), status)


@pages.get("/account/profile")
@member_page
def profile() -> Response:
    """The profile, and what it may still be given."""
    return _page()


@pages.post("/account/profile")
@member_page_now
@commits_itself
def change_profile() -> Response:
    """Save name, phone and language, unless they were changed elsewhere since the page was made."""
    form = ProfileForm(request.form)
    typed = {"first_name": form.first_name.data, "last_name": form.last_name.data, "phone": form.phone.data}
    changes = {**typed, "locale": form.locale.data}
    if not form.validate():
        return _page(422, errors=form.errors, form={**request.form.to_dict(), **changes})
    try:
        run_unit(lambda: service.change_profile(g.caller.member_id(), changes, form.version.data))
    except ShopError as error:
        return _page(error.status, **_refused(error))
    return go("/account/profile?done=saved")


@pages.post("/account/email")
@member_page_now
@limited("auth")
@commits_itself
def change_email() -> Response:
    """Mail a link to the new address. What follows looks the same whether or not somebody has it."""
    form, caller = NewEmailForm(request.form), g.caller
    asked = form.email.data
    if not form.validate():
        return _page(422, errors=form.errors, asked=asked)
    try:
        service.request_email(caller.member_id(), caller.session_id, form.password.data, asked, form.code.data)
    except ShopError as error:
        return _page(error.status, asked=asked, **_refused(error))
    return go("/account/profile?done=mailed")


@pages.get("/account/password")
@member_page
def password_form() -> Response:
    """The form of a new password."""
    return _password_page()


@pages.post("/account/password")
@member_page_now
@limited("auth")
@commits_itself
def change_password() -> Response:
    """Set a new password; all other sessions end."""
    form, caller = ChangePasswordForm(request.form), g.caller
    if not form.validate():
        return _password_page(422, errors=form.errors)
    current, new = form.current_password.data, form.new_password.data
    try:
        service.change_password(caller.member_id(), caller.session_id, current, new, form.code.data)
    except ShopError as error:
        return _password_page(error.status, **_refused(error))
    return go("/account/password?done=password")


def _password_page(status: int = 200, **more: Any) -> Response:
    shown = {
        "username": g.caller.username,
        "password_rules": PASSWORD_RULES,
        "with_code": second_factor.is_on(g.caller.member_id()),
        "notice": _notice(),
        "errors": {},
        "problem": None,
        **more,
    }
    return make_response(render_template("shop/password.html", section="security", **shown), status)


@pages.get("/confirm-email")
@shopper
def confirm_email_form() -> str:
    """Where the link that was mailed to a new address leads; looking at it changes nothing."""
    token = request.args.get("token")
    return render_template("shop/confirm_email.html", stage="ask" if token else "failed", token=token, problem=None)


@pages.post("/confirm-email")
@shopper
@limited("auth")
@commits_itself
def confirm_email() -> Response:
    """Make the new address the account's."""
    stage, status, refusal = "done", 200, None
    try:
        service.confirm_email(request.form.get("token", ""))
    except ShopError as error:
        stage, status, refusal = "failed", error.status, problem(error)
    return make_response(render_template("shop/confirm_email.html", stage=stage, problem=refusal), status)
