"""What callers see while the database or Redis is away, and afterwards. On servers of its own."""

import os
import signal
import time

import pytest

from blueprints import register
from quickshop.config import load_settings
from quickshop.factory import create_app
from tests.factories.accounts import an_account, is_problem
from tests.factories.servers import running_servers


@pytest.fixture(scope="module")
def pair():
    with running_servers(durable=True) as found:
        yield found


@pytest.fixture
def own_client(pair, tmp_path):
    return create_app([register], settings=load_settings(pair.environment(tmp_path))).test_client()


def test_without_the_database_callers_hear_503_and_it_comes_back(pair, own_client):
    account = an_account(own_client)
    pair.running.postgres.stop()
    try:
        answer = account.get("/auth/sessions")
        is_problem(answer, 503, "unavailable")
        assert answer.headers["Retry-After"]
        # Fail closed: a session that cannot be looked up is not let in.
        is_problem(own_client.patch("/api/v1/me", json={}, headers=account.headers), 503, "unavailable")
        ready = own_client.get("/readyz")
        assert (ready.status_code, ready.json["status"]) == (503, "unavailable")
        assert {"database", "migrations"} <= set(ready.json["degraded"])
        assert own_client.get("/healthz").status_code == 200
        assert own_client.get("/").status_code == 503
    finally:
        pair.running.postgres.start()
    assert account.get("/auth/sessions").status_code == 200


def test_without_redis_everything_goes_on_and_limits_still_hold(pair, own_client):
    account = an_account(own_client)
    pair.running.valkey.kill()
    try:
        answer = account.get("/me")
        assert answer.status_code == 200
        assert int(answer.headers["RateLimit-Remaining"]) < int(answer.headers["RateLimit-Limit"])
        ready = own_client.get("/readyz")
        assert (ready.status_code, ready.json["status"]) == (200, "degraded")
        assert "redis" in ready.json["degraded"]
    finally:
        pair.running.valkey.start()
    assert account.get("/me").status_code == 200


def test_a_frozen_redis_holds_nobody_up(pair, own_client):
    account = an_account(own_client)
    os.kill(pair.running.valkey.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        answers = [account.get("/me") for _ in range(20)]
        took = time.monotonic() - began
    finally:
        os.kill(pair.running.valkey.process.pid, signal.SIGCONT)
    assert {answer.status_code for answer in answers} == {200}
    assert took < 3
