"""Promotions with their codes, gift cards, and members' segments and store credit on the staff's pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Response, make_response, render_template, request

from blueprints.admin.customers import done_to
from blueprints.admin.forms import LARGEST_AMOUNT, Typed
from blueprints.admin.notes import attempt, go, problem
from blueprints.admin.views import staff
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.catalog.management import list_categories
from quickshop.extensions import settings
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.money import Money, exponent
from quickshop.kernel.unit_of_work import run_unit
from quickshop.promotions import crediting, managing
from quickshop.promotions.managing import Setting
from quickshop.promotions.rules import Kind

_AMOUNT = re.compile(r"([A-Z]{3}) ([0-9]{1,12}(?:\.[0-9]{1,3})?)").fullmatch
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?").fullmatch
KINDS = {
    "percent": "Percent off",
    "fixed": "Amount off",
    "tiered": "More off for more",
    "buy_x_get_y": "Buy some, get some for less",
    "free_shipping": "Free shipping",
}
MOST_CODES_LIMIT = 10**9


def _wrong(field: str, sentence: str) -> Invalid:
    return Invalid({field: [sentence]}, sentence)


def _minor(text: str, field: str) -> tuple[str, int]:
    """(currency, minor units) of "USD 19.99"."""
    found = _AMOUNT(" ".join(text.split()))
    minor = Decimal(found[2]).scaleb(exponent(found[1])) if found else Decimal("0.5")
    if found is None or minor != minor.to_integral_value() or not 0 < minor <= LARGEST_AMOUNT:
        raise _wrong(field, "Write amounts above zero as in “USD 19.99”.")
    return found[1], int(minor)


def _amounts(text: str, field: str) -> dict[str, int]:
    """Minor units by currency of "USD 5, EUR 4.50"."""
    return dict(_minor(part, field) for part in text.split(",") if part.strip())


def _rate(text: str, field: str) -> int:
    """Basis points of a percentage such as "12.5"."""
    value = text.strip().removesuffix("%").strip()
    if not _PERCENT(value) or Decimal(value) > 100:
        raise _wrong(field, "Write a percentage from 0 to 100, with two decimals at most.")
    return int(Decimal(value) * 100)


def _tiers(lines: list[str]) -> tuple[dict[str, Any], ...]:
    """Lines such as "10 %: USD 50, EUR 45"."""
    found = []
    for line in lines:
        rate, _, amounts = line.partition(":")
        found.append({"rate": _rate(rate, "tiers"), "from": _amounts(amounts, "tiers")})
    return tuple(found)


def _typed() -> dict[str, Any]:
    """What the form says of a promotion."""
    typed, form = Typed(request.form), request.form
    category = typed.id("category_id", "The category")
    return {
        "name": typed.text("name", "The name", 120),
        "label": typed.text("label", "What shoppers read", 120),
        "automatic": "automatic" in form,
        "exclusive": "exclusive" in form,
        "first_order": "first_order" in form,
        "priority": typed.whole("priority", "The priority", 0, 10_000) or 0,
        "rate": _rate(form.get("rate") or "0", "rate"),
        "amounts": _amounts(form.get("amounts", ""), "amounts"),
        "tiers": _tiers(typed.lines("tiers", "The steps", 20)),
        "buy": typed.whole("buy", "How many are bought", 0, 9999) or 0,
        "get": typed.whole("get", "How many cost less", 0, 9999) or 0,
        "minimums": _amounts(form.get("minimums", ""), "minimums"),
        "category_ids": (category,) if category else (),
        "segments": tuple(s.strip() for s in form.get("segments", "").split(",") if s.strip()),
        "starts_at": typed.moment("starts_at", "The begin"),
        "ends_at": typed.moment("ends_at", "The end"),
        "total_limit": typed.whole("total_limit", "The limit", 1, MOST_CODES_LIMIT),
        "person_limit": typed.whole("person_limit", "The limit for each person", 1, 1000),
    }


@staff.get("/coupons")
@staff_page(Permission.PROMOTIONS_WRITE)
def promotion_list() -> Response:
    """All promotions, the newest first."""
    return _page()


def _page(error: ShopError | None = None) -> Response:
    page = render_template(
        "staff/promotions.html",
        section="coupons",
        promotions=managing.list_promotions(cursor=request.args.get("cursor")),
        kinds=KINDS,
        categories=list_categories(),
        form=request.form if error else {},
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


def _do(work: Callable[[], Any], where: str = "/admin/coupons") -> Response:
    return attempt(work, _page, where)


@staff.post("/coupons")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def make_promotion() -> Response:
    """Make a promotion, with its first code where one is typed."""

    def make() -> None:
        kind = request.form.get("kind", "")
        if kind not in list(Kind):
            raise _wrong("kind", "Choose what kind of promotion it is.")
        made = managing.make(Setting(kind=kind, **_typed()))
        if request.form.get("code", "").strip():
            managing.add_code(made, request.form["code"][:60])
        audited(target=f"promotion:{made}")

    return _do(make)


@staff.post("/coupons/<promotion_id>/active")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def stop_or_start(promotion_id: str) -> Response:
    """Stop a promotion, or let it apply again."""
    active = request.form.get("active") == "1"
    audited(after={"active": active})
    return _do(lambda: managing.change(parse_id(promotion_id, "promotion"), {"active": active}))


@staff.post("/coupons/<promotion_id>/limits")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def change_limits(promotion_id: str) -> Response:
    """Change the end, the priority and the limits of a promotion."""

    def change() -> None:
        typed = Typed(request.form)
        wanted = {
            "priority": typed.whole("priority", "The priority", 0, 10_000) or 0,
            "ends_at": typed.moment("ends_at", "The end"),
            "total_limit": typed.whole("total_limit", "The limit", 1, MOST_CODES_LIMIT),
            "person_limit": typed.whole("person_limit", "The limit for each person", 1, 1000),
        }
        managing.change(parse_id(promotion_id, "promotion"), wanted, typed.versions())

    return _do(change)


@staff.post("/coupons/<promotion_id>/codes")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def change_codes(promotion_id: str) -> Response:
    """Add a code to a promotion, or stop one."""

    def change() -> None:
        known, stopped = parse_id(promotion_id, "promotion"), request.form.get("stop", "")
        if stopped:
            managing.stop_code(known, stopped[:60])
            return
        limit = Typed(request.form).whole("code_limit", "The limit", 1, MOST_CODES_LIMIT)
        audited(code=managing.add_code(known, request.form.get("code", "")[:60], limit))

    return _do(change)


@staff.get("/gift-cards")
@staff_page(Permission.PROMOTIONS_WRITE)
def gift_cards() -> Response:
    """All gift cards, the newest first, or those whose code ends so."""
    return _cards()


def _cards(error: ShopError | None = None, made: str | None = None) -> Response:
    last4 = request.args.get("last4", "").strip()[:4]
    page = render_template(
        "staff/gift_cards.html",
        section="gift-cards",
        cards=crediting.list_cards(cursor=request.args.get("cursor"), last4=last4 or None),
        last4=last4,
        currency=settings().base_currency,
        made=made,
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


@staff.post("/gift-cards")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def issue_gift_card() -> Response:
    """Make a gift card. This answer is the only one that shows its code, so it is no redirect."""

    def issue() -> str:
        currency, minor = _minor(request.form.get("value", ""), "value")
        card_id, code = crediting.issue(Money(minor, currency), Typed(request.form).moment("expires_at", "The end"))
        audited(target=f"gift-card:{card_id}", after={"amount": minor, "currency": currency})
        return code

    try:
        return _cards(made=run_unit(issue))
    except ShopError as error:
        return _cards(error)


@staff.post("/gift-cards/<card_id>/active")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def stop_or_start_card(card_id: str) -> Response:
    """Stop a gift card, or let it pay again."""
    active = request.form.get("active") == "1"
    audited(after={"active": active})
    try:
        run_unit(lambda: crediting.set_active(parse_id(card_id, "gift card"), active))
    except ShopError as error:
        return _cards(error)
    return go("/admin/gift-cards")


@staff.post("/customers/<customer_id>/credit")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def correct_credit(customer_id: str) -> Response:
    """Give a member store credit, or take it off again."""

    def correct() -> None:
        typed = request.form.get("value", "").strip()
        sign = -1 if typed.startswith(("-", "−")) else 1
        currency, minor = _minor(typed.lstrip("-−+ "), "value")
        note = Typed(request.form).text("note", "The note", 200, needed=False) or None
        crediting.correct(parse_id(customer_id, "customer"), Money(sign * minor, currency), note)
        audited(after={"amount": sign * minor, "currency": currency})

    return done_to(customer_id, correct)
