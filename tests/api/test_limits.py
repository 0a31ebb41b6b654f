"""Request limits: one budget per class and caller, told in headers, spent before the view."""

import pytest

from blueprints.http import limits
from quickshop import config
from tests.factories.accounts import an_account, is_problem


@pytest.fixture
def strict(monkeypatch):
    """Small limits under the profile in force. The app of this test is made after them."""
    small = config.RateLimits(default="20/minute", auth="3/minute", checkout="2/minute", search="2/minute")
    monkeypatch.setitem(config.LIMIT_PROFILES, "demo", small)


@pytest.fixture
def strict_client(strict, clean, settings):
    from blueprints import register
    from quickshop.factory import create_app

    return create_app([register], settings=settings).test_client()


def login(client, **more):
    return client.post("/api/v1/auth/login", json={"login": "nobody", "password": "x"}, **more)


def test_every_answer_tells_where_the_caller_stands(client):
    first = client.get("/api/v1/categories")
    second = client.get("/api/v1/categories")
    limit = int(first.headers["RateLimit-Limit"])
    left = [int(a.headers["RateLimit-Remaining"]) for a in (first, second)]
    assert left[0] - left[1] == 1
    assert left[0] < limit
    assert 1 <= int(first.headers["RateLimit-Reset"]) <= 60


def test_beyond_the_limit_it_is_429_with_when_to_come_back(strict_client):
    assert [login(strict_client).status_code for _ in range(3)] == [401] * 3
    answer = login(strict_client)
    is_problem(answer, 429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit-Remaining"] == "0"


def test_classes_have_budgets_of_their_own(strict_client):
    for _ in range(4):
        login(strict_client)
    assert strict_client.get("/api/v1/categories").status_code == 200


def test_addresses_have_budgets_of_their_own(strict_client):
    for _ in range(4):
        login(strict_client)
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert login(strict_client, environ_overrides=elsewhere).status_code == 401


def test_one_household_of_ipv6_is_one_address(strict_client):
    for host in range(1, 5):
        answer = login(strict_client, environ_overrides={"REMOTE_ADDR": f"2001:db8:1:2::{host}"})
    assert answer.status_code == 429
    assert login(strict_client, environ_overrides={"REMOTE_ADDR": "2001:db8:1:3::1"}).status_code == 401


def test_a_forwarded_header_of_a_stranger_changes_nothing(strict_client):
    for number in range(4):
        answer = login(strict_client, headers={"X-Forwarded-For": f"192.0.2.{number}"})
    assert answer.status_code == 429


def test_members_have_a_budget_of_their_own(client, monkeypatch):
    account = an_account(client)
    anonymous = int(client.get("/api/v1/categories").headers["RateLimit-Remaining"])
    mine = int(account.get("/me").headers["RateLimit-Remaining"])
    client.get("/api/v1/categories")
    assert int(account.get("/me").headers["RateLimit-Remaining"]) == mine - 1
    assert int(client.get("/api/v1/categories").headers["RateLimit-Remaining"]) == anonymous - 2


def test_a_forged_token_opens_no_new_budget(strict_client):
    for number in range(21):
        answer = strict_client.get("/api/v1/me", headers={"Authorization": f"Bearer forged{number}"})
    is_problem(answer, 429, "rate_limited")


def test_probes_are_not_limited(strict_client):
    assert {strict_client.get("/healthz").status_code for _ in range(30)} == {200}


def test_networks():
    assert limits._network("192.0.2.1") == "192.0.2.1"
    assert limits._network("::ffff:192.0.2.1") == "192.0.2.1"
    assert limits._network("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"
    assert limits._network("") == "unknown"


def test_an_account_is_no_second_budget_for_sign_ins(strict_client):
    account = an_account(strict_client)  # registered, verified and signed in: the address has spent its three
    is_problem(login(strict_client, headers=account.headers), 429, "rate_limited")
    body = {"current_password": "Wrong-Password-1", "new_password": "Willow-Lantern-58"}
    answer = strict_client.post("/api/v1/me/password", json=body, headers=account.headers)
    is_problem(answer, 403, "proof_wrong")  # what asks who one is spends one's own
