"""Ordering by API with an address of the book and a saved card: own ones only, one way of naming each."""

import uuid

import pytest

from quickshop.orders import processing
from tests.factories.accounts import an_account, is_problem, rows
from tests.factories.shop import ADDRESS, a_variant, everything

TOTAL = {"amount": 1500, "currency": "USD"}


@pytest.fixture(autouse=True)
def provider(gateway):
    """Every test here has the scripted gateway."""
    return gateway


@pytest.fixture
def mug(app):
    with app.app_context():
        return str(a_variant(price=1000, stock=20))


@pytest.fixture
def ada(client, mug):
    return shopper(client, mug)


def shopper(client, mug):
    """A member with a mug in the cart, an address in the book and a card."""
    member = an_account(client)
    fill(member, mug)
    member.extra["address"] = post(member, "/me/addresses", {**ADDRESS, "name": "Saved"}).json["id"]
    member.extra["card"] = post(member, "/me/payment-methods", {"token": "tok_approve:saved"}).json["id"]
    return member


def fill(member, mug):
    assert post(member, "/cart/items", {"variant_id": mug, "quantity": 1}).status_code < 300


def post(member, path, body, **headers):
    return member.client.post(f"/api/v1{path}", json=body, headers={**member.headers, **headers})


def order(member, **wish):
    """Place the cart's order; a value of None leaves a field out."""
    body = {
        "shipping_address_id": member.extra["address"],
        "shipping_method": "standard",
        "payment": {"method_id": member.extra["card"]},
        "expected_total": TOTAL,
        **wish,
    }
    body = {name: value for name, value in body.items() if value is not None}
    return post(member, "/orders", body, **{"Idempotency-Key": str(uuid.uuid4())})


def process(app, answer):
    with app.app_context():
        processing.process(uuid.UUID(answer.json["id"]))


def test_an_order_copies_the_address_and_is_paid_with_the_card(app, ada, client, provider):
    answer = order(ada, billing_address_id=ada.extra["address"])
    assert answer.status_code == 202, answer.text
    assert answer.json["shipping_address"] == {**ADDRESS, "name": "Saved"}
    kept = rows(client, "SELECT payment_method_id, billing_address FROM orders")[0]
    assert str(kept.payment_method_id) == ada.extra["card"] and kept.billing_address is not None
    process(app, answer)
    assert provider.captured() == TOTAL["amount"]


def test_changing_or_removing_the_address_leaves_the_order_as_it_was(ada):
    number = order(ada).json["number"]
    path = f"/api/v1/me/addresses/{ada.extra['address']}"
    assert ada.client.patch(path, json={"name": "Somebody else"}, headers=ada.headers).status_code == 200
    assert ada.client.delete(path, headers=ada.headers).status_code == 204
    assert ada.get(f"/orders/{number}").json["shipping_address"]["name"] == "Saved"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"shipping_address": ADDRESS}, "shipping_address_id"),
        ({"shipping_address_id": None}, "shipping_address"),
        ({"billing_address": ADDRESS, "billing_address_id": str(uuid.uuid4())}, "billing_address_id"),
        ({"payment": {}}, "payment.token"),
        ({"payment": {"token": "tok_approve", "method_id": str(uuid.uuid4())}}, "payment.token"),
        ({"payment": {"token": "4242424242424242"}}, "payment.token"),
        ({"payment": {"method_id": "mine"}}, "payment.method_id"),
        ({"shipping_address_id": None, "shipping_address": {**ADDRESS, "city": ""}}, "shipping_address.city"),
        ({"billing_address": {**ADDRESS, "postal_code": "1"}}, "billing_address.postal_code"),
    ],
)
def test_a_wish_that_names_things_twice_wrongly_or_not_at_all_is_refused(ada, client, wish, field):
    answer = order(ada, **wish)
    assert is_problem(answer, 422, "validation_failed")
    assert field in answer.json["errors"]
    assert rows(client, "SELECT 1 FROM orders") == []


@pytest.mark.parametrize("field", ["shipping_address_id", "billing_address_id", "payment"])
def test_anothers_address_or_card_does_not_exist_and_nothing_changes(app, ada, client, mug, field):
    eve = shopper(client, mug)
    foreign = {"method_id": eve.extra["card"]} if field == "payment" else eve.extra["address"]
    with app.app_context():
        before = everything()
    assert is_problem(order(ada, **{field: foreign}), 404, "not_found")
    with app.app_context():
        assert everything() == before


@pytest.mark.parametrize("field", ["shipping_address_id", "payment"])
def test_a_guest_has_neither_book_nor_cards(ada, client, mug, field):
    cart = client.post("/api/v1/cart/items", json={"variant_id": mug, "quantity": 1})
    wish = {
        "shipping_address": ADDRESS,
        "shipping_method": "standard",
        "payment": {"token": "tok_approve"},
        "expected_total": TOTAL,
        "email": "guest@quickshop.example",
    }
    if field == "payment":
        wish["payment"] = {"method_id": ada.extra["card"]}
    else:
        del wish["shipping_address"]
        wish["shipping_address_id"] = ada.extra["address"]
    headers = {"X-Cart-Token": cart.json["token"], "Idempotency-Key": str(uuid.uuid4())}
    assert is_problem(client.post("/api/v1/orders", json=wish, headers=headers), 404, "not_found")
    assert rows(client, "SELECT 1 FROM orders") == []


def test_a_quote_says_what_an_order_would_say_of_the_address(ada, client, mug):
    assert post(ada, "/checkout/quote", {"shipping_address_id": ada.extra["address"]}).status_code == 200
    assert post(ada, "/checkout/quote", {"shipping_address": ADDRESS}).status_code == 200
    assert post(ada, "/checkout/quote", {}).status_code == 200
    answer = post(ada, "/checkout/quote", {"shipping_address": {**ADDRESS, "postal_code": "1"}})
    assert is_problem(answer, 422, "validation_failed")
    assert list(answer.json["errors"]) == ["shipping_address.postal_code"]
    eve = shopper(client, mug)
    answer = post(ada, "/checkout/quote", {"shipping_address_id": eve.extra["address"]})
    assert is_problem(answer, 404, "not_found")


def remove_card(member):
    path = f"/api/v1/me/payment-methods/{member.extra['card']}"
    return member.client.delete(path, headers=member.headers)


def test_a_card_is_not_removed_while_an_unpaid_order_uses_it(app, ada, client):
    answer = order(ada)
    refused = remove_card(ada)
    assert is_problem(refused, 409, "payment_method_in_use")
    assert refused.json["order"] == answer.json["number"]
    process(app, answer)
    assert remove_card(ada).status_code == 204
    assert rows(client, "SELECT payment_method_id FROM orders")[0].payment_method_id is None


def test_a_failed_order_is_paid_again_with_a_saved_card(app, ada, client, mug, provider):
    eve = shopper(client, mug)
    answer = order(ada, payment={"token": "tok_decline"})
    process(app, answer)
    number = answer.json["number"]
    for card in (eve.extra["card"], str(uuid.uuid4())):
        assert is_problem(post(ada, f"/orders/{number}/pay", {"payment": {"method_id": card}}), 404, "not_found")
    assert is_problem(
        post(eve, f"/orders/{number}/pay", {"payment": {"method_id": eve.extra["card"]}}), 404, "not_found"
    )
    again = post(ada, f"/orders/{number}/pay", {"payment": {"method_id": ada.extra["card"]}})
    assert again.status_code == 202, again.text
    assert is_problem(remove_card(ada), 409, "payment_method_in_use")
    process(app, answer)
    assert provider.captured() == TOTAL["amount"]


def test_another_token_takes_the_place_of_the_saved_card(app, ada, client, provider):
    ada.extra["card"] = post(ada, "/me/payment-methods", {"token": "tok_decline"}).json["id"]
    answer = order(ada)
    process(app, answer)
    # Nobody is bound to a card that was declined.
    assert rows(client, "SELECT payment_status FROM orders")[0].payment_status == "failed"
    again = post(ada, f"/orders/{answer.json['number']}/pay", {"payment": {"token": "tok_approve"}})
    assert again.status_code == 202
    assert rows(client, "SELECT payment_method_id FROM orders")[0].payment_method_id is None
    assert remove_card(ada).status_code == 204
