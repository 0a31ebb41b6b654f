"""Codes and store credit on the shopper's pages, without scripts."""

from uuid import uuid4

import pytest

from quickshop.accounts.callers import Caller
from quickshop.orders import processing
from tests.factories import shop
from tests.factories.pages import ADDRESS, a_person, hidden_fields, sign_in, stock_shop, submit
from tests.factories.promotions import a_gift_card, a_promotion, credit, with_codes

TYPED = {**ADDRESS, "email": "ada@quickshop.example", "shipping_method": "standard", "payment": "tok_approve"}


@pytest.fixture(autouse=True)
def bag(app, client):
    stock_shop(app, price=2000)
    with app.app_context():
        a_promotion(code="SPRING", rate=1000, total_limit=5)
    submit(client, "/cart/items", {"product": "morning-mug", "option.colour": "red", "quantity": "1"})


def test_a_code_is_put_on_the_bag_and_taken_off(client):
    answer = submit(client, "/cart/coupons", {"code": "spring"})
    assert (answer.status_code, answer.location) == (303, "/cart")
    page = client.get("/cart").text
    assert "SPRING" in page and "−$2.00" in page and "$18.00" in page
    assert submit(client, "/cart/coupons", {"remove_code": "SPRING"}).status_code == 303
    assert "SPRING" not in client.get("/cart").text


@pytest.mark.parametrize(("code", "status"), [("NEVER", 422), ("", 422), ("x" * 61, 422)])
def test_a_wrong_code_is_told_on_the_bag(client, code, status):
    answer = submit(client, "/cart/coupons", {"code": code})
    assert answer.status_code == status
    assert 'class="note bad"' in answer.text and "Morning Mug" in answer.text


def test_the_checkout_keeps_what_was_typed_and_pays_by_gift_card(client, app):
    with app.app_context():
        _, code = a_gift_card(500)
    page = submit(client, "/checkout/coupons", {**TYPED, "code": code})
    assert page.status_code == 200
    assert 'value="SW1Y 4JH"' in page.text and code[-4:] in page.text and code not in page.text
    assert "−$5.00" in page.text and "To pay" in page.text
    refused = submit(client, "/checkout/coupons", {**TYPED, "code": "NEVER"})
    assert refused.status_code == 422 and 'value="SW1Y 4JH"' in refused.text
    submit(client, "/checkout/coupons", {**TYPED, "code": "SPRING"})
    shown = hidden_fields(submit(client, "/checkout/quote", TYPED).text)
    placed = submit(client, "/checkout", {**TYPED, **shown})
    assert placed.status_code == 303, placed.text
    order = client.get(placed.location).text
    assert "−$2.00" in order and "Gift cards and store credit" in order


def test_where_nothing_is_due_no_card_is_asked_for(client, app):
    no_card = {name: value for name, value in TYPED.items() if name != "payment"}
    assert 'name="payment"' in client.get("/checkout").text
    refused = submit(client, "/checkout", {**no_card, **hidden_fields(client.get("/checkout").text)})
    assert refused.status_code == 422 and "Please choose how to pay." in refused.text
    with app.app_context():
        _, code = a_gift_card(10_000)
    page = submit(client, "/checkout/coupons", {**no_card, "code": code})
    assert 'name="payment"' not in page.text and "no card is needed" in page.text
    part = submit(client, "/checkout/quote", no_card, headers={"HX-Request": "true"})
    assert '<hx-partial hx-target="#payment"' in part.text and 'name="payment"' not in part.text
    placed = submit(client, "/checkout", {**no_card, **hidden_fields(page.text)})
    assert placed.status_code == 303, placed.text


def test_paying_again_asks_for_what_is_due(client, app, gateway):
    with app.app_context():
        ref = with_codes(shop.a_cart({shop.a_variant(): 1}), a_gift_card(500)[1])
        order = shop.order_cart(ref, token="tok_decline")
        processing.process(order.id)
    page = client.get(f"/orders/{order.number}?token={order.document['token']}", follow_redirects=True).text
    assert "Try another card" in page and 'Pay <span class="num">$10.00</span>' in page
    assert submit(client, f"/orders/{order.number}/pay", {"idempotency_key": str(uuid4())}).status_code == 422


def test_members_see_their_store_credit_and_pay_with_it(client, app):
    user_id = a_person(app)
    with app.app_context():
        credit(Caller(user_id=user_id), 700)
    sign_in(client)
    page = client.get("/account/credit").text
    assert "$7.00" in page and "From the shop" in page
    assert "Pay with it" in client.get("/cart").text
    assert submit(client, "/cart/coupons", {"use_credit": "1"}).status_code == 303
    assert "Keep it for later" in client.get("/cart").text


def test_a_guest_has_no_store_credit(client):
    assert client.get("/account/credit").status_code == 303
    assert submit(client, "/cart/coupons", {"use_credit": "1"}).status_code == 404
