"""Address book, cards and wanted messages by forms without scripts, and what the checkout makes of them."""

import re
import uuid
from uuid import uuid4

import pytest

from quickshop.accounts.addresses import add_address, address_book
from quickshop.accounts.preferences import preferences
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import processing
from quickshop.payments.methods import payment_methods, save_method
from tests.factories.pages import ADDRESS, a_person, hidden_fields, stock_shop, submit
from tests.factories.shop import ADDRESS as LEEDS

PLACES = ("/account/addresses", "/account/addresses/new", "/account/payment-methods", "/account/preferences")


@pytest.fixture(autouse=True)
def provider(gateway):
    """Every test here has the scripted gateway."""
    return gateway


@pytest.fixture
def foreign(app):
    """The ids of another member's address and card."""
    user_id = a_person(app, "eve")
    with app.app_context():
        return run_unit(lambda: add_address(user_id, LEEDS)), save_method(user_id, "tok_approve")


def book(app, user_id):
    with app.app_context():
        return address_book(user_id)


def cards(app, user_id):
    with app.app_context():
        return payment_methods(user_id)


def filled(client, app):
    stock_shop(app, stock=5)
    put_a_mug_in(client)


def put_a_mug_in(client):
    submit(client, "/cart/items", {"product": "morning-mug", "option.colour": "red", "quantity": "1"})


def checkout_form(client, **fields):
    """What the checkout page holds by itself, with these fields."""
    return {**hidden_fields(client.get("/checkout").text), "shipping_method": "standard", **fields}


def checked(page, name):
    """The values of the radio buttons of a name that are chosen."""
    tags = [tag for tag in re.findall(r"<input[^>]*>", page) if f'name="{name}"' in tag and " checked" in tag]
    return [re.search(r'value="([^"]*)"', tag)[1] for tag in tags]


@pytest.mark.parametrize("address", PLACES)
def test_they_are_for_members(client, address):
    assert client.get(address).location.startswith("/sign-in")
    assert submit(client, address.removesuffix("/new"), {}).status_code == 303


@pytest.mark.parametrize("address", PLACES)
def test_they_stand_in_the_accounts_navigation(client, ada, address):
    page = client.get(address)
    assert page.status_code == 200
    assert f'href="{address.removesuffix("/new")}" aria-current="page"' in page.text


# --- addresses -----------------------------------------------------------------------------------------


def test_an_address_is_added_changed_made_the_default_and_removed(client, app, ada):
    answer = submit(client, "/account/addresses", ADDRESS)
    assert (answer.status_code, answer.location) == (303, "/account/addresses")
    assert submit(client, "/account/addresses", {**ADDRESS, "name": "Second"}).status_code == 303
    first, second = book(app, ada)
    page = client.get("/account/addresses").text
    assert "Ada Lovelace" in page and "SW1Y 4JH London" in page and "United Kingdom" in page
    assert f"/account/addresses/{second['id']}/default" in page
    assert f"/account/addresses/{first['id']}/default" not in page

    form = client.get(f"/account/addresses/{second['id']}").text
    assert 'value="Second"' in form and '<option value="GB" selected>' in form
    assert submit(client, f"/account/addresses/{second['id']}", {**ADDRESS, "name": "Third"}).status_code == 303
    assert submit(client, f"/account/addresses/{second['id']}/default", {"kind": "billing"}).status_code == 303
    assert [(a["name"], a["default_billing"]) for a in book(app, ada)] == [("Ada Lovelace", False), ("Third", True)]
    assert submit(client, f"/account/addresses/{first['id']}/remove").status_code == 303
    assert [(a["name"], a["default_shipping"]) for a in book(app, ada)] == [("Third", True)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"postal_code": "12"}, "Not a postal code of this country"),
        ({"city": ""}, "Needed for an address in this country."),
        ({"country": "US", "region": "Ontario", "postal_code": "62701"}, "Not a region of this country"),
        ({"name": ""}, "Please fill this in."),
        ({"country": "ZZ"}, "Some fields need another look."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(client, app, ada, changes, said):
    answer = submit(client, "/account/addresses", {**ADDRESS, **changes})
    assert answer.status_code == 422
    assert said in answer.text and 'value="12 St James&#39;s Square"' in answer.text
    assert book(app, ada) == []


def test_a_country_without_towns_and_postcodes_needs_none(client, app, ada):
    fields = {"name": "Ada", "line1": "1 Nathan Road", "region": "Kowloon", "country": "HK"}
    assert submit(client, "/account/addresses", fields).status_code == 303
    page = client.get("/account/addresses").text
    assert "Kowloon" in page and "Hong Kong" in page


@pytest.mark.parametrize("end", ["", "/default", "/remove"])
def test_anothers_address_is_not_found(client, app, ada, foreign, end):
    fields = {**ADDRESS, "kind": "both"}
    assert submit(client, f"/account/addresses/{foreign[0]}{end}", fields).status_code == 404
    assert client.get(f"/account/addresses/{foreign[0]}").status_code == 404
    assert submit(client, f"/account/addresses/nonsense{end}", fields).status_code == 404


# --- cards ---------------------------------------------------------------------------------------------


def test_a_card_is_added_made_the_default_and_removed(client, app, ada):
    for token in ("tok_approve", "tok_challenge"):
        assert submit(client, "/account/payment-methods", {"token": token}).status_code == 303
    default, other = cards(app, ada)
    page = client.get("/account/payment-methods").text
    assert default["last4"] in page and other["last4"] in page and "Expires" in page
    assert submit(client, f"/account/payment-methods/{other['id']}/default").status_code == 303
    assert cards(app, ada)[0]["id"] == other["id"]
    assert submit(client, f"/account/payment-methods/{other['id']}/remove").status_code == 303
    assert [(c["id"], c["default"]) for c in cards(app, ada)] == [(default["id"], True)]


@pytest.mark.parametrize("token", ["tok_made_up", ""])
def test_only_the_offered_cards_are_taken(client, app, ada, token):
    answer = submit(client, "/account/payment-methods", {"token": token})
    assert answer.status_code == 422 and "Please choose one of the cards." in answer.text
    assert cards(app, ada) == []


def test_a_card_number_is_neither_kept_nor_shown_again(client, app, ada):
    answer = submit(client, "/account/payment-methods", {"token": "4242424242424242"})
    assert answer.status_code == 422 and "4242424242424242" not in answer.text
    assert cards(app, ada) == []


def test_a_card_number_is_refused_and_not_repeated(client, app, ada, provider):
    answer = submit(client, "/account/payment-methods", {"token": "4242424242424242"})
    assert answer.status_code == 422 and "4242424242424242" not in answer.text
    assert provider.calls == [] and cards(app, ada) == []


def test_the_same_card_twice_is_said(client, ada):
    submit(client, "/account/payment-methods", {"token": "tok_approve"})
    answer = submit(client, "/account/payment-methods", {"token": "tok_approve"})
    assert answer.status_code == 409 and "You have saved this card before." in answer.text


@pytest.mark.parametrize("end", ["default", "remove"])
def test_anothers_card_is_not_found(client, ada, foreign, end):
    for card in (foreign[1], uuid.uuid4(), "nonsense"):
        assert submit(client, f"/account/payment-methods/{card}/{end}").status_code == 404


def test_a_card_in_use_is_kept_and_the_order_is_named(client, app, ada):
    filled(client, app)
    submit(client, "/account/payment-methods", {"token": "tok_approve"})
    card = cards(app, ada)[0]["id"]
    order = client.post("/checkout", data=checkout_form(client, **ADDRESS, payment=card))
    answer = submit(client, f"/account/payment-methods/{card}/remove")
    assert answer.status_code == 409
    assert f"Order {order.location.rpartition('/')[2]} is still to be paid with this card." in answer.text
    assert len(cards(app, ada)) == 1


# --- wanted messages -----------------------------------------------------------------------------------


def test_a_box_that_is_not_ticked_is_a_no(client, app, ada):
    page = client.get("/account/preferences").text
    assert page.count('scope="col"') == 5 and page.count('scope="row"') == 7
    assert 'name="account.email"' not in page
    answer = submit(client, "/account/preferences", {"news.email": "on", "orders.inbox": "on", "account.email": ""})
    assert answer.location == "/account/preferences?saved=1"
    with app.app_context():
        found = preferences(ada)
    wanted = {(topic, channel) for topic, channels in found.items() for channel in channels if channels[channel]}
    wanted -= {("shop", "email"), ("shop", "inbox")}  # what staff alone are told, and asked about
    assert wanted == {("news", "email"), ("orders", "inbox")}
    page = client.get(answer.location).text
    assert "Saved." in page
    ticked = {tag for tag in re.findall(r"<input[^>]*checkbox[^>]*>", page) if " checked" in tag}
    assert {re.search(r'name="([^"]+)"', tag)[1] for tag in ticked} == {"news.email", "orders.inbox"}


# --- the checkout --------------------------------------------------------------------------------------


def address_of_last_order(client):
    page = client.get("/account").text
    return client.get(re.search(r'href="(/orders/QS-\d+)"', page)[1]).text


def test_saved_addresses_and_cards_come_first_with_the_defaults_chosen(client, app, ada):
    filled(client, app)
    with app.app_context():
        home = run_unit(lambda: add_address(ada, {**LEEDS, "name": "At home"}))
        run_unit(lambda: add_address(ada, {**LEEDS, "name": "At work"}))
        save_method(ada, "tok_challenge")
        card = save_method(ada, "tok_approve")
    page = client.get("/checkout").text
    assert checked(page, "address") == [str(home)]
    assert checked(page, "payment") == [cards(app, ada)[0]["id"]]
    assert "Another address" in page and "Save this address to my account" in page
    answer = client.post("/checkout", data=checkout_form(client, address=str(home), billing="same", payment=str(card)))
    assert answer.status_code == 303
    assert "At home" in client.get(answer.location).text


def test_another_address_is_typed_and_saved_once(client, app, ada):
    stock_shop(app)
    with app.app_context():
        run_unit(lambda: add_address(ada, LEEDS))
    for _ in range(2):
        put_a_mug_in(client)
        fields = checkout_form(client, **ADDRESS, address="new", save_address="1", payment="tok_approve")
        assert client.post("/checkout", data=fields).status_code == 303
        assert "Ada Lovelace" in address_of_last_order(client)
    assert [entry["name"] for entry in book(app, ada)] == ["Robin Ashdown", "Ada Lovelace"]


def test_an_address_is_not_saved_unasked(client, app, ada):
    filled(client, app)
    page = client.get("/checkout").text
    assert 'name="address"' not in page and 'name="save_address"' in page
    assert client.post("/checkout", data=checkout_form(client, **ADDRESS, payment="tok_approve")).status_code == 303
    assert book(app, ada) == []


def test_sending_twice_saves_the_address_once_and_places_one_order(client, app, ada, servers):
    filled(client, app)
    fields = checkout_form(client, **ADDRESS, save_address="1", payment="tok_approve")
    first, second = client.post("/checkout", data=fields), client.post("/checkout", data=fields)
    assert first.location == second.location
    assert len(book(app, ada)) == 1
    assert servers.run("SELECT count(*) FROM orders")[0][0] == 1


@pytest.mark.parametrize("field", ["address", "billing", "payment"])
@pytest.mark.parametrize("named", ["foreign", "invented", "nonsense"])
def test_what_is_not_ones_own_orders_nothing(client, app, ada, foreign, servers, field, named):
    filled(client, app)
    with app.app_context():
        home = run_unit(lambda: add_address(ada, LEEDS))
    value = {"foreign": str(foreign[field == "payment"]), "invented": str(uuid.uuid4()), "nonsense": "x"}[named]
    fields = {"address": str(home), "billing": "same", "payment": "tok_approve", field: value}
    answer = client.post("/checkout", data=checkout_form(client, **fields))
    assert answer.status_code == (422 if named == "nonsense" else 404)
    assert "Checkout" in answer.text
    assert servers.run("SELECT count(*) FROM orders")[0][0] == 0


def test_a_typed_address_that_is_wrong_is_said_and_stays_chosen(client, app, ada):
    filled(client, app)
    with app.app_context():
        run_unit(lambda: add_address(ada, LEEDS))
    fields = {**ADDRESS, "postal_code": "12", "address": "new", "save_address": "1", "payment": "tok_approve"}
    answer = client.post("/checkout", data=checkout_form(client, **fields))
    assert answer.status_code == 422
    assert "Not a postal code of this country" in answer.text
    assert checked(answer.text, "address") == ["new"] and checked(answer.text, "save_address") == ["1"]


def test_the_choice_stays_while_the_total_is_looked_at_again(client, app, ada):
    filled(client, app)
    with app.app_context():
        run_unit(lambda: add_address(ada, LEEDS))
        work = str(run_unit(lambda: add_address(ada, {**LEEDS, "name": "At work"})))
    fields = checkout_form(client, address=work, billing=work, payment="tok_decline", shipping_method="express")
    page = client.post("/checkout/quote", data=fields).text
    assert (checked(page, "address"), checked(page, "payment")) == ([work], ["tok_decline"])
    assert re.search(rf'<option value="{work}" selected>', page)


def test_a_guest_sees_no_book_and_saves_nothing(client, app):
    filled(client, app)
    page = client.get("/checkout").text
    assert 'name="address"' not in page and 'name="save_address"' not in page


def test_a_failed_payment_is_tried_again_with_a_saved_card(client, app, ada, servers):
    filled(client, app)
    answer = client.post("/checkout", data=checkout_form(client, **ADDRESS, payment="tok_decline"))
    order_id = servers.run("SELECT id FROM orders")[0][0]
    with app.app_context():
        processing.process(uuid.UUID(str(order_id)))
        card = str(save_method(ada, "tok_approve:mine"))
    page = client.get(answer.location).text
    assert checked(page, "payment") == [card]
    retry = submit(client, f"{answer.location}/pay", {"payment": card, "idempotency_key": str(uuid4())})
    assert retry.status_code == 303
    assert str(servers.run("SELECT payment_method_id FROM orders")[0][0]) == card
