"""Checkout and the order page by forms: once however often it is sent, and nobody else's to see."""

import pytest

from quickshop.inventory.service import receive
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.pages import ADDRESS, hidden_fields, stock_shop, submit

CARD = {"shipping_method": "standard", "payment": "tok_approve"}


KEY = "0190a000-0000-7000-8000-000000000001"


@pytest.fixture(autouse=True)
def variants(app):
    return stock_shop(app, stock=5)


@pytest.fixture
def filled(client):
    """A client with one mug in the cart."""
    submit(client, "/cart/items", {"product": "morning-mug", "option.colour": "red", "quantity": "1"})
    return client


def form(client, **changes):
    """The checkout form as it stands, filled in."""
    hidden = hidden_fields(client.get("/checkout").text)
    return {**hidden, **ADDRESS, **CARD, "email": "guest@quickshop.example", **changes}


def orders(servers):
    return servers.run("SELECT count(*) FROM orders")[0][0]


def test_an_empty_cart_has_no_checkout(client):
    assert client.get("/checkout").location == "/cart"


def test_the_page_shows_ways_of_delivery_and_the_total(filled):
    page = filled.get("/checkout").text
    assert "Standard delivery" in page and "Express delivery" in page and "$23.99" in page
    assert 'autocomplete="shipping postal-code"' in page


def test_a_guest_orders_and_sees_the_order(filled, servers):
    answer = filled.post("/checkout", data=form(filled))
    assert answer.status_code == 303
    page = filled.get(answer.location)
    assert page.status_code == 200 and "Placed" in page.text and "Ada Lovelace" in page.text
    assert "Nothing in here yet" in filled.get("/cart").text
    assert orders(servers) == 1


def test_sending_twice_is_one_order(filled, servers):
    fields = form(filled)
    cart = filled.get_cookie("cart").value
    first = filled.post("/checkout", data=fields)
    filled.set_cookie("cart", cart)  # as a second click sends it, before the first answer has come
    second = filled.post("/checkout", data=fields)
    assert first.location == second.location
    assert orders(servers) == 1


def test_another_way_of_delivery_asks_again_with_the_new_total(filled, servers):
    fields = form(filled, shipping_method="express")
    answer = filled.post("/checkout", data=fields)
    assert answer.status_code == 409
    assert "It is $31.99 now; it was $23.99." in answer.text and orders(servers) == 0
    again = {**fields, **hidden_fields(answer.text)}
    assert filled.post("/checkout", data=again).status_code == 303


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("line1", "x" * 201),
        ("city", "a\x07b"),
        ("country", "ZZ"),
        ("email", "nobody"),
        ("payment", "tok_made_up"),
        ("expected_amount", "-1"),
        ("expected_amount", "12.5"),
        ("idempotency_key", ""),
        ("shipping_method", "pigeon"),
    ],
)
def test_wrong_fields_are_said_and_nothing_is_ordered(filled, servers, field, value):
    answer = filled.post("/checkout", data=form(filled, **{field: value}))
    assert answer.status_code in (400, 422)
    assert answer.mimetype == "text/html" and "Checkout" in answer.text
    assert orders(servers) == 0


@pytest.mark.parametrize("field", ["payment", "name", "line2", "anything"])
def test_a_card_number_in_any_field_is_refused_and_not_shown_again(filled, servers, field):
    answer = filled.post("/checkout", data=form(filled, **{field: "4242 4242 4242 4242"}))
    assert answer.status_code == 422
    assert answer.mimetype == "text/html" and "4242 4242" not in answer.text
    assert orders(servers) == 0


def test_out_of_stock_is_said(filled, servers):
    submit(filled, "/cart/items", {"product": "morning-mug", "option.colour": "red", "quantity": "9"})
    answer = filled.post("/checkout", data=form(filled))
    assert answer.status_code == 409 and "not available in the quantity" in answer.text
    assert orders(servers) == 0


def test_htmx_gets_the_review_and_the_ways_of_delivery(filled):
    fields = form(filled, shipping_method="express")
    answer = filled.post("/checkout/quote", data=fields, headers={"HX-Request": "true"})
    assert "$31.99" in answer.text and '<hx-partial hx-target="#delivery"' in answer.text and "<html" not in answer.text


def test_the_order_is_nobody_elses(filled, app):
    address = filled.post("/checkout", data=form(filled)).location
    stranger = app.test_client()
    assert stranger.get(address).status_code == 404
    assert stranger.get(f"{address}/live").status_code == 404
    assert stranger.get(f"{address}?token=forged").status_code == 404
    assert submit(stranger, f"{address}/pay", {"payment": "tok_approve", "idempotency_key": KEY}).status_code == 404


def test_an_order_is_bought_again_as_far_as_it_can_be_had(filled, app, variants):
    submit(filled, "/cart/items", {"product": "morning-mug", "option.colour": "red", "quantity": "2"})
    address = filled.post("/checkout", data=form(filled)).location
    assert "Buy these again" in filled.get(address).text
    assert submit(app.test_client(), f"{address}/reorder").status_code == 404
    answer = submit(filled, f"{address}/reorder")
    assert answer.status_code == 200 and "You can have 2 of Morning Mug, not 3" in answer.text
    assert "Morning Mug" in filled.get("/cart").text
    with app.app_context():
        run_unit(lambda: receive({variants["MUG-RED"]: 5}))
    answer = submit(filled, f"{address}/reorder")
    assert (answer.status_code, answer.location) == (303, "/cart")


def test_a_mailed_link_opens_the_order_and_leaves_the_address(filled, app):
    address = filled.post("/checkout", data=form(filled)).location
    token = filled.get_cookie("orders").value.partition(":")[2]
    other_device = app.test_client()
    answer = other_device.get(f"{address}?token={token}")
    assert (answer.status_code, answer.location) == (303, address)
    assert "Placed" in other_device.get(address).text


def test_only_a_failed_payment_is_paid_again(filled):
    address = filled.post("/checkout", data=form(filled)).location
    answer = submit(filled, f"{address}/pay", {"payment": "tok_approve", "idempotency_key": KEY})
    assert answer.status_code == 409


def test_cookies_cannot_be_read_by_scripts(filled):
    answer = filled.post("/checkout", data=form(filled))
    for line in answer.headers.getlist("Set-Cookie"):
        assert "HttpOnly" in line and "SameSite=Lax" in line and "Path=/" in line


def test_looking_at_the_totals_holds_the_stock(filled, app):
    submit(filled, "/cart/items", {"product": "morning-mug", "option.colour": "red", "quantity": "4"})
    answer = filled.post("/checkout/quote", data=form(filled), headers={"HX-Request": "true"})
    assert "Held for you until" in answer.text and "sold out" not in answer.text
    assert "Sold out" in app.test_client().get("/products/morning-mug").text
    assert filled.post("/checkout", data=form(filled)).status_code == 303
