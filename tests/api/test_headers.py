"""Security headers stand on every answer, errors and files included; personal answers are never stored."""

import pytest

from quickshop.config import load_settings
from tests.factories.accounts import an_account

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


def test_no_origin_is_ever_reflected(client):
    for path in EVERYWHERE:
        answer = client.get(path, headers={"Origin": "https://evil.example"})
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


def test_over_https_browsers_are_told_to_stay_there(clean, servers, tmp_path):
    from blueprints import register
    from quickshop.factory import create_app

    settings = load_settings(
        servers.environment(tmp_path) | {"SECURE_COOKIES": "1", "PUBLIC_URL": "https://shop.example"}
    )
    headers = create_app([register], settings=settings).test_client().get("/healthz").headers
    assert "max-age=63072000" in headers["Strict-Transport-Security"]
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
