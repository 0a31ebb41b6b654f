"""The cart without scripts (post, then the page) and with htmx (parts of it)."""

import re
from uuid import uuid4

import pytest

from tests.factories.pages import csrf, hidden_fields, stock_shop, submit
from tests.factories.promotions import a_promotion

HTMX = {"HX-Request": "true"}
RED = {"product": "morning-mug", "option.colour": "red", "quantity": "1"}


@pytest.fixture(autouse=True)
def variants(app):
    return stock_shop(app, stock=3)


def add(client, quantity="1", colour="red", **more):
    return submit(
        client, "/cart/items", {"product": "morning-mug", "option.colour": colour, "quantity": quantity}, **more
    )


def item_id(client):
    return client.get("/cart").text.split('action="/cart/items/')[1].split('"')[0]


def test_adding_goes_to_the_cart_page(client):
    answer = add(client, "2")
    assert (answer.status_code, answer.location) == (303, "/cart")
    page = client.get("/cart").text
    assert "Morning Mug" in page and "$38.00" in page and "$19.00 each" in page


def test_htmx_gets_the_drawer_and_the_new_count(client):
    answer = add(client, headers=HTMX)
    assert answer.status_code == 200
    assert "Morning Mug is in your bag." in answer.text
    assert 'id="cart-count"' in answer.text and 'hx-swap-oob="true"' in answer.text
    assert "<html" not in answer.text


def test_quantity_is_changed_and_the_line_removed(client):
    add(client)
    item = item_id(client)
    assert submit(client, f"/cart/items/{item}", {"quantity": "3"}).status_code == 303
    assert "$57.00" in client.get("/cart").text
    assert submit(client, f"/cart/items/{item}/remove").status_code == 303
    assert "Nothing in here yet" in client.get("/cart").text


def test_more_than_there_is_warns(client):
    add(client, "9")
    assert "Only 3 left of Morning Mug; you asked for 9." in client.get("/cart").text


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "", "99999", "²", "1e3"])
def test_a_wrong_quantity_is_refused(client, quantity):
    answer = add(client, quantity)
    assert answer.status_code == 422
    assert "A quantity is a whole number" in answer.text


def test_a_combination_that_is_not_made_is_refused(client):
    assert add(client, colour="green").status_code == 422


def test_without_a_token_nothing_changes(client):
    client.get("/cart")
    answer = client.post("/cart/items", data={"product": "morning-mug", "option.colour": "red", "quantity": "1"})
    assert answer.status_code == 400
    assert "Nothing in here yet" in client.get("/cart").text


def test_the_token_may_come_as_a_header(client):
    token = csrf(client)
    data = {"product": "morning-mug", "option.colour": "red", "quantity": "1"}
    assert client.post("/cart/items", data=data, headers={"X-CSRFToken": token}).status_code == 303


def test_a_foreign_or_forged_cart_cookie_is_an_empty_cart(client):
    client.set_cookie("cart", "forged")
    assert "Nothing in here yet" in client.get("/cart").text
    assert add(client).status_code == 303


def test_someone_elses_line_cannot_be_changed(client, app):
    add(client)
    item = item_id(client)
    other = app.test_client()
    add(other)
    assert submit(other, f"/cart/items/{item}", {"quantity": "3"}).status_code == 404
    assert 'value="1"' in client.get("/cart").text


def test_what_was_taken_out_or_saved_comes_back_without_scripts(client):
    add(client)
    item = item_id(client)
    page = client.get(submit(client, f"/cart/items/{item}/remove").location).text
    assert "Morning Mug was taken out." in page
    assert submit(client, f"/cart/items/{item}/restore").status_code == 303
    assert submit(client, f"/cart/items/{item_id(client)}/save-for-later").status_code == 303
    page = client.get("/cart").text
    assert "Saved for later" in page and "Nothing in here yet" in page
    saved = page.split('action="/cart/saved/')[1].split("/")[0]
    assert submit(client, f"/cart/saved/{saved}/move-to-cart").status_code == 303
    assert "Check out" in client.get("/cart").text


def test_a_shared_bag_is_put_into_anothers_by_a_button(app, client):
    add(client)
    page = submit(client, "/cart/share").text
    link = re.search(r'value="[^"]*(/cart/shared/[^"]+)"', page)[1]
    stranger = app.test_client()
    assert "A bag was shared with you" in stranger.get(link).text
    assert "Nothing in here yet" in stranger.get("/cart").text
    assert submit(stranger, link).status_code == 303
    assert "Morning Mug" in stranger.get("/cart").text
    assert stranger.get("/cart/shared/invented").status_code == 404


# --- sent twice, held, taken off -----------------------------------------------------------------------


def quantity(client):
    found = re.search(r'id="q-page-[^"]+"[^>]*value="(\d+)"', client.get("/cart").text)
    return int(found[1]) if found else 0


def test_the_same_form_sent_twice_adds_once_and_another_choice_or_form_adds_again(client):
    shown = hidden_fields(client.get("/products/morning-mug").text)
    assert shown["idempotency_key"]
    once = {**RED, "idempotency_key": shown["idempotency_key"]}
    for _ in range(2):
        assert submit(client, "/cart/items", once).location == "/cart"
    assert quantity(client) == 1
    submit(client, "/cart/items", {**once, "quantity": "2"})
    assert quantity(client) == 3
    drawer = submit(client, "/cart/items", once, headers=HTMX).text
    fresh = hidden_fields(drawer)["idempotency_key"]
    assert quantity(client) == 3 and fresh != once["idempotency_key"]
    submit(client, "/cart/items", {**RED, "idempotency_key": fresh})
    assert quantity(client) == 4


def test_a_first_addition_sent_twice_fills_one_cart(client, servers):
    once = {**RED, "idempotency_key": str(uuid4())}
    submit(client, "/cart/items", once)
    client.delete_cookie("cart")  # as the second click sends it, before the first answer has come
    submit(client, "/cart/items", once)
    assert quantity(client) == 1
    assert servers.run("SELECT count(*) FROM carts")[0][0] == 1


def test_another_browser_with_the_same_key_adds_to_a_cart_of_its_own(client, app):
    once = {**RED, "idempotency_key": str(uuid4())}
    other = app.test_client()
    for someone in (client, other):
        submit(someone, "/cart/items", once)
    assert (quantity(client), quantity(other)) == (1, 1)
    assert client.get_cookie("cart").value != other.get_cookie("cart").value


def test_going_to_the_checkout_holds_the_stock_and_looking_does_not(client, servers):
    submit(client, "/cart/items", RED)
    assert 'action="/checkout/begin"' in client.get("/cart").text
    assert "Held for you until" not in client.get("/checkout").text
    assert servers.run("SELECT count(*) FROM stock_holds")[0][0] == 0
    answer = submit(client, "/checkout/begin")
    assert (answer.status_code, answer.location) == (303, "/checkout")
    assert "Held for you until" in client.get("/checkout").text
    assert servers.run("SELECT count(*) FROM stock_holds WHERE state = 'live'")[0][0] == 1


def test_the_drawer_shows_what_is_taken_off(client, app):
    with app.app_context():
        a_promotion()
    drawer = submit(client, "/cart/items", RED, headers=HTMX).text
    assert "Label " in drawer and "−$1.90" in drawer and "$17.10" in drawer
