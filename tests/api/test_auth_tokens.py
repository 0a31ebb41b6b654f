"""A zoo of access tokens that must be refused: forged, tampered, expired, of another kind or for somebody else."""

import time
import uuid

import jwt
import pytest

from tests.factories.accounts import an_account, bearer, is_problem
from tests.factories.tokens import FORGED, made, parts_of
from tests.factories.waiting import eventually


@pytest.fixture
def account(client):
    return an_account(client)


@pytest.fixture
def parts(app, account):
    return parts_of(app, account.access_token)


def me(client, token):
    return client.get("/api/v1/me", headers=bearer(token))


def test_the_same_token_made_again_is_good(client, parts):
    assert me(client, made(parts)).status_code == 200


@pytest.mark.parametrize("kind", FORGED)
def test_forged_tokens_are_refused(client, parts, kind):
    token = FORGED[kind](parts)
    is_problem(me(client, token), 401, "token_invalid")
    # A token that is given must be good, also where none is needed.
    is_problem(client.get("/api/v1/cart", headers=bearer(token)), 401, "token_invalid")


def test_an_expired_token_is_named_so_after_the_leeway(client, parts):
    is_problem(me(client, made(parts, exp=int(time.time()) - 11)), 401, "token_expired")
    assert me(client, made(parts, exp=int(time.time()) - 5)).status_code == 200


def test_a_token_remembered_as_good_still_expires(client, parts):
    token = made(parts, exp=int(time.time()) - 6)  # good for the rest of the leeway
    assert me(client, token).status_code == 200
    eventually(lambda: me(client, token).status_code != 200, within=10)
    is_problem(me(client, token), 401, "token_expired")


def test_a_refresh_token_is_no_access_token_and_the_other_way_round(client, account):
    is_problem(me(client, account.refresh_token), 401, "token_invalid")
    answer = client.post("/api/v1/auth/refresh", headers=account.headers)
    is_problem(answer, 401, "token_invalid")


def test_a_good_token_of_a_session_of_somebody_else_is_refused(client, parts):
    stranger = an_account(client)
    theirs = jwt.decode(stranger.access_token, options={"verify_signature": False})
    is_problem(me(client, made(parts, sid=theirs["sid"])), 401, "session_ended")
    is_problem(me(client, made(parts, sid=str(uuid.uuid4()))), 401, "session_ended")


def test_other_schemes_and_empty_tokens_are_refused(client):
    for header in ("Basic Zm9vOmJhcg==", "Bearer", "Bearer ", "Token x", ""):
        answer = client.get("/api/v1/me", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_no_header_is_unauthenticated(client):
    is_problem(client.get("/api/v1/me"), 401, "unauthenticated")


def test_the_api_reads_no_cookie(client, account):
    for name in ("access", "__Host-access", "access_token", "access_token_cookie"):
        client.set_cookie(name, account.access_token)
    is_problem(client.get("/api/v1/me"), 401, "unauthenticated")


def test_tokens_in_the_address_or_the_body_are_not_read(client, account):
    is_problem(client.get(f"/api/v1/me?jwt={account.access_token}"), 401, "unauthenticated")
    answer = client.patch("/api/v1/me", json={"access_token": account.access_token})
    is_problem(answer, 401, "unauthenticated")


def test_the_token_says_what_it_must(parts):
    header, claims, _ = parts
    assert header["alg"] == "HS256"
    assert header["kid"]
    assert {"iss", "aud", "type", "jti", "sid", "sub", "iat", "exp"} <= claims.keys()
    assert claims["exp"] - claims["iat"] == 1800
    assert (claims["iss"], claims["aud"], claims["type"]) == ("quickshop", "quickshop-api", "access")
