"""The page of one's own data: the copy, the end with its password, and why it is refused."""

import pytest

from quickshop.accounts.callers import Caller
from tests.factories.accounts import a_staff_account, execute, rows
from tests.factories.pages import PASSWORD, csrf, submit
from tests.factories.returns import a_delivered_order
from tests.factories.shop import an_order


def erase(client, password=PASSWORD):
    return submit(client, "/account/privacy/erase", {"password": password})


def test_the_page_says_what_goes_and_what_stays(client, ada):
    page = client.get("/account/privacy").text
    assert "tax law" in page and "Erase my account for good" in page
    assert 'aria-current="page"' in page.split("/account/privacy", 1)[1][:60]


def test_the_copy_is_a_file(client, ada):
    answer = client.get("/account/privacy/export")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.json["account"]["first_name"] == "Ada"


def test_guests_are_sent_to_sign_in(client):
    for address in ("/account/privacy", "/account/privacy/export"):
        assert client.get(address).location.startswith("/sign-in")
    assert erase(client).location == "/sign-in"


def test_the_end_leads_out_and_signs_out(client, ada):
    answer = erase(client)
    assert (answer.status_code, answer.location) == (303, "/account-erased")
    assert "Your account is erased" in client.get("/account-erased").text
    assert client.get("/account").location.startswith("/sign-in")
    assert submit(client, "/sign-in", {"login": "ada", "password": PASSWORD}).status_code == 401


@pytest.mark.parametrize(("password", "status"), [("", 422), ("Wrong-Password-1", 403)])
def test_a_wrong_password_erases_nothing(client, ada, password, status):
    answer = erase(client, password)
    assert answer.status_code == status and "Wrong-Password" not in answer.text
    assert client.get("/account").status_code == 200


def test_the_end_wants_the_forms_own_token(client, ada):
    assert csrf(client)
    assert client.post("/account/privacy/erase", data={"password": PASSWORD}).status_code == 400
    assert client.get("/account").status_code == 200


def test_orders_under_way_are_shown_in_place_of_the_form(client, app, ada):
    with app.app_context():
        number = an_order(caller=Caller(user_id=ada, email_verified=True)).number
    page = client.get("/account/privacy").text
    assert number in page and 'name="password"' not in page
    answer = erase(client)
    assert answer.status_code == 409 and number in answer.text


def test_staff_see_the_order_of_an_erased_person_as_such(client, app, ada, gateway):
    with app.app_context():
        number = a_delivered_order(caller=Caller(user_id=ada, email_verified=True)).number
    erase(client)
    staff = a_staff_account(client, "support")
    submit(client, "/sign-in", {"login": staff.username, "password": staff.password})
    execute(client, "UPDATE sessions SET second_factor_at = now() WHERE user_id = :id", id=staff.extra["id"])
    page = client.get(f"/admin/orders/{number}")
    assert page.status_code == 200 and "Erased" in page.text and "Robin Ashdown" not in page.text


def test_the_account_row_of_an_erased_person_names_nobody(client, ada):
    erase(client)
    found = rows(client, "SELECT username, phone, locale, event_seq FROM users WHERE id = :id", id=ada)[0]
    assert found.username.startswith("erased-")
    assert tuple(found)[1:] == (None, "en", 0)
