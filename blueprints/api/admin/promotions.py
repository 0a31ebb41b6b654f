"""Staff: promotions with their codes, gift cards, and members' store credit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from blueprints.api.schemas.common import PageQuery
from blueprints.api.schemas.promotions import (
    ChangeGiftCardBody,
    ChangePromotionBody,
    CorrectCreditBody,
    CreditSchema,
    GiftCardListArgs,
    GiftCardPage,
    GiftCardSchema,
    MadeGiftCard,
    NewCodeBody,
    NewGiftCardBody,
    NewPromotionBody,
    PromotionPage,
    PromotionSchema,
)
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.idempotency import idempotent
from blueprints.http.json import json_response, no_content
from quickshop.accounts.permissions import Permission
from quickshop.kernel.ids import parse_id
from quickshop.kernel.money import Money
from quickshop.promotions import crediting, managing
from quickshop.promotions.managing import Setting
from quickshop.security import audit

blp = ApiBlueprint("admin_promotions", __name__, url_prefix="/api/v1/admin", description="Staff: promotions and credit")


def _as_set(body: dict[str, Any]) -> dict[str, Any]:
    """The body's fields as the core takes them: minor units by currency, tuples for lists."""
    said = dict(body)
    for name in ("amounts", "minimums"):
        if name in said:
            said[name] = _by_currency(said[name])
    if "tiers" in said:
        said["tiers"] = tuple({"rate": t["rate"], "from": _by_currency(t["from_"])} for t in said["tiers"])
    return said


def _by_currency(moneys: list[dict[str, Any]]) -> dict[str, int]:
    return {m["currency"]: m["amount"] for m in moneys}


def _promotion(promotion_id: str) -> UUID:
    return parse_id(promotion_id, "promotion")


@blp.get("/coupons")
@staff(Permission.PROMOTIONS_WRITE)
@blp.arguments(PageQuery, location="query")
@blp.answers(200, PromotionPage)
def list_promotions(args: dict[str, Any]) -> Response:
    """Promotions, the newest first."""
    return json_response(managing.list_promotions(**args))


@blp.post("/coupons")
@staff(Permission.PROMOTIONS_WRITE)
@blp.arguments(NewPromotionBody)
@blp.answers(201, PromotionSchema)
@commits
def create_promotion(body: dict[str, Any]) -> Response:
    """Make a promotion: an automatic one, or one that is asked for by codes, which are added to it."""
    made = managing.make(Setting(**_as_set(body)))
    audited(target=f"promotion:{made}")
    return json_response(managing.get_promotion(made), 201, {"Location": f"/api/v1/admin/coupons/{made}"})


@blp.get("/coupons/<promotion_id>")
@staff(Permission.PROMOTIONS_WRITE)
@blp.answers(200, PromotionSchema)
def get_promotion(promotion_id: str) -> Response:
    """One promotion with its codes and uses."""
    return json_response(managing.get_promotion(_promotion(promotion_id)))


@blp.patch("/coupons/<promotion_id>")
@staff(Permission.PROMOTIONS_WRITE)
@blp.arguments(ChangePromotionBody)
@blp.answers(200, PromotionSchema)
@commits
def change_promotion(body: dict[str, Any], promotion_id: str) -> Response:
    """Change a promotion. It counts from the next quote on; orders keep what they were given."""
    known, said = _promotion(promotion_id), _as_set(body)
    version = said.pop("version", None)
    managing.change(known, said, None if version is None else frozenset({str(version)}))
    return json_response(managing.get_promotion(known))


@blp.post("/coupons/<promotion_id>/codes")
@staff(Permission.PROMOTIONS_WRITE)
@blp.arguments(NewCodeBody)
@blp.answers(201, PromotionSchema)
@commits
def add_code(body: dict[str, Any], promotion_id: str) -> Response:
    """Let a promotion be asked for by a code."""
    known = _promotion(promotion_id)
    audited(code=managing.add_code(known, body["code"], body["total_limit"]))
    return json_response(managing.get_promotion(known), 201)


@blp.delete("/coupons/<promotion_id>/codes/<code>")
@staff(Permission.PROMOTIONS_WRITE)
@blp.answers(204)
@commits
def stop_code(promotion_id: str, code: str) -> Response:
    """Stop a code; what was ordered with it stays."""
    managing.stop_code(_promotion(promotion_id), code)
    return no_content()


@blp.get("/gift-cards")
@staff(Permission.PROMOTIONS_WRITE)
@blp.arguments(GiftCardListArgs, location="query")
@blp.answers(200, GiftCardPage)
def list_gift_cards(args: dict[str, Any]) -> Response:
    """Gift cards, the newest first."""
    return json_response(crediting.list_cards(**args))


@blp.post("/gift-cards")
@staff(Permission.PROMOTIONS_WRITE)
@blp.arguments(NewGiftCardBody)
@blp.answers(201, MadeGiftCard)
@commits
def issue_gift_card(body: dict[str, Any]) -> Response:
    """Make a gift card. The answer is the only one that ever shows its code."""
    card_id, code = crediting.issue(Money(**body["value"]), body["expires_at"])
    audited(target=f"gift-card:{card_id}", after=body["value"])
    headers = {"Cache-Control": "no-store", "Location": f"/api/v1/admin/gift-cards/{card_id}"}
    return json_response({**crediting.get_card(card_id), "code": code}, 201, headers)


@blp.get("/gift-cards/<card_id>")
@staff(Permission.PROMOTIONS_WRITE)
@blp.answers(200, GiftCardSchema)
def get_gift_card(card_id: str) -> Response:
    """One gift card with its movements."""
    return json_response(crediting.get_card(parse_id(card_id, "gift card")))


@blp.patch("/gift-cards/<card_id>")
@staff(Permission.PROMOTIONS_WRITE)
@blp.arguments(ChangeGiftCardBody)
@blp.answers(200, GiftCardSchema)
@commits
def change_gift_card(body: dict[str, Any], card_id: str) -> Response:
    """Stop a gift card, or let it pay again."""
    known = parse_id(card_id, "gift card")
    crediting.set_active(known, body["active"])
    return json_response(crediting.get_card(known))


@blp.get("/customers/<customer_id>/credit")
@staff(Permission.CUSTOMERS_READ)
@blp.answers(200, CreditSchema)
def get_credit(customer_id: str) -> Response:
    """What the shop owes a member, with its movements."""
    known = parse_id(customer_id, "customer")
    audit.viewed("customer.viewed", target=f"customer:{known}")
    return json_response(crediting.credit_of(known))


@blp.post("/customers/<customer_id>/credit")
@staff(Permission.PROMOTIONS_WRITE)
@blp.arguments(CorrectCreditBody)
@blp.answers(201, CreditSchema)
@commits
@idempotent(required=False)
def correct_credit(body: dict[str, Any], customer_id: str) -> Response:
    """Give a member store credit, or take it off again."""
    known = parse_id(customer_id, "customer")
    crediting.correct(known, Money(body["amount"], body["currency"]), body["note"])
    audited(target=f"customer:{known}", after={"amount": body["amount"], "currency": body["currency"]})
    return json_response(crediting.credit_of(known), 201)
