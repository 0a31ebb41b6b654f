"""Customers on the staff's pages: searching, one of them with their orders, their standing and their roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, make_response, render_template, request

from blueprints.admin.notes import go, problem
from blueprints.admin.views import staff
from blueprints.http.audits import audited, refusing
from blueprints.http.commits import commits_itself
from blueprints.http.page_access import staff_page
from quickshop.accounts import customers, roles, standing
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.money import money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.queries import list_orders
from quickshop.promotions.crediting import credit_of
from quickshop.security import audit
from quickshop.shop.queries import vip_spend

LATEST_ORDERS = 10
LONGEST_QUERY = 200
STANDINGS = {
    "vip": ("vip", True),
    "no-vip": ("vip", False),
    "tax-exempt": ("tax_exempt", True),
    "taxed": ("tax_exempt", False),
    "disable": ("disabled", True),
    "enable": ("disabled", False),
}


@staff.get("/customers")
@staff_page(Permission.CUSTOMERS_READ)
def customer_list() -> str:
    """Everybody, or those whom all typed words name."""
    q = request.args.get("q", "").strip()[:LONGEST_QUERY]
    audit.viewed("customers.listed")
    found = customers.list_customers(q=q, cursor=request.args.get("cursor"))
    return render_template("staff/customers.html", section="customers", customers=found, q=q)


@staff.get("/customers/<customer_id>")
@staff_page(Permission.CUSTOMERS_READ)
def customer(customer_id: str) -> Response:
    """One member."""
    return _page(customer_id)


def _page(customer_id: str, error: ShopError | None = None) -> Response:
    user_id = parse_id(customer_id, "customer")
    found = customers.get_customer(user_id)
    audit.viewed("customer.viewed", target=f"customer:{user_id}")
    may_read_orders = g.caller.may(Permission.ORDERS_READ)
    page = render_template(
        "staff/customer.html",
        section="customers",
        customer=found,
        vip_from={code: money(least, code) for code, least in vip_spend().items()},
        credit=credit_of(user_id),
        orders=list_orders(user_id=user_id, limit=LATEST_ORDERS)["items"] if may_read_orders else None,
        roles=roles.list_roles() if g.caller.may(Permission.ROLES_WRITE) else None,
        own=user_id == g.caller.user_id,
        problem=problem(error),
    )
    return make_response(page, error.status if error else 200)


def done_to(customer_id: str, work: Callable[[], None]) -> Response:
    """Do something to a member; back to their page, with a refusal on it."""
    try:
        with refusing():
            run_unit(work)
    except ShopError as error:
        if not g.caller.may(Permission.CUSTOMERS_READ):
            raise  # the page shows what is personal: to change something is no leave to read
        return _page(customer_id, error)
    return go(f"/admin/customers/{customer_id}")


@staff.post("/customers/<customer_id>/standing")
@staff_page(Permission.CUSTOMERS_WRITE)
@commits_itself
def change_standing(customer_id: str) -> Response:
    """Make somebody a VIP, free them from tax or close their account, and the other way round."""
    user_id = parse_id(customer_id, "customer")
    name, value = STANDINGS.get(request.form.get("change", ""), ("", False))
    wanted: dict[str, Any] = {name: value} if name else {}
    audited(after=wanted)
    return done_to(customer_id, lambda: standing.change(g.caller, user_id, **wanted))


@staff.post("/customers/<customer_id>/segment")
@staff_page(Permission.CUSTOMERS_WRITE)
@commits_itself
def change_segment(customer_id: str) -> Response:
    """Put somebody into a segment, or with nothing typed out of theirs."""
    user_id, segment = parse_id(customer_id, "customer"), request.form.get("segment", "").strip()[:60]
    return done_to(customer_id, lambda: standing.change(g.caller, user_id, segment=segment))


@staff.post("/customers/<customer_id>/roles")
@staff_page(Permission.ROLES_WRITE)
@commits_itself
def give_role(customer_id: str) -> Response:
    """Give somebody a role."""
    user_id, name = parse_id(customer_id, "customer"), request.form.get("role", "")
    return done_to(customer_id, lambda: roles.give(g.caller, user_id, name))


@staff.post("/customers/<customer_id>/roles/<name>/take")
@staff_page(Permission.ROLES_WRITE)
@commits_itself
def take_role(customer_id: str, name: str) -> Response:
    """Take a role from somebody."""
    user_id = parse_id(customer_id, "customer")
    return done_to(customer_id, lambda: roles.withdraw(g.caller, user_id, name))
