"""What guards an account, for its owner: two-factor sign-in, passkeys, and the devices that are signed in."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response, g, jsonify, make_response, render_template, request

from blueprints.http.commits import commits, commits_itself
from blueprints.http.limits import limited
from blueprints.http.page_access import member_page, member_page_now
from blueprints.http.pages import go
from blueprints.storefront.devices import device_name, is_phone
from blueprints.storefront.forms import CodeForm, PasskeyForm, ProofForm
from blueprints.storefront.pages import pages, problem
from quickshop.accounts import enrolling, passkeys, service, sessions
from quickshop.accounts.errors import PasskeyInvalid, SetUpFirst
from quickshop.extensions import settings
from quickshop.kernel.errors import Invalid, NotFound, ShopError
from quickshop.security import totp

PAGE = "/account/security"


def _page(status: int = 200, **more: Any) -> Response:
    """The whole page. `part` names the part that a refusal belongs to."""
    caller = g.caller
    devices = [
        {**found, "name": device_name(found["device"]), "phone": is_phone(found["device"])}
        for found in sessions.list_sessions(caller.user_id, caller.session_id)
    ]
    shown = {
        "section": "security",
        "two_factor": enrolling.status(caller.user_id),
        "staff": caller.staff,
        "passkeys": passkeys.list_passkeys(caller.user_id),
        "passkeys_here": passkeys.available(),
        "passkeys_fit": _fits(request.host.partition(":")[0]),
        "rp_id": settings().passkey_rp_id,
        "passkey_origin": next(reversed(settings().passkey_origins), None),
        "devices": devices,
        "errors": {},
        "problem": None,
        "part": None,
        **more,
    }
    return make_response(render_template("shop/security.html", **shown), status)


def _fits(host: str) -> bool:
    rp_id = settings().passkey_rp_id
    return host == rp_id or host.endswith(f".{rp_id}")


def _refused(error: ShopError, part: str) -> Response:
    return _page(error.status, problem=problem(error), part=part)


def _with_proof(part: str, work: Callable[[str, str | None], Response]) -> Response:
    """Do `work` with the password and the code that a form brings; the page again with what is wrong at `part`."""
    form = ProofForm(request.form)
    if not form.validate():
        return _page(422, errors=form.errors, part=part)
    try:
        return work(form.password.data, form.code.data)
    except NotFound:
        raise
    except ShopError as error:
        return _refused(error, part)


@pages.get(PAGE)
@member_page
def security() -> Response:
    """How the account is guarded."""
    return _page()


# --- two-factor ----------------------------------------------------------------------------------------


def _two_factor(stage: str, status: int = 200, **more: Any) -> Response:
    """A step of turning it on; what it shows is shown once, so there is no address to come back to."""
    shown = {"section": "security", "stage": stage, "errors": {}, "problem": None, **more}
    return make_response(render_template("shop/two_factor.html", **shown), status)


def _scan(made: enrolling.SetUp, status: int = 200, **more: Any) -> Response:
    grouped = " ".join(made.secret[i : i + 4] for i in range(0, len(made.secret), 4))
    return _two_factor("scan", status, secret=grouped, uri=made.uri, qr=totp.qr_data_uri(made.uri), **more)


@pages.post(f"{PAGE}/two-factor")
@member_page_now
@limited("auth")
@commits_itself
def set_up_two_factor() -> Response:
    """For the password: the secret to scan."""
    caller = g.caller
    return _with_proof(
        "two_factor", lambda password, _code: _scan(enrolling.set_up(caller.user_id, caller.session_id, password))
    )


@pages.post(f"{PAGE}/two-factor/enable")
@member_page_now
@limited("auth")
@commits_itself
def enable_two_factor() -> Response:
    """For a first code: it is on, and here are the recovery codes."""
    form = CodeForm(request.form)
    waiting = enrolling.pending(g.caller.user_id)
    if waiting is None:
        return _refused(SetUpFirst("That took too long. Please begin again."), "two_factor")
    if not form.validate():
        return _scan(waiting, 422, errors=form.errors)
    try:
        codes = enrolling.enable(g.caller.user_id, g.caller.session_id, form.code.data)
    except ShopError as error:
        return _scan(waiting, error.status, problem=problem(error))
    return _two_factor("codes", codes=codes, fresh=True)


@pages.post(f"{PAGE}/two-factor/disable")
@member_page_now
@limited("auth")
@commits_itself
def disable_two_factor() -> Response:
    """For password and code: it is off."""

    def disable(password: str, code: str | None) -> Response:
        enrolling.disable(g.caller.user_id, g.caller.session_id, password, code)
        return go(PAGE)

    return _with_proof("disable", disable)


@pages.post(f"{PAGE}/recovery-codes")
@member_page_now
@limited("auth")
@commits_itself
def renew_recovery_codes() -> Response:
    """For password and code: ten new recovery codes."""

    def renew(password: str, code: str | None) -> Response:
        codes = enrolling.new_recovery_codes(g.caller.user_id, g.caller.session_id, password, code)
        return _two_factor("codes", codes=codes, fresh=False)

    return _with_proof("codes", renew)


# --- passkeys ------------------------------------------------------------------------------------------


def as_json(ask: Callable[[], passkeys.Question]) -> Response:
    """What a script needs for `navigator.credentials`, or the refusal as JSON."""
    try:
        return jsonify(asdict(ask()))
    except ShopError as error:
        return make_response(jsonify(problem(error)), error.status)


def credential_of(text: str | None) -> dict[str, Any]:
    """The credential that a script put into a form. Raises PasskeyInvalid for anything else."""
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        raise PasskeyInvalid from None
    if not isinstance(found, dict):
        raise PasskeyInvalid
    return found


@pages.post(f"{PAGE}/passkeys/options")
@member_page_now
@limited("auth")
@commits_itself
def passkey_options() -> Response:
    """For the password (and a code): what a device needs to make a passkey."""
    form = PasskeyForm(request.form)

    def ask() -> passkeys.Question:
        if not form.validate():
            raise Invalid(form.errors, next(iter(form.errors.values()))[0])
        return passkeys.ask_to_register(g.caller.user_id, g.caller.session_id, form.password.data, form.code.data)

    return as_json(ask)


@pages.post(f"{PAGE}/passkeys")
@member_page_now
@limited("auth")
@commits_itself
def add_passkey() -> Response:
    """Keep the passkey that the device has made."""
    name = " ".join((request.form.get("name") or "").split())[:60] or "Passkey"
    try:
        credential = credential_of(request.form.get("credential"))
        passkeys.register(g.caller.user_id, g.caller.session_id, request.form.get("challenge", ""), credential, name)
    except ShopError as error:
        return _refused(error, "passkeys")
    return go(f"{PAGE}#passkeys")


@pages.post(f"{PAGE}/passkeys/<uuid:passkey_id>/remove")
@member_page_now
@limited("auth")
@commits_itself
def remove_passkey(passkey_id: UUID) -> Response:
    """For the password (and a code): forget a passkey."""

    def remove(password: str, code: str | None) -> Response:
        passkeys.remove(g.caller.user_id, g.caller.session_id, passkey_id, password, code)
        return go(f"{PAGE}#passkeys")

    return _with_proof(str(passkey_id), remove)


# --- devices -------------------------------------------------------------------------------------------


@pages.post(f"{PAGE}/devices/<uuid:session_id>/end")
@member_page_now
@commits
def end_device(session_id: UUID) -> Response:
    """Sign one device out."""
    with suppress(NotFound):  # it has ended already
        service.end_session(g.caller.user_id, session_id)
    return go(f"{PAGE}#devices")


@pages.post(f"{PAGE}/devices/end-others")
@member_page_now
@commits
def end_other_devices() -> Response:
    """Sign all devices out but this one."""
    service.end_other_sessions(g.caller.user_id, g.caller.session_id)
    return go(f"{PAGE}#devices")
