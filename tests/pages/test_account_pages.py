"""Accounts by forms: sign-up with its rules, the mailed link, sign-in that renews itself, and who may see what."""

import pytest

from quickshop.accounts import sessions
from quickshop.accounts.enrolling import enrol
from quickshop.accounts.roles import grant
from quickshop.kernel.clock import now
from quickshop.kernel.unit_of_work import run_unit
from quickshop.security import totp
from tests.factories.pages import PASSWORD, PERSON, TOTP_SECRET, csrf, sign_in, stock_shop, submit


def code_now():
    return totp.code_of(TOTP_SECRET, totp.step_of(now()))


def test_sign_up_then_look_in_the_mailbox(client):
    answer = submit(client, "/sign-up", {**PERSON, "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/verify-email")
    assert PERSON["email"] in client.get("/verify-email").text


def test_sign_up_looks_the_same_for_a_taken_address(client, member):
    answer = submit(client, "/sign-up", {**PERSON, "username": "other", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/verify-email")


def test_every_broken_rule_of_a_password_is_named(client):
    answer = submit(client, "/sign-up", {**PERSON, "password": "short"})
    assert answer.status_code == 422
    for rule in ("at least 10 characters", "at least one digit", "at least one special character"):
        assert rule in answer.text
    assert 'value="ada@quickshop.example"' in answer.text and "short" not in answer.text


@pytest.mark.parametrize(
    "wrong", [{"email": "nobody"}, {"username": "a b"}, {"first_name": ""}, {"email": "a@b"}, {"last_name": "x" * 101}]
)
def test_wrong_fields_are_said(client, wrong):
    assert submit(client, "/sign-up", {**PERSON, "password": PASSWORD, **wrong}).status_code == 422


def test_a_used_or_wrong_link_is_said(client):
    assert "Yes, this is my address" in client.get("/verify-email?token=whatever").text
    answer = submit(client, "/verify-email", {"token": "whatever"})
    assert answer.status_code == 400 and "That link does not work" in answer.text


def test_sign_in_and_out(client, member):
    answer = sign_in(client, next="/account")
    assert (answer.status_code, answer.location) == (303, "/account")
    assert PERSON["email"] in client.get("/account").text
    assert submit(client, "/sign-out").status_code == 303
    assert client.get("/account").location == "/sign-in?next=%2Faccount"


def test_a_wrong_password_is_a_page_that_does_not_say_which_part(client, member):
    wrong = sign_in(client, password="Wrong-Password-1")
    unknown = sign_in(client, login="nobody")
    assert wrong.status_code == unknown.status_code == 401
    sentence = "The e-mail address, username or password is not right."
    assert sentence in wrong.text and sentence in unknown.text


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_sign_in_never_leads_to_another_site(client, member, wanted):
    assert sign_in(client, next=wanted).location == "/"


def test_the_guests_cart_comes_along(client, app, member):
    stock_shop(app)
    submit(client, "/cart/items", {"product": "morning-mug", "option.colour": "red", "quantity": "2"})
    sign_in(client)
    assert client.get_cookie("cart") is None
    assert "$38.00" in client.get("/cart").text


def test_an_access_token_that_is_gone_is_renewed_on_any_page(client, member):
    sign_in(client)
    before = client.get_cookie("refresh").value
    client.delete_cookie("access")
    assert client.get("/account").status_code == 200
    assert client.get_cookie("access") is not None
    assert client.get_cookie("refresh").value != before


def test_forged_tokens_make_a_guest(client, member):
    client.set_cookie("access", "forged")
    client.set_cookie("refresh", "forged")
    assert client.get("/").status_code == 200
    assert client.get_cookie("access") is None
    assert client.get("/account").status_code == 303


def test_a_session_ended_elsewhere_ends_the_pages_too(client, app, member):
    sign_in(client)
    with app.app_context():
        run_unit(lambda: sessions.revoke_all(member, "test"))
    assert client.get("/account").status_code == 303


def test_the_token_of_one_visitor_is_not_anothers(client, app, member):
    other = app.test_client()
    answer = client.post("/sign-in", data={"login": "ada", "password": PASSWORD, "csrf_token": csrf(other)})
    assert answer.status_code == 400


@pytest.mark.parametrize("address", ["/admin", "/admin/orders", "/admin/orders/QS-100001"])
def test_staff_pages_are_for_staff(client, member, address):
    assert client.get(address).status_code == 303
    sign_in(client)
    assert client.get(address).status_code == 403


def test_staff_with_one_factor_are_told_how_to_get_another(client, app, member):
    with app.app_context():
        run_unit(lambda: grant(member, "admin"))
    sign_in(client)
    answer = client.get("/admin")
    assert answer.status_code == 403
    assert "Two-factor sign-in needed" in answer.text and 'href="/account/security"' in answer.text


def test_staff_see_the_live_page_and_the_orders(client, app, member):
    with app.app_context():
        run_unit(lambda: grant(member, "admin"))
        run_unit(lambda: enrol(member, TOTP_SECRET))
    assert sign_in(client).location == "/sign-in/code"
    assert submit(client, "/sign-in/code", {"code": code_now()}).status_code == 303
    assert "Live operations" in client.get("/admin").text
    assert "No order fits." in client.get("/admin/orders").text
    assert client.get("/admin/orders/QS-1").status_code == 404
