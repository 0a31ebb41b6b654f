"""Every route says who may call it, every changing one commits, and nothing but the unit of work does."""

import ast
from pathlib import Path

import pytest

from tests.factories.gateways import ROOT

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
# Changes nothing in our database: the price of a cart, computed.
READS = {"checkout.quote"}
SOURCES = [p for room in ("quickshop", "blueprints", "realtime", "tasks") for p in sorted((ROOT / room).rglob("*.py"))]


def views(app):
    for rule in app.url_map.iter_rules():
        yield rule, app.view_functions[rule.endpoint]


def test_every_route_declares_who_may_call_it(edge_app):
    silent = [rule.rule for rule, view in views(edge_app) if not getattr(view, "access", None)]
    assert silent == []


def test_every_changing_route_commits(edge_app):
    without = [
        f"{rule.endpoint} {rule.rule}"
        for rule, view in views(edge_app)
        if rule.methods & UNSAFE and not getattr(view, "commits", False) and rule.endpoint not in READS
    ]
    assert without == []


def test_no_reading_route_commits(edge_app):
    changing = [rule.rule for rule, view in views(edge_app) if not rule.methods & UNSAFE and hasattr(view, "commits")]
    assert changing == []


def test_staff_routes_ask_for_a_permission(edge_app):
    open_doors = [
        rule.rule
        for rule, view in views(edge_app)
        if rule.rule.startswith(("/api/v1/admin", "/admin")) and not view.access.startswith("staff:")
    ]
    assert open_doors == []


def test_the_access_of_each_api_route_is_what_was_agreed(edge_app):
    """The one list of routes that work without an account. A new one is a decision, so it stands here."""
    public = {
        f"{method} {rule.rule}"
        for rule, view in views(edge_app)
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and view.access == "public"
    }
    assert public == {
        "GET /api/docs",
        "GET /api/openapi.json",
        "GET /api/v1/categories",
        "GET /api/v1/products",
        "GET /api/v1/products/<slug_or_id>",
        "GET /api/v1/products/<slug_or_id>/related",
        "GET /api/v1/search/suggest",
        "GET /api/v1/unsubscribe",
        "GET /api/v1/wishlists/shared/<token>",
        "POST /api/v1/auth/login",
        "POST /api/v1/auth/login/2fa",
        "POST /api/v1/auth/passkeys/login",
        "POST /api/v1/auth/passkeys/login/options",
        "POST /api/v1/auth/password/forgot",
        "POST /api/v1/auth/password/reset",
        "POST /api/v1/auth/refresh",
        "POST /api/v1/auth/register",
        "POST /api/v1/auth/resend-verification",
        "POST /api/v1/auth/verify-email",
        "POST /api/v1/me/email/confirm",
        "POST /api/v1/payments/webhooks/<provider>",
        "POST /api/v1/stock-alerts/confirm",
        "POST /api/v1/unsubscribe",
    }


def commits(path):
    """Lines of a file that commit: a call of `commit` on anything but a room of the shop, or the SQL word itself."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and node.value == "COMMIT":
            yield node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            receiver = node.func.value
            if not (isinstance(receiver, ast.Name) and receiver.id == "inventory"):  # it takes stock
                yield node.lineno


def test_commit_stands_in_one_place():
    # Fresh connections are set up outside of every unit of work: their role, and a session variable of the relay.
    found = {str(p.relative_to(ROOT)) for p in SOURCES if list(commits(p))} - {"tasks/relay.py", "quickshop/factory.py"}
    assert found == {"quickshop/kernel/unit_of_work.py"}


@pytest.mark.parametrize("path", [p for p in SOURCES if "blueprints/api" in str(p)], ids=lambda p: p.name)
def test_the_api_reads_no_cookie_and_no_session(path: Path):
    tree = ast.parse(path.read_text("utf-8"))
    names = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert not {"cookies", "set_cookie"} & names
    assert not {"session", "page_access", "cookies"} & imported
