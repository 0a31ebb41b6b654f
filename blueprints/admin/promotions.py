"""Promotions with their codes, gift cards, and members' segments and store credit on the staff's pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request

from blueprints.admin.customers import done_to
from blueprints.admin.forms import Typed
from blueprints.admin.notes import attempt, go, problem
from blueprints.admin.promotion_forms import MOST_USES, as_typed, form_of, minor_of, setting_of, wrong
from blueprints.admin.views import staff
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.catalog.management import list_categories
from quickshop.extensions import settings
from quickshop.kernel.errors import ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.promotions import crediting, managing
from quickshop.promotions.managing import Setting
from quickshop.promotions.rules import Kind

KINDS = {
    "percent": "Percent off",
    "fixed": "Amount off",
    "tiered": "More off for more",
    "buy_x_get_y": "Buy some, get some for less",
    "free_shipping": "Free shipping",
}
FRESH = {"active": True, "priority": "0"}


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
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


@staff.get("/coupons/new")
@staff_page(Permission.PROMOTIONS_WRITE)
def new_promotion() -> Response:
    """The form for a promotion."""
    return _form(None, FRESH)


@staff.get("/coupons/<promotion_id>")
@staff_page(Permission.PROMOTIONS_WRITE)
def promotion(promotion_id: str) -> Response:
    """One promotion with all that can be changed of it, and its codes."""
    return _shown(parse_id(promotion_id, "promotion"))


def _shown(promotion_id: UUID, error: ShopError | None = None, *, typed: bool = False) -> Response:
    """A promotion's page; with what was `typed` into its form and refused."""
    found = managing.get_promotion(promotion_id)
    form = form_of(found)
    if typed:
        form = as_typed(request.form) | {"kind": found["kind"], "version": found["version"]}
    return _form(found, form, error)


def _form(found: dict[str, Any] | None, form: dict[str, Any], error: ShopError | None = None) -> Response:
    page = render_template(
        "staff/promotion.html",
        section="coupons",
        promotion=found,
        kinds=KINDS,
        categories=list_categories(),
        currencies=settings().currencies,
        form=form,
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


@staff.post("/coupons")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def make_promotion() -> Response:
    """Make a promotion, with its first code where one is typed."""

    def make() -> None:
        kind = request.form.get("kind", "")
        if kind not in list(Kind):
            raise wrong("kind", "Choose what kind of promotion it is.")
        made = managing.make(Setting(kind=kind, **setting_of(request.form)))
        if request.form.get("code", "").strip():
            managing.add_code(made, request.form["code"][:60])
        audited(target=f"promotion:{made}")

    return attempt(make, lambda error: _form(None, as_typed(request.form), error), "/admin/coupons")


@staff.post("/coupons/<promotion_id>")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def change_promotion(promotion_id: str) -> Response:
    """Set all of a promotion but its kind."""
    known = parse_id(promotion_id, "promotion")
    return attempt(
        lambda: managing.change(known, setting_of(request.form), Typed(request.form).versions()),
        lambda error: _shown(known, error, typed=True),
        f"/admin/coupons/{known}",
    )


@staff.post("/coupons/<promotion_id>/active")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def stop_or_start(promotion_id: str) -> Response:
    """Stop a promotion, or let it apply again."""
    active = request.form.get("active") == "1"
    audited(after={"active": active})
    known = parse_id(promotion_id, "promotion")
    return attempt(lambda: managing.change(known, {"active": active}), _page, "/admin/coupons")


@staff.post("/coupons/<promotion_id>/codes")
@staff_page(Permission.PROMOTIONS_WRITE)
@commits_itself
def change_codes(promotion_id: str) -> Response:
    """Add a code to a promotion, or stop one."""
    known, stopped = parse_id(promotion_id, "promotion"), request.form.get("stop", "")

    def change() -> None:
        if stopped:
            managing.stop_code(known, stopped[:60])
            return
        limit = Typed(request.form).whole("code_limit", "The limit", 1, MOST_USES)
        audited(code=managing.add_code(known, request.form.get("code", "")[:60], limit))

    return attempt(change, lambda error: _shown(known, error), f"/admin/coupons/{known}")


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
        currency, minor = minor_of(request.form.get("value", ""), "value")
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
        currency, minor = minor_of(typed.lstrip("-−+ "), "value")
        note = Typed(request.form).text("note", "The note", 200, needed=False) or None
        crediting.correct(parse_id(customer_id, "customer"), Money(sign * minor, currency), note)
        audited(after={"amount": sign * minor, "currency": currency})

    return done_to(customer_id, correct)
