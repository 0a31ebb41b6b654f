"""Signing in, up and out, and the mailed links."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Response, g, make_response, render_template, request, session

from blueprints.http.commits import commits, commits_itself
from blueprints.http.limits import client_address, limited
from blueprints.http.page_access import forget_session, keep_session, shopper
from blueprints.http.pages import go
from blueprints.storefront import guest_cart
from blueprints.storefront.forms import CodeForm, EmailForm, NewPasswordForm, SignInForm, SignUpForm
from blueprints.storefront.pages import field_errors, pages, problem
from blueprints.storefront.security import as_json, credential_of
from quickshop.accounts import passkeys, service, sessions
from quickshop.accounts.errors import ChallengeInvalid, TwoFactorRequired
from quickshop.accounts.queries import me
from quickshop.accounts.signing_in import passkey_for
from quickshop.cart.merging import merge_on_login
from quickshop.extensions import settings
from quickshop.kernel.errors import NotFound, ShopError
from quickshop.kernel.unit_of_work import run_unit

PASSWORD_RULES = (
    "10 characters or more",
    "With a letter, a digit and a special character",
    "Not one of the well-known ones, and without your own name",
)


def _seen(template: str, status: int = 200, **context: Any) -> Response:
    found = settings()
    shown: dict[str, Any] = {"form": {}, "errors": {}, "problem": None, "rp_id": found.passkey_rp_id}
    shown |= {"demo": found.development, **context}
    return make_response(render_template(template, **shown), status)


def local_path(wanted: str | None) -> str:
    """Where to go next: an address of this shop, never another site's."""
    wanted = wanted or "/"
    fine = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if fine else "/"


@pages.get("/sign-in")
@shopper
def sign_in_form() -> Response:
    """The form; whoever is signed in already goes on."""
    if g.caller.signed_in:
        return go(local_path(request.args.get("next")))
    return _seen("shop/sign_in.html", next_url=request.args.get("next"))


@pages.post("/sign-in")
@shopper
@limited("auth")
@commits_itself
def sign_in() -> Response:
    """Start a session; a guest's cart joins the member's."""
    form = SignInForm(request.form)
    context = {"form": {"login": form.login.data}, "next_url": request.form.get("next")}
    if not form.validate():
        return _seen("shop/sign_in.html", 422, errors=form.errors, **context)
    try:
        signed_in = service.authenticate(form.login.data, form.password.data, _origin())
    except TwoFactorRequired as halfway:
        session["challenge"], session["next"] = halfway.challenge, request.form.get("next")
        return go("/sign-in/code")
    except ShopError as error:
        return _seen("shop/sign_in.html", error.status, problem=problem(error), **context)
    return _begin(signed_in, request.form.get("next"))


def _origin() -> service.Origin:
    return service.Origin(request.headers.get("User-Agent", "")[:200] or "unknown", client_address(), "web")


def _begin(signed_in: service.SignedIn, wanted: str | None) -> Response:
    """Give the browser its new session and end the one it had; a guest's cart joins the member's."""
    before = g.caller
    if before.signed_in:
        with suppress(NotFound):
            run_unit(lambda: sessions.revoke(before.user_id, before.session_id, "signed in anew"))
    token = guest_cart.token()
    if token:
        run_unit(lambda: merge_on_login(signed_in.user_id, token))
        guest_cart.forget()
    session.clear()  # a new sign-in begins with a new CSRF token
    keep_session(signed_in)
    return go(local_path(wanted))


@pages.get("/sign-in/code")
@shopper
def sign_in_code_form() -> Response:
    """The second step, for a browser that has taken the first."""
    if "challenge" not in session:
        return go("/sign-in")
    return _code_page()


@pages.post("/sign-in/code")
@shopper
@limited("auth")
@commits_itself
def sign_in_code() -> Response:
    """Take the code and start the session."""
    form = CodeForm(request.form)
    if not form.validate() and not request.form.get("credential"):
        return _code_page(422, errors=form.errors)
    challenge, given = session.get("challenge", ""), request.form.get("credential")
    try:
        passkey = credential_of(given) if given else None
        signed_in = service.answer_challenge(challenge, _origin(), code=form.code.data, passkey=passkey)
    except ChallengeInvalid as error:
        session.pop("challenge", None)
        return _seen("shop/sign_in.html", error.status, problem=problem(error), next_url=session.get("next"))
    except ShopError as error:
        return _code_page(error.status, problem=problem(error))
    return _begin(signed_in, session.get("next"))


def _code_page(status: int = 200, **more: Any) -> Response:
    options = passkey_for(session["challenge"]) if "challenge" in session else None
    return _seen("shop/sign_in_code.html", status, passkey=options, **more)


@pages.post("/sign-in/passkey/options")
@shopper
@limited("auth")
@commits
def sign_in_passkey_options() -> Response:
    """What a device needs to sign somebody in, for the page's script."""
    return as_json(passkeys.ask_to_sign_in)


@pages.post("/sign-in/passkey")
@shopper
@limited("auth")
@commits_itself
def sign_in_passkey() -> Response:
    """Take a device's signature and start the session."""
    try:
        credential = credential_of(request.form.get("credential"))
        signed_in = service.sign_in_by_passkey(request.form.get("challenge", ""), credential, _origin())
    except ShopError as error:
        wanted = request.form.get("next")
        return _seen("shop/sign_in.html", error.status, problem=problem(error), next_url=wanted)
    return _begin(signed_in, request.form.get("next"))


@pages.post("/sign-out")
@shopper
@commits
def sign_out() -> Response:
    """End the session here and now."""
    caller = g.caller
    if caller.signed_in:
        with suppress(NotFound):  # it has ended already
            service.sign_out(caller.user_id, caller.session_id)
    session.clear()
    forget_session()
    return go("/")


@pages.get("/sign-up")
@shopper
def sign_up_form() -> Response:
    """The form of a new account."""
    return _seen("shop/sign_up.html", password_rules=PASSWORD_RULES)


@pages.post("/sign-up")
@shopper
@limited("auth")
@commits_itself
def sign_up() -> Response:
    """Open an account. What follows looks the same whether or not the address is taken; the mail does not."""
    form = SignUpForm(request.form)
    context: dict[str, Any] = {"password_rules": PASSWORD_RULES, "form": request.form}
    if not form.validate():
        return _seen("shop/sign_up.html", 422, errors=form.errors, **context)
    try:
        service.register(service.Registration(**form.data))
    except ShopError as error:
        return _seen("shop/sign_up.html", error.status, errors=field_errors(error), problem=problem(error), **context)
    session["mailed_to"] = form.email.data
    return go("/verify-email")


@pages.get("/verify-email")
@shopper
def verify_email_form() -> Response:
    """Where the mailed link leads; looking at it changes nothing."""
    token = request.args.get("token")
    email = session.get("mailed_to") or (me(g.caller.user_id)["email"] if g.caller.signed_in else None)
    return _seen("shop/verify_email.html", stage="ask" if token else "sent", token=token, email=email)


@pages.post("/verify-email")
@shopper
@limited("auth")
@commits_itself
def verify_email() -> Response:
    """Take the token as proof of the address."""
    try:
        run_unit(lambda: service.verify_email(request.form.get("token", "")))
    except ShopError as error:
        return _seen("shop/verify_email.html", error.status, stage="failed", problem=problem(error))
    session.pop("mailed_to", None)
    return _seen("shop/verify_email.html", stage="done")


@pages.post("/verify-email/resend")
@shopper
@limited("auth")
@commits_itself
def resend_verification() -> Response:
    """Mail the link again; the answer does not tell whether the address is known."""
    form = EmailForm(request.form)
    if not form.validate():
        return _seen("shop/verify_email.html", 422, stage="sent", email=form.email.data, errors=form.errors)
    run_unit(lambda: service.resend_verification(form.email.data))
    session["mailed_to"] = form.email.data
    return go("/verify-email")


@pages.get("/forgot-password")
@shopper
def forgot_password_form() -> Response:
    """Ask for a link that sets a new password."""
    return _seen("shop/forgot_password.html", stage="ask")


@pages.post("/forgot-password")
@shopper
@limited("auth")
@commits_itself
def forgot_password() -> Response:
    """Mail the link; the answer does not tell whether the address is known."""
    form = EmailForm(request.form)
    if not form.validate():
        return _seen("shop/forgot_password.html", 422, stage="ask", errors=form.errors, form=request.form)
    run_unit(lambda: service.forgot_password(form.email.data))
    return _seen("shop/forgot_password.html", stage="sent", form=request.form)


@pages.get("/reset-password")
@shopper
def reset_password_form() -> Response:
    """Where the mailed link leads."""
    return _reset_page(request.args.get("token", ""))


@pages.post("/reset-password")
@shopper
@limited("auth")
@commits_itself
def reset_password() -> Response:
    """Set the new password; every session of the account ends."""
    form, token = NewPasswordForm(request.form), request.form.get("token", "")
    if not form.validate():
        return _reset_page(token, 422, errors=form.errors)
    try:
        service.reset_password(token, form.password.data)
    except ShopError as error:
        return _reset_page(token, error.status, errors=field_errors(error), problem=problem(error))
    forget_session()
    return _seen("shop/sign_in.html", notice="Your new password is set. Sign in with it.")


def _reset_page(token: str, status: int = 200, **more: Any) -> Response:
    return _seen("shop/reset_password.html", status, token=token, password_rules=PASSWORD_RULES, **more)
