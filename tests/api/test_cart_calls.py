"""The cart by API: adding once for a key, warnings and undo, currencies, links, and what is refused."""

from dataclasses import replace
from uuid import uuid4

import pytest

from tests.factories.accounts import a_staff_account
from tests.factories.shop import a_cart, a_member, a_variant


@pytest.fixture(autouse=True)
def euros_too(app, monkeypatch):
    key = "quickshop.settings"
    monkeypatch.setitem(app.extensions, key, replace(app.extensions[key], other_currencies=("EUR",)))


@pytest.fixture
def mug(app):
    with app.app_context():
        return str(a_variant(price=1000, stock=5))


def add(client, variant, quantity=1, token=None, **headers):
    named = {"X-Cart-Token": token} if token else {}
    body = {"variant_id": variant, "quantity": quantity}
    return client.post("/api/v1/cart/items", json=body, headers=named | headers)


def test_the_same_addition_counts_once_for_its_key(client, mug):
    key = {"Idempotency-Key": "add-once"}
    first = add(client, mug, 2, **key, Prefer="return=minimal")
    again = add(client, mug, 2, **key, Prefer="return=minimal")
    assert (first.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.json == first.json
    token = first.json["token"]
    for expected in (4, 4, 6):
        headers = key if expected == 4 else {}
        answer = add(client, mug, 2, token, **headers)
        assert answer.json["items"][0]["quantity"] == expected
    assert add(client, mug, 3, token, **key).json["code"] == "idempotency_key_reused"


def test_a_quantity_beyond_the_stock_is_cut_and_a_removal_can_be_undone(client, mug):
    token = {"X-Cart-Token": add(client, mug).json["token"]}
    item = client.get("/api/v1/cart", headers=token).json["items"][0]["id"]
    cut = client.patch(f"/api/v1/cart/items/{item}", json={"quantity": 9999}, headers=token).json
    assert (cut["items"][0]["quantity"], cut["warnings"][0]["code"]) == (5, "quantity_reduced")
    gone = client.delete(f"/api/v1/cart/items/{item}", headers=token).json
    assert (gone["items"], gone["undo"]["item_id"]) == ([], item)
    back = client.post(f"/api/v1/cart/items/{item}/restore", headers=token).json
    assert back["items"][0]["quantity"] == 5


@pytest.mark.parametrize("quantity", [0, -1, 10_000, 2**40, 1.5, "2", True, None])
def test_an_impossible_quantity_is_refused(client, mug, quantity):
    assert add(client, mug, quantity).status_code == 422


def test_anothers_cart_and_an_invented_one_do_not_exist(app, client, mug):
    with app.app_context():
        members = a_cart({mug: 1}, a_member()).token
    for token in (members[:-1] + ("0" if members[-1] != "0" else "1"), "invented", f"{uuid4()}.00"):
        assert client.get("/api/v1/cart", headers={"X-Cart-Token": token}).status_code == 404
    # A member's token names their live topic; it opens the cart for nobody.
    shown = client.get("/api/v1/cart", headers={"X-Cart-Token": members}).json
    assert shown["items"] == []
    assert add(client, mug, 1, members).json["code"] == "cart_closed"


def test_staff_price_a_variant_in_another_currency_and_a_cart_is_sold_in_it(app, client, mug):
    admin = a_staff_account(client, "admin").headers
    path = f"/api/v1/admin/variants/{mug}/prices"

    def put(currency, amount, **more):
        body = {"price": {"amount": amount, "currency": currency}, **more}
        return client.put(f"{path}/{currency}", json=body, headers=admin)

    token = {"X-Cart-Token": add(client, mug).json["token"]}
    euros = client.patch("/api/v1/cart", json={"currency": "EUR"}, headers=token).json
    assert (euros["items"][0]["unit_price"], euros["warnings"][0]["code"]) == (None, "no_price")
    refused = add(client, mug, 1, token["X-Cart-Token"])
    assert (refused.status_code, refused.json["code"]) == (409, "no_price_in_currency")
    assert put("EUR", 900).json["items"][0]["price"] == {"amount": 900, "currency": "EUR"}
    assert client.get("/api/v1/cart", headers=token).json["subtotal"] == {"amount": 900, "currency": "EUR"}
    assert [put(c, 900).status_code for c in ("USD", "GBP", "eur")] == [422, 422, 422]
    former = {"compare_at_price": {"amount": 800, "currency": "EUR"}}
    assert put("EUR", 900, **former).status_code == 409
    assert client.patch("/api/v1/cart", json={"currency": "GBP"}, headers=token).status_code == 422
    assert client.delete(f"{path}/EUR", headers=admin).json["items"] == []
    assert client.delete(f"{path}/EUR", headers=admin).status_code == 404


def test_a_link_shares_a_cart_and_an_order_is_bought_again(client, mug):
    token = {"X-Cart-Token": add(client, mug, 2).json["token"]}
    shared = client.post("/api/v1/cart/share", headers=token)
    assert shared.status_code == 201
    filled = client.post(f"/api/v1/cart/from/{shared.json['token']}").json
    assert (filled["items"][0]["quantity"], filled["token"] != token["X-Cart-Token"]) == (2, True)
    assert client.post("/api/v1/cart/from/invented").status_code == 404
    assert client.post("/api/v1/cart/share").json["code"] == "cart_empty"
