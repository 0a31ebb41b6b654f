"""The pages on which staff decide on risky orders and set what makes one risky, and the terms of returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, g, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.views import staff
from blueprints.http import request_id
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from blueprints.http.pages import go
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Invalid, NotFound, ShopError
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import risks, verifying
from quickshop.security.fraud import COUNTED, Rule
from quickshop.shop import queries, service
from quickshop.shop.returning import MOST_DAYS
from quickshop.shop.rules import DEFINITIONS, DETAILS, MOST_COUNT, MOST_MINUTES, MOST_POINTS, RETURNS, RISK

ADDRESS = "/admin/risk"
SETTINGS = "/admin/settings"
DECISIONS: dict[str, Callable[..., Any]] = {"approve": verifying.approve, "reject": verifying.reject}
NUMBERS = {
    "confirm_from": ("Points from which the shopper is asked", 1, 10 * MOST_POINTS),
    "review_from": ("Points from which staff are asked", 1, 10 * MOST_POINTS),
    "new_account_hours": ("Hours for which an account is new", 0, 8760),
    "confirm_hours": ("Hours that a shopper has to answer", 1, 720),
    "review_hours": ("Hours that staff have to decide", 1, 720),
}

RULES = {
    Rule.ACCOUNT: "Many orders of one account",
    Rule.CARD: "Many orders with one card",
    Rule.ADDRESS: "Many orders to one address",
    Rule.DEVICE: "Many orders from one device",
    Rule.COUNTRIES: "Bill, parcel or card of different countries",
    Rule.NEW_AND_DEAR: "A new account or guest, and high value",
    Rule.DECLINES: "Many declined payments",
}
_AMOUNT = re.compile(r"[0-9]{1,13}").fullmatch


def _queue(error: ShopError | None = None) -> Response:
    shown = render_template(
        "staff/risk.html",
        section="risk",
        reviews=risks.list_reviews(cursor=request.args.get("cursor") or None),
        may_decide=g.caller.may(Permission.ORDERS_WRITE),
        problem=error.detail if error else None,
    )
    return make_response(shown, error.status if error else 200)


@staff.get("/risk")
@staff_page(Permission.ORDERS_READ)
def risk() -> Response:
    """The orders that wait for a decision, those with the least time left first."""
    return _queue()


@staff.post("/orders/<number>/risk/<decision>")
@staff_page(Permission.ORDERS_WRITE)
@commits_itself
def decide_risk(number: str, decision: str) -> Response:
    """Approve or reject an order that waits because of its risk."""
    if decision not in DECISIONS:
        raise NotFound("page")
    try:
        run_unit(lambda: DECISIONS[decision](number, g.caller.user_id, request_id.current()))
    except ShopError as error:
        if error.status == 404:
            raise
        return _queue(error)
    audited(target=f"order:{number}", action=f"order.{decision}")
    return go(ADDRESS)


def _settings(error: ShopError | None = None) -> Response:
    found = {each["name"]: each for each in queries.all_settings() if each["name"] != DETAILS}
    shown = render_template(
        "staff/settings.html",
        section="settings",
        risk=found.pop(RISK),
        returns=found.pop(RETURNS),
        amounts=[{**each, "typed": _lines(each["value"])} for each in found.values()],
        numbers=NUMBERS,
        words=RULES,
        problem=error.detail if error else None,
    )
    return make_response(shown, error.status if error else 200)


@staff.get("/settings")
@staff_page(Permission.SETTINGS_WRITE)
def settings_page() -> Response:
    """What is set for the whole shop."""
    return _settings()


@staff.post("/settings/<setting>")
@staff_page(Permission.SETTINGS_WRITE)
@commits_itself
def set_setting(setting: str) -> Response:
    """Set the rules of risk, the terms of returns, or amounts by currency."""
    if setting not in DEFINITIONS:
        raise NotFound("setting")
    try:
        run_unit(lambda: _set(setting))
    except ShopError as error:
        if error.status == 404:
            raise
        return _settings(error)
    return go(SETTINGS)


def _set(setting: str) -> None:
    typed = Typed(request.form)
    value = _READERS.get(setting, _amounts_of)(typed)
    version = typed.whole("version", "The version", 0, 10**12)
    before = queries.setting(setting)["value"]
    after = service.set_value(setting, value, version or 0, g.caller.user_id)
    audited(target=f"setting:{setting}", before=before, after=after)


def _number(typed: Typed, name: str, label: str, low: int, high: int) -> int:
    found = typed.whole(name, label, low, high)
    if found is None:
        raise Invalid({name: [f"{label}?"]}, f"{label}: how much?")
    return found


def _risk_of(typed: Typed) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    for rule in Rule:
        rules[str(rule)] = {
            "on": bool(request.form.get(f"{rule}.on")),
            "points": _number(typed, f"{rule}.points", "Points", 0, MOST_POINTS),
        }
        if rule in COUNTED:
            rules[str(rule)] |= {
                "limit": _number(typed, f"{rule}.limit", "The usual number", 1, MOST_COUNT),
                "minutes": _number(typed, f"{rule}.minutes", "Minutes", 1, MOST_MINUTES),
            }
    return {name: _number(typed, name, *bounds) for name, bounds in NUMBERS.items()} | {"rules": rules}


def _lines(value: Mapping[str, int]) -> str:
    return "\n".join(f"{currency} {amount}" for currency, amount in sorted(value.items()))


def _amounts_of(typed: Typed) -> dict[str, Any]:
    """One currency and its minor units on each line."""
    found: dict[str, Any] = {}
    for line in typed.text("amounts", "Amounts", 2000, needed=False).splitlines():
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or not _AMOUNT(words[1]):
            raise Invalid({"amounts": ["Not an amount."]}, "Write a currency and a whole number on each line.")
        found[words[0]] = int(words[1])
    return found


def _returns_of(typed: Typed) -> dict[str, Any]:
    days = {name: _number(typed, name, "The number of days", 0, MOST_DAYS) for name in ("days", "fault_days")}
    ticks = ("photo_for_faults", "shipping_for_faults", "approve_by_itself")
    return days | {name: bool(request.form.get(name)) for name in ticks}


_READERS: dict[str, Callable[[Typed], dict[str, Any]]] = {RISK: _risk_of, RETURNS: _returns_of}
