"""Staff: tax classes, rates, and whether prices include tax. Checkout reads them anew for every quote."""

from __future__ import annotations

import re
from typing import Any

from flask import Response

from blueprints.api.schemas.shipping import (
    MadeTaxRate,
    TaxClassBody,
    TaxClassPage,
    TaxRateBody,
    TaxRatePage,
    TaxSettingsBody,
    TaxSettingsSchema,
)
from blueprints.http.access import staff
from blueprints.http.audits import audited
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from blueprints.http.pagination import page_body
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import Invalid
from quickshop.kernel.ids import parse_id
from quickshop.tax import queries, service
from quickshop.tax.rules import millionths_of

blp = ApiBlueprint("admin_taxes", __name__, url_prefix="/api/v1/admin", description="Staff: tax")

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}").fullmatch


@blp.get("/tax-classes")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, TaxClassPage)
def list_classes() -> Response:
    """All tax classes; `standard` is what every product has that names no other."""
    return json_response(page_body(queries.list_classes(), None))


@blp.put("/tax-classes/<code>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(TaxClassBody)
@blp.answers(204)
@commits
def set_class(body: dict[str, Any], code: str) -> Response:
    """Make a tax class, or change the one with this code."""
    if not _CODE(code):
        raise Invalid({"code": ["A code has 1 to 40 lower-case letters, digits and hyphens."]})
    service.set_class(code, **body)
    audited(target=f"tax-class:{code}", after=body)
    return no_content()


@blp.delete("/tax-classes/<code>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(204)
@commits
def remove_class(code: str) -> Response:
    """Take a tax class away that nothing has (else 409 `tax_class_in_use`)."""
    service.remove_class(code)
    audited(target=f"tax-class:{code}")
    return no_content()


@blp.get("/tax-rates")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, TaxRatePage)
def list_rates() -> Response:
    """All rates by country, region and class."""
    return json_response(page_body(queries.list_rates(), None))


@blp.post("/tax-rates")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(TaxRateBody)
@blp.answers(201, MadeTaxRate)
@commits
def make_rate(body: dict[str, Any]) -> Response:
    """Make a rate; a second one of the same name for place and class is 409 `tax_rate_exists`."""
    fields = dict(body)
    made = service.set_rate(None, millionths=millionths_of(fields.pop("rate")), **fields)
    audited(target=f"tax-rate:{made}", after=body)
    return json_response({"id": str(made)}, 201)


@blp.put("/tax-rates/<rate_id>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(TaxRateBody)
@blp.answers(204)
@commits
def change_rate(body: dict[str, Any], rate_id: str) -> Response:
    """Change a rate; orders keep what they were charged."""
    fields = dict(body)
    service.set_rate(parse_id(rate_id, "tax rate"), millionths=millionths_of(fields.pop("rate")), **fields)
    audited(target=f"tax-rate:{rate_id}", after=body)
    return no_content()


@blp.delete("/tax-rates/<rate_id>")
@staff(Permission.CATALOG_WRITE)
@blp.answers(204)
@commits
def remove_rate(rate_id: str) -> Response:
    """Take a rate away; orders keep what they were charged."""
    service.remove_rate(parse_id(rate_id, "tax rate"))
    audited(target=f"tax-rate:{rate_id}")
    return no_content()


@blp.get("/tax-settings")
@staff(Permission.CATALOG_WRITE)
@blp.answers(200, TaxSettingsSchema)
def get_settings() -> Response:
    """Whether prices include tax, and the class of shipping."""
    return json_response(queries.tax_settings())


@blp.put("/tax-settings")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(TaxSettingsBody)
@blp.answers(200, TaxSettingsSchema)
@commits
def set_settings(body: dict[str, Any]) -> Response:
    """Say whether prices include tax, and of which class shipping is."""
    before = queries.tax_settings()
    service.set_tax_settings(**body)
    audited(target="tax:settings", before=before, after=body)
    return json_response(queries.tax_settings())
