"""Staff: prices of variants in other currencies."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.admin.amounts import minor
from blueprints.api.schemas.foreign_prices import ForeignPriceBody, ForeignPrices
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response
from quickshop.accounts.permissions import Permission
from quickshop.catalog import foreign_prices
from quickshop.kernel.ids import parse_id

blp = ApiBlueprint("admin_foreign_prices", __name__, url_prefix="/api/v1/admin", description="Staff: other currencies")


def _prices(variant_id: Any) -> Response:
    return json_response({"items": foreign_prices.prices_of(variant_id)})


@blp.get("/variants/<variant_id>/prices")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ForeignPrices)
def list_prices(variant_id: str) -> Response:
    """What a variant costs in other currencies than its own."""
    return _prices(parse_id(variant_id, "variant"))


@blp.put("/variants/<variant_id>/prices/<currency>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(ForeignPriceBody)
@blp.answers(200, ForeignPrices)
@commits
def set_price(body: dict[str, Any], variant_id: str, currency: str) -> Response:
    """Sell a variant in another of the shop's currencies at this price; the sale price holds while its sale runs."""
    known = parse_id(variant_id, "variant")
    was, sale = (
        None if body[name] is None else minor(body[name], currency, name) for name in ("compare_at_price", "sale_price")
    )
    foreign_prices.set_price_in(known, currency, minor(body["price"], currency, "price"), was, sale)
    return _prices(known)


@blp.delete("/variants/<variant_id>/prices/<currency>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, ForeignPrices)
@commits
def drop_price(variant_id: str, currency: str) -> Response:
    """Sell a variant in this currency no longer."""
    known = parse_id(variant_id, "variant")
    foreign_prices.drop_price_in(known, currency)
    return _prices(known)
