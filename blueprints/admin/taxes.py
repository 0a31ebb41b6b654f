"""Tax on the staff's pages: classes, rates, and whether prices include it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request

from blueprints.admin.forms import Typed
from blueprints.admin.notes import attempt, problem
from blueprints.admin.shipping import LAST, typed_code
from blueprints.admin.views import staff
from blueprints.http.audits import audited
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import ShopError
from quickshop.kernel.ids import parse_id
from quickshop.tax import queries, service
from quickshop.tax.rules import millionths_of


@staff.get("/taxes")
@staff_page(Permission.CATALOG_WRITE)
def taxes() -> Response:
    """Everything about tax on one page."""
    return _page()


def _page(error: ShopError | None = None) -> Response:
    page = render_template(
        "staff/taxes.html",
        section="taxes",
        classes=queries.list_classes(),
        rates=queries.list_rates(),
        settings=queries.tax_settings(),
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


def _do(work: Callable[[], Any]) -> Response:
    return attempt(work, _page, "/admin/taxes")


@staff.post("/taxes/settings")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def set_tax_settings() -> Response:
    """Say whether prices include tax, and of which class shipping is."""
    typed = Typed(request.form)

    def change() -> None:
        before = queries.tax_settings()
        service.set_tax_settings(
            prices_include_tax=request.form.get("prices") != "without",
            shipping_class=typed.text("shipping_class", "The class of shipping", 40),
        )
        audited(target="tax:settings", before=before, after=queries.tax_settings())

    return _do(change)


@staff.post("/taxes/classes")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def set_tax_class() -> Response:
    """Make a tax class, or rename it."""
    typed = Typed(request.form)

    def change() -> None:
        code, name = typed_code(typed), typed.text("name", "The name", 120)
        service.set_class(code, name, typed.whole("position", "The place", 0, LAST) or 0)
        audited(target=f"tax-class:{code}", after={"name": name})

    return _do(change)


@staff.post("/taxes/classes/<code>/remove")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def remove_tax_class(code: str) -> Response:
    """Take a tax class away."""
    return _do(lambda: service.remove_class(code))


@staff.post("/taxes/rates")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def make_tax_rate() -> Response:
    """Make a rate."""
    return _do(lambda: _set(None))


@staff.post("/taxes/rates/<rate_id>")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def change_tax_rate(rate_id: str) -> Response:
    """Change a rate."""
    known = parse_id(rate_id, "tax rate")
    return _do(lambda: _set(known))


@staff.post("/taxes/rates/<rate_id>/remove")
@staff_page(Permission.CATALOG_WRITE)
@commits_itself
def remove_tax_rate(rate_id: str) -> Response:
    """Take a rate away."""
    known = parse_id(rate_id, "tax rate")
    return _do(lambda: service.remove_rate(known))


def _set(rate_id: UUID | None) -> None:
    typed = Typed(request.form)
    fields: dict[str, Any] = {
        "tax_class": typed.text("tax_class", "The class", 40),
        "country": typed.text("country", "The country", 2).upper(),
        "region": typed.text("region", "The region", 60, needed=False),
        "name": typed.text("name", "The name", 60),
        "replaces": "replaces" in request.form,
    }
    rate = typed.text("rate", "The rate", 9)
    made = service.set_rate(rate_id, millionths=millionths_of(rate), **fields)
    audited(target=f"tax-rate:{made}", after={**fields, "rate": rate})
