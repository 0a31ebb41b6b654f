"""The profile by forms: saved once, an address confirmed from its mailbox, a password set with the present one."""

import pytest

from quickshop.accounts import service
from tests.factories.accounts import execute, mailed, rows
from tests.factories.pages import PASSWORD, PERSON, hidden_fields, sign_in, submit

NEW = "Willow-Lantern-58"
MOVED = "moved@quickshop.example"
PROFILE = {"first_name": "Ada", "last_name": "Byron", "phone": "", "locale": "en"}


def version(client):
    return hidden_fields(client.get("/account/profile").text)["version"]


def save(client, **changes):
    return submit(client, "/account/profile", {**PROFILE, "version": version(client), **changes})


@pytest.mark.parametrize("address", ["/account/profile", "/account/password"])
def test_they_are_for_members(client, address):
    assert client.get(address).location.startswith("/sign-in?next=")
    for form in (address, "/account/email"):
        assert submit(client, form).location == "/sign-in"


def test_name_phone_and_language_are_saved(client, ada):
    answer = save(client, first_name="Augusta", phone="+44 20 7946 0000", locale="de")
    assert (answer.status_code, answer.location) == (303, "/account/profile?done=saved")
    page = client.get(answer.location).text
    assert "Saved." in page
    for shown in ('value="Augusta"', 'value="+44 20 7946 0000"', '<option value="de" selected>'):
        assert shown in page


def test_a_phone_can_be_taken_away_again(client, ada):
    save(client, phone="+44 20 7946 0000")
    save(client)
    assert rows(client, "SELECT phone FROM users")[0].phone is None


@pytest.mark.parametrize("wrong", [{"first_name": " "}, {"phone": "call me"}, {"locale": "English"}, {"version": "x"}])
def test_wrong_fields_are_said_and_what_was_typed_stays(client, ada, wrong):
    answer = save(client, last_name="King", **wrong)
    assert answer.status_code == 422
    assert 'value="King"' in answer.text
    assert rows(client, "SELECT version FROM users")[0].version == 1


def test_what_was_changed_elsewhere_meanwhile_is_not_overwritten(client, ada):
    seen = version(client)
    save(client, first_name="Augusta")
    answer = submit(client, "/account/profile", {**PROFILE, "first_name": "Countess", "version": seen})
    assert answer.status_code == 409
    assert "changed meanwhile" in answer.text
    assert 'value="Augusta"' in answer.text
    assert hidden_fields(answer.text)["version"] == "2"


def test_the_list_of_what_is_missing_gets_shorter_and_goes(client, ada):
    page = client.get("/account/profile").text
    assert 'href="/account/addresses">Keep an address' in page
    assert "Confirm your e-mail address</a>" not in page  # that is done
    execute(client, "INSERT INTO addresses (id, user_id, sealed, country) SELECT id, id, 'x', 'GB' FROM users")
    execute(client, "INSERT INTO preferences (user_id, topic, channel, enabled) SELECT id, 'a', 'sms', true FROM users")
    save(client, phone="+44 20 7946 0000")
    assert "To make it complete" not in client.get("/account/profile").text


def test_a_new_address_is_confirmed_by_a_button_on_the_page_of_the_link(client, app, ada):
    answer = submit(client, "/account/email", {"email": MOVED, "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/account/profile?done=mailed")
    assert "on its way" in client.get(answer.location).text
    token = mailed(client, "account.email_change_requested")[-1]["token"]

    mailbox = app.test_client()  # another browser: nobody is signed in there
    page = mailbox.get(f"/confirm-email?token={token}")
    assert "Yes, use this address" in page.text
    assert PERSON["email"] in client.get("/account/profile").text  # looking changed nothing
    assert "your address now" in submit(mailbox, "/confirm-email", {"token": token}).text
    assert MOVED in client.get("/account/profile").text
    again = submit(mailbox, "/confirm-email", {"token": token})
    assert again.status_code == 400 and "That link does not work" in again.text
    assert mailbox.get("/confirm-email").status_code == 200


def test_a_taken_address_looks_the_same(client, app, ada):
    with app.app_context():
        other = PERSON | {"email": MOVED, "username": "other"}
        service.register(service.Registration(**other, password=PASSWORD))
    answer = submit(client, "/account/email", {"email": MOVED, "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/account/profile?done=mailed")
    assert mailed(client, "account.email_change_requested") == []


def test_a_new_address_needs_the_password_and_keeps_what_was_typed(client, ada):
    answer = submit(client, "/account/email", {"email": MOVED, "password": "Wrong-Password-1"})
    assert answer.status_code == 403
    assert "The present password is not right" in answer.text
    assert f'value="{MOVED}"' in answer.text and "Wrong-Password-1" not in answer.text
    assert submit(client, "/account/email", {"email": "nobody", "password": PASSWORD}).status_code == 422


def test_a_new_password_signs_other_browsers_out(client, app, ada):
    other = app.test_client()
    sign_in(other)
    answer = submit(client, "/account/password", {"current_password": PASSWORD, "new_password": NEW})
    assert (answer.status_code, answer.location) == (303, "/account/password?done=password")
    assert "Your new password is set" in client.get(answer.location).text
    assert other.get("/account").status_code == 303
    assert sign_in(app.test_client()).status_code == 401
    assert sign_in(app.test_client(), password=NEW).status_code == 303


def test_a_refused_password_says_every_rule_and_shows_none(client, ada):
    answer = submit(client, "/account/password", {"current_password": PASSWORD, "new_password": "short"})
    assert answer.status_code == 422
    for rule in ("at least 10 characters", "at least one digit", "at least one special character"):
        assert rule in answer.text
    assert PASSWORD not in answer.text and "short" not in answer.text
    answer = submit(client, "/account/password", {"current_password": "Wrong-Password-1", "new_password": NEW})
    assert answer.status_code == 403 and "The present password is not right" in answer.text


def test_with_two_factor_on_a_code_is_asked_for(client, ada):
    addresses = ("/account/profile", "/account/password")
    assert not any('name="code"' in client.get(address).text for address in addresses)
    execute(client, "INSERT INTO two_factors (user_id, secret, enabled_at) SELECT id, 'x', now() FROM users")
    assert all('autocomplete="one-time-code"' in client.get(address).text for address in addresses)
    answer = submit(client, "/account/password", {"current_password": PASSWORD, "new_password": NEW})
    assert answer.status_code == 403 and "a code is needed" in answer.text


def test_sign_up_takes_a_phone_or_none(client):
    assert 'type="tel"' in client.get("/sign-up").text
    wish = PERSON | {"password": PASSWORD}
    assert submit(client, "/sign-up", wish | {"phone": "not a number"}).status_code == 422
    assert submit(client, "/sign-up", wish | {"phone": "+44 20 7946 0000"}).status_code == 303
    assert submit(client, "/sign-up", wish | {"email": MOVED, "username": "other", "phone": " "}).status_code == 303
    found = rows(client, "SELECT phone IS NULL AS none FROM users ORDER BY created_at")
    assert [row.none for row in found] == [False, True]
