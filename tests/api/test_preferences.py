"""Wanted messages by API: the matrix, what is locked, and who hears nothing of their orders any more."""

import pytest

from quickshop.accounts.callers import Caller
from quickshop.accounts.preferences import CHANNELS, TOPICS, change_preferences, wants
from quickshop.accounts.queries import user_id_of_login
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.notifications import service as notifications
from tests.factories.accounts import an_account, is_problem, rows
from tests.factories.shop import a_member, an_order, look

PATH = "/api/v1/me/preferences"


@pytest.fixture
def ada(client):
    return an_account(client)


def put(account, topics):
    return account.client.put(PATH, json={"topics": topics}, headers=account.headers)


def test_until_somebody_says_otherwise_the_needed_is_on_and_the_rest_is_off(ada):
    found = ada.get("/me/preferences").json
    assert set(found["topics"]) == set(TOPICS)
    for topic, channels in found["topics"].items():
        needed = topic not in ("cart_reminders", "news")
        assert channels == {"email": needed, "inbox": needed, "sms": False, "push": False}
    assert found["locked"] == [{"topic": "account", "channel": "email"}]


def test_a_part_of_the_matrix_changes_and_the_rest_stays(ada):
    before = ada.get("/me/preferences").json["topics"]
    answer = put(ada, {"orders": {"email": False, "push": True}, "news": {"sms": True}})
    assert answer.status_code == 200
    before["orders"] |= {"email": False, "push": True}
    before["news"]["sms"] = True
    assert answer.json["topics"] == ada.get("/me/preferences").json["topics"] == before


def test_only_changes_are_written_with_their_moment_and_told(ada, client):
    put(ada, {"orders": {"email": True}, "news": {"email": True}})
    written = rows(client, "SELECT topic, channel, enabled, changed_at FROM preferences")
    assert [tuple(row)[:3] for row in written] == [("news", "email", True)]
    put(ada, {"news": {"email": True}})
    assert rows(client, "SELECT changed_at FROM preferences")[0].changed_at == written[0].changed_at
    told = [e["data"] for e in ada.get("/me/events").json["items"] if e["type"] == "account.preferences_changed"]
    assert told == [{"changes": [{"topic": "news", "channel": "email", "enabled": True}]}]


@pytest.mark.parametrize(
    ("topics", "field"),
    [
        ({"gossip": {"email": True}}, "topics.gossip"),
        ({"orders": {"pigeon": True}}, "topics.orders.pigeon"),
        ({"account": {"email": False}}, "topics.account"),
    ],
)
def test_unknown_and_locked_ones_are_refused_whole(ada, client, topics, field):
    answer = put(ada, {"news": {"email": True}, **topics})
    assert is_problem(answer, 422, "validation_failed")
    assert list(answer.json["errors"]) == [field]
    assert rows(client, "SELECT 1 FROM preferences") == []


@pytest.mark.parametrize("body", [{}, {"topics": []}, {"topics": {"orders": {"email": "yes"}}}, {"topics": {}, "x": 1}])
def test_other_bodies_are_refused(ada, body):
    answer = ada.client.put(PATH, json=body, headers=ada.headers)
    assert is_problem(answer, 422, "validation_failed")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_guests_have_no_preferences(client, method):
    assert is_problem(client.open(PATH, method=method, json={"topics": {}}), 401, "unauthenticated")


def test_one_members_choice_is_not_anothers(ada, client):
    other = an_account(client)
    put(ada, {"orders": {"email": False}})
    assert other.get("/me/preferences").json["topics"]["orders"]["email"]


def test_what_the_shop_asks_before_it_writes(ada, client, app):
    put(ada, {"orders": {"email": False}, "news": {"push": True}})
    with app.app_context(), reading():
        user_id = user_id_of_login(ada.email)
        assert not wants(user_id, "orders", "email")
        assert wants(user_id, "orders", "inbox")
        assert wants(user_id, "news", "push")
        assert [channel for channel in CHANNELS if wants(user_id, "account", channel)] == ["email"]


def mails(caller: Caller):
    an_order(caller=caller)
    notifications.drain()
    return [row.kind for row in look("SELECT kind FROM deliveries WHERE channel = 'email' ORDER BY id")]


def test_a_member_hears_of_an_order_unless_they_said_no(core):
    member, quiet = a_member(), a_member()
    run_unit(lambda: change_preferences(quiet.user_id, {"orders": {"email": False}}))
    assert mails(member) == ["order.placed"]
    assert mails(quiet) == ["order.placed"]  # still the one of the other member
    run_unit(lambda: change_preferences(quiet.user_id, {"orders": {"email": True}}))
    assert mails(quiet) == ["order.placed"] * 2


def test_a_guest_always_hears_of_their_order(core):
    an_order()
    notifications.drain()
    assert [row.kind for row in look("SELECT kind FROM deliveries")] == ["order.placed"]
