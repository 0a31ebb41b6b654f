"""Security headers stand on every answer, errors and files included; personal answers are never stored."""

import re

import pytest

from blueprints.http.access import public
from quickshop.config import load_settings
from quickshop.kernel.errors import Unavailable
from tests.factories.accounts import a_staff_account, an_account

EVERYWHERE = ["/", "/nothing", "/api/v1/products", "/api/v1/nothing", "/api/v1/me", "/healthz", "/api/docs", "/metrics"]


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_is_armoured(client, path):
    headers = client.get(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["base-uri"] == policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"].split()[0] == policy["connect-src"].split()[0] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "*" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert headers["Cache-Control"]
    assert headers["X-Request-ID"]
    assert "Strict-Transport-Security" not in headers  # plain HTTP in development


@pytest.mark.parametrize("method", ["put", "delete"])
def test_refusals_are_armoured_too(client, method):
    answer = getattr(client, method)("/api/v1/auth/login", data="{", content_type="text/plain")
    assert answer.status_code >= 400
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_personal_answers_and_errors_are_not_stored(client):
    account = an_account(client)
    for path in ("/me", "/me/events", "/auth/sessions", "/cart", "/orders", "/nothing"):
        assert account.get(path).headers["Cache-Control"] == "no-store"


ORIGINS = ["https://evil.example", "null", "http://localhost", "https://127.0.0.1.evil.example", "file://"]


def every_call(application):
    """Each route and method with an address that names nothing."""
    for rule in application.url_map.iter_rules():
        address = re.sub(r"<[^>]*>", "0198c0de-0000-7000-8000-000000000000", rule.rule)
        for method in sorted(rule.methods - {"OPTIONS"}):
            yield method, address


def test_every_route_and_method_is_armoured_whatever_it_answers(client):
    """As a stranger, so most are refusals: 401, 403, 404, 405, 415, 422 and redirects to sign in."""
    seen = set()
    for method, address in every_call(client.application):
        answer = client.open(address, method=method, headers={"Origin": "https://evil.example"})
        seen.add(answer.status_code)
        headers = answer.headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], (method, address)
        assert headers["X-Content-Type-Options"] == "nosniff", (method, address)
        assert headers["Referrer-Policy"], (method, address)
        assert headers["Cache-Control"], (method, address)
        assert len(headers.getlist("Content-Security-Policy")) == 1, (method, address)
        assert not [name for name, _ in headers if name.lower().startswith("access-control-")], (method, address)
        public = answer.status_code in (200, 304) and "public" in headers["Cache-Control"]
        assert public or "no-store" in headers["Cache-Control"] or "private" in headers["Cache-Control"], address
    assert {200, 401, 404, 422} <= seen


def test_a_crash_and_an_overload_are_armoured_too(client, monkeypatch):
    def crash(*_args, **_kwargs):
        raise RuntimeError("staged")

    def overload(*_args, **_kwargs):
        raise Unavailable

    for failure, status in ((crash, 500), (overload, 503)):
        monkeypatch.setitem(client.application.view_functions, "ops.healthz", public(failure))
        for address in ("/healthz",):
            answer = client.get(address)
            assert answer.status_code == status
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_no_origin_is_ever_reflected(client, origin, method):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    for path in [*EVERYWHERE, "/api/v1/auth/login", "/sign-in"]:
        answer = client.open(path, method=method, headers=asked)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
        assert origin == "null" or origin not in answer.text


def test_over_https_browsers_are_told_to_stay_there(clean, servers, tmp_path):
    from blueprints import register
    from quickshop.factory import create_app

    settings = load_settings(
        servers.environment(tmp_path) | {"SECURE_COOKIES": "1", "PUBLIC_URL": "https://shop.example"}
    )
    headers = create_app([register], settings=settings).test_client().get("/healthz").headers
    age = int(re.search(r"max-age=(\d+)", headers["Strict-Transport-Security"])[1])
    assert age >= 365 * 24 * 3600
    assert "includeSubDomains" in headers["Strict-Transport-Security"]
    assert "wss://shop.example" in headers["Content-Security-Policy"]


def test_a_proxy_is_believed_only_where_one_is_configured(clean, servers, tmp_path):
    from flask import request

    from blueprints import register
    from blueprints.http.access import public
    from quickshop.factory import create_app

    def address(**more):
        app = create_app([register], settings=load_settings(servers.environment(tmp_path) | more))
        app.add_url_rule("/api/where", view_func=public(lambda: request.remote_addr or ""))
        told = {"X-Forwarded-For": "203.0.113.9, 198.51.100.2"}
        return app.test_client().get("/api/where", headers=told).get_data(as_text=True)

    assert address() == "127.0.0.1"
    assert address(TRUSTED_PROXIES="1") == "198.51.100.2"


def test_nothing_that_needs_an_account_may_be_stored(client):
    admin = a_staff_account(client)
    client.set_cookie("access", admin.access_token)
    looked = 0
    for rule in client.application.url_map.iter_rules():
        access = getattr(client.application.view_functions[rule.endpoint], "access", "")
        if "GET" in rule.methods and access.startswith(("member", "staff")):
            address = re.sub(r"<[^>]*>", "0198c0de-0000-7000-8000-000000000000", rule.rule)
            answer = client.get(address, headers=admin.headers)
            assert answer.headers["Cache-Control"] == "no-store", address
            looked += 1
    assert looked > 10
