"""Saved cards by API: tokens only, exactly one default, and none removed that an unpaid order needs."""

import uuid

import pytest

from quickshop.kernel import db
from quickshop.payments import forgetting
from quickshop.payments.gateways.port import unknown
from quickshop.payments.methods import MOST_METHODS
from tests.factories.accounts import an_account, execute, is_problem, rows
from tests.factories.shop import everything

PATH = "/api/v1/me/payment-methods"
NUMBER = "4242424242424242"


@pytest.fixture(autouse=True)
def provider(gateway):
    """Every test here has the scripted gateway."""
    return gateway


@pytest.fixture
def ada(client):
    return an_account(client)


def call(account, method, path="", body=None):
    return account.client.open(f"{PATH}{path}", method=method, json=body, headers=account.headers)


def save(account, token="tok_approve"):
    answer = call(account, "POST", body={"token": token})
    assert answer.status_code == 201, answer.text
    return answer.json


def listed(account):
    return account.get("/me/payment-methods").json["items"]


def default_of(account):
    return [card["id"] for card in listed(account) if card["default"]]


def test_the_first_card_is_the_default_and_shows_no_token(ada):
    first, second = save(ada), save(ada, "tok_approve:second")
    assert (first["default"], second["default"]) == (True, False)
    assert set(first) == {"id", "brand", "last4", "exp_month", "exp_year", "default", "created_at"}
    assert (first["brand"], first["exp_month"], first["exp_year"]) == ("visa", 4, 2031)
    assert listed(ada) == [first, second]
    assert "tok_" not in ada.get("/me/payment-methods").text


@pytest.mark.parametrize("token", [NUMBER, "4242 4242 4242 4242", "", "tok_", "tok_a b", "tok_" + "a" * 121, 5, None])
def test_what_is_no_token_is_refused_and_not_asked_of_anybody(ada, client, provider, token):
    answer = call(ada, "POST", body={"token": token})
    assert is_problem(answer, 422, "validation_failed")
    assert "token" in answer.json["errors"] and NUMBER not in answer.text
    assert provider.calls == []
    assert rows(client, "SELECT 1 FROM payment_methods") == []


def test_a_token_the_provider_does_not_know_is_refused(ada):
    answer = call(ada, "POST", body={"token": "tok_unknown"})
    assert is_problem(answer, 422, "validation_failed")
    assert list(answer.json["errors"]) == ["token"]


def test_without_an_answer_of_the_provider_nothing_is_saved(ada):
    answer = call(ada, "POST", body={"token": "tok_down"})
    assert is_problem(answer, 503, "unavailable") and answer.headers["Retry-After"]
    assert listed(ada) == []


def test_the_provider_is_asked_outside_of_any_transaction(ada, provider):
    seen = []
    provider.before = lambda verb: seen.append((verb, db.in_transaction()))
    save(ada)
    assert seen == [("describe", False)]


def test_the_same_card_twice_is_said_without_asking_again(ada, provider):
    save(ada)
    assert is_problem(call(ada, "POST", body={"token": "tok_approve"}), 409, "already_saved")
    assert provider.made("describe") == 1
    assert len(listed(ada)) == 1


def test_two_members_may_keep_the_same_card(ada, client):
    save(ada)
    save(an_account(client))


def test_an_account_keeps_a_bounded_number_of_cards(ada):
    for number in range(MOST_METHODS):
        save(ada, f"tok_approve:{number}")
    answer = call(ada, "POST", body={"token": "tok_approve:more"})
    assert is_problem(answer, 409, "too_many_payment_methods")


def test_the_provider_keeps_a_removed_card_no_more_and_is_told_outside_of_any_transaction(ada, provider):
    card = save(ada)
    seen = []
    provider.before = lambda verb: seen.append((verb, db.in_transaction()))
    assert call(ada, "DELETE", f"/{card['id']}").status_code == 204
    assert seen == [("forget", False)]
    assert provider.calls[-1] == ("forget", "tok_approve")


def test_a_provider_that_does_not_answer_keeps_no_card_here(ada, provider):
    card = save(ada)
    provider.queue("forget", unknown("timeout"))
    assert call(ada, "DELETE", f"/{card['id']}").status_code == 204
    assert listed(ada) == []
    with ada.client.application.app_context():
        assert [forgetting.forget_cards() for _ in range(2)] == [1, 0]
    assert provider.calls[-1] == ("forget", "tok_approve")


def test_the_default_moves_and_passes_on(ada):
    first, second, third = (save(ada, f"tok_approve:{name}") for name in "abc")
    assert call(ada, "POST", f"/{second['id']}/default").json == {**second, "default": True}
    assert default_of(ada) == [second["id"]]
    assert call(ada, "DELETE", f"/{second['id']}").status_code == 204
    assert default_of(ada) == [third["id"]]
    assert call(ada, "DELETE", f"/{first['id']}").status_code == 204
    assert default_of(ada) == [third["id"]]
    assert call(ada, "DELETE", f"/{third['id']}").status_code == 204
    assert listed(ada) == []
    told = [e["type"] for e in ada.get("/me/events").json["items"] if "payment_method" in e["type"]]
    what = ["added"] * 3 + ["changed"] + ["removed"] * 3
    assert told == [f"account.payment_method_{word}" for word in what]


@pytest.mark.parametrize(("method", "end"), [("DELETE", ""), ("POST", "/default")])
def test_anothers_card_does_not_exist_and_nothing_changes(client, app, ada, method, end):
    card = save(ada)
    eve = an_account(client)
    save(eve)
    with app.app_context():
        before = everything()
    for method_id in (card["id"], uuid.uuid4(), "nonsense"):
        assert is_problem(call(eve, method, f"/{method_id}{end}"), 404, "not_found")
    with app.app_context():
        assert everything() == before


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("DELETE", "/x"), ("POST", "/x/default")])
def test_guests_have_no_cards(client, method, path):
    assert is_problem(client.open(f"{PATH}{path}", method=method, json={}), 401, "unauthenticated")


def test_a_token_stands_nowhere_open(ada, client):
    token = "tok_approve:canary-of-a-token"
    card = save(ada, token)
    call(ada, "POST", f"/{card['id']}/default")
    for table in ("payment_methods", "account_events", "outbox"):
        text = " ".join(row[0] for row in rows(client, f"SELECT t::text FROM {table} t"))
        assert "canary" not in text and b"canary".hex() not in text


def test_the_database_refuses_two_defaults(ada, client):
    save(ada)
    other = save(ada, "tok_approve:b")
    with pytest.raises(Exception, match="uq_payment_methods_default"):
        execute(client, "UPDATE payment_methods SET is_default = true WHERE id = :id", id=other["id"])


@pytest.mark.parametrize(
    "change",
    ["UPDATE payment_methods SET is_default = false", "DELETE FROM payment_methods WHERE is_default"],
)
def test_the_database_refuses_to_have_no_default(ada, client, change):
    save(ada)
    save(ada, "tok_approve:b")
    with pytest.raises(Exception, match="must be the default"):
        execute(client, change)
    assert len(default_of(ada)) == 1
    assert len(listed(ada)) == 2
