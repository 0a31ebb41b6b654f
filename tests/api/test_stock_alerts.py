"""Stock alerts by API: members and guests, and what a stranger cannot learn."""

import pytest

from tests.factories import reviews as r
from tests.factories.accounts import an_account, is_problem, rows


@pytest.fixture
def shelf(app):
    with app.app_context():
        return r.a_product(stock=0)


def ask(client, shelf, headers=None, **body):
    body = {"variant_id": str(shelf.variant_id)} | body
    return client.post(f"/api/v1/products/{shelf.product_id}/stock-alerts", json=body, headers=headers)


def test_a_member_waits_sees_it_and_waits_no_longer(client, shelf):
    member = an_account(client)
    for _ in range(2):
        answer = ask(client, shelf, member.headers)
        assert (answer.status_code, answer.json) == (202, {"state": "waiting"})
    (alert,) = member.get("/stock-alerts").json["items"]
    assert (alert["variant_id"], alert["product_slug"]) == (str(shelf.variant_id), shelf.slug)
    path = f"/api/v1/products/{shelf.product_id}/stock-alerts/{shelf.variant_id}"
    assert is_problem(client.delete(path, headers=an_account(client).headers), 404, "not_found")
    assert client.delete(path, headers=member.headers).status_code == 204
    assert is_problem(client.delete(path, headers=member.headers), 404, "not_found")
    assert member.get("/stock-alerts").json["items"] == []


def test_a_guest_hears_the_same_whatever_is_known_of_the_address(client, shelf):
    member = an_account(client)
    for email in ("new@quickshop.example", "new@quickshop.example", member.email):
        answer = ask(client, shelf, email=email)
        assert (answer.status_code, answer.json) == (202, {"state": "confirm"})
    assert rows(client, "SELECT count(*) AS n FROM stock_alerts WHERE state = 'unconfirmed'")[0].n == 2


def test_wrong_questions_are_refused(client, app, shelf):
    member = an_account(client)
    assert is_problem(ask(client, shelf), 422, "validation_failed")
    assert is_problem(ask(client, shelf, email="nobody"), 422, "validation_failed")
    assert is_problem(ask(client, shelf, member.headers, email=member.email), 422, "validation_failed")
    assert is_problem(ask(client, shelf, email="a@quickshop.example", x=1), 422, "validation_failed")
    with app.app_context():
        other, full = r.a_product(stock=0), r.a_product(stock=1)
    assert is_problem(ask(client, shelf, member.headers, variant_id=str(other.variant_id)), 404, "not_found")
    assert is_problem(ask(client, full, member.headers), 409, "in_stock")
    assert is_problem(client.get("/api/v1/stock-alerts"), 401, "unauthenticated")
    assert is_problem(client.post("/api/v1/stock-alerts/confirm", json={"token": "x"}), 400, "link_invalid")
    assert rows(client, "SELECT count(*) AS n FROM stock_alerts")[0].n == 0
