"""Push devices by API: sealed tokens, a bound on their number, one owner per device."""

import pytest

from quickshop.accounts.devices import MOST_DEVICES
from tests.factories.accounts import an_account, is_problem, rows

PATH = "/api/v1/me/devices"
TOKEN = "fcm:dK3_x-9" + "a" * 140
PHONE = {"platform": "android", "name": "Ada's phone"}


@pytest.fixture
def ada(client):
    return an_account(client)


def put(account, token=TOKEN, **changes):
    return account.client.put(f"{PATH}/{token}", json={**PHONE, **changes}, headers=account.headers)


def delete(account, token=TOKEN):
    return account.client.delete(f"{PATH}/{token}", headers=account.headers)


def listed(account):
    return [(d["token"], d["platform"], d["name"]) for d in account.get("/me/devices").json["items"]]


def test_a_device_is_kept_renamed_and_removed(ada):
    assert put(ada).status_code == 204
    assert listed(ada) == [(TOKEN, "android", "Ada's phone")]
    assert put(ada, name="", platform="ios").status_code == 204
    assert listed(ada) == [(TOKEN, "ios", "")]
    assert delete(ada).status_code == 204
    assert listed(ada) == []
    assert is_problem(delete(ada), 404, "not_found")
    told = [e for e in ada.get("/me/events").json["items"] if "device" in e["type"]]
    assert [(e["type"], e["data"]) for e in told] == [
        ("account.device_added", {"platform": "android"}),
        ("account.device_removed", {"platform": "ios"}),
    ]


@pytest.mark.parametrize(
    ("token", "body"),
    [
        (TOKEN, {"platform": "toaster"}),
        (TOKEN, {"platform": "ios", "name": "x" * 101}),
        (TOKEN, {"platform": "ios", "token": "other"}),
        (TOKEN, {}),
        ("x" * 513, PHONE),
        ("with%20space", PHONE),
        ("caf%C3%A9", PHONE),
    ],
)
def test_wrong_ones_are_refused(ada, token, body):
    answer = ada.client.put(f"{PATH}/{token}", json=body, headers=ada.headers)
    assert is_problem(answer, 422, "validation_failed")
    assert listed(ada) == []


def test_the_longest_token_is_taken(ada):
    assert put(ada, "x" * 512).status_code == 204


def test_an_account_has_a_bounded_number_of_devices(ada):
    for number in range(MOST_DEVICES):
        assert put(ada, f"token-{number}").status_code == 204
    assert is_problem(put(ada, "one-more"), 409, "too_many_devices")
    assert put(ada, "token-0", name="Renamed").status_code == 204
    assert delete(ada, "token-1").status_code == 204
    assert put(ada, "one-more").status_code == 204
    assert len(listed(ada)) == MOST_DEVICES


def test_anothers_device_cannot_be_removed_or_seen(ada, client):
    put(ada)
    eve = an_account(client)
    assert is_problem(delete(eve), 404, "not_found")
    assert listed(eve) == []
    assert len(listed(ada)) == 1


def test_a_device_goes_over_to_whoever_signed_in_on_it_last(ada, client):
    put(ada)
    bob = an_account(client)
    assert put(bob, name="Bob's now").status_code == 204
    assert listed(ada) == []
    assert listed(bob) == [(TOKEN, "android", "Bob's now")]


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PUT", "/x"), ("DELETE", "/x")])
def test_guests_have_no_devices(client, method, path):
    assert is_problem(client.open(f"{PATH}{path}", method=method, json=PHONE), 401, "unauthenticated")


def test_a_token_stands_nowhere_open(ada, client):
    put(ada)
    for table in ("push_devices", "account_events", "outbox"):
        text = " ".join(row[0] for row in rows(client, f"SELECT t::text FROM {table} t"))
        assert TOKEN not in text and TOKEN.encode().hex() not in text
