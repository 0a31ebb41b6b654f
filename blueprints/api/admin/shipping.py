"""Staff: shipping methods."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.schemas.admin import ShippingMethodBody
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import no_content
from quickshop.accounts.permissions import Permission
from quickshop.shipping import service
from quickshop.shipping.rules import Method

blp = ApiBlueprint("admin_shipping", __name__, url_prefix="/api/v1/admin", description="Staff: shipping")


@blp.put("/shipping-methods/<code>")
@staff(Permission.CATALOG_WRITE)
@blp.arguments(ShippingMethodBody)
@blp.answers(204)
@commits
def set_method(body: dict[str, Any], code: str) -> Response:
    """Make a shipping method, or change the one with this code."""
    position = body.pop("position")
    service.set_method(Method(code=code[:60], **body), position)
    return no_content()
