"""A zoo of access tokens that must be refused: forged, tampered, expired, of another kind or for somebody else."""

import base64
import json
import time
import uuid

import jwt
import pytest

from tests.factories.accounts import an_account, bearer, is_problem
from tests.factories.waiting import eventually


@pytest.fixture
def account(client):
    return an_account(client)


@pytest.fixture
def parts(app, account):
    """The real token's header and claims, and the shop's signing key."""
    claims = jwt.decode(account.access_token, options={"verify_signature": False})
    header = jwt.get_unverified_header(account.access_token)
    return header, claims, app.config["JWT_SECRET_KEY"]


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def made(parts, *, header=None, key=None, drop=(), algorithm="HS256", **changes):
    """A token like the real one but for the changes."""
    real_header, claims, real_key = parts
    claims = {k: v for k, v in (claims | changes).items() if k not in drop}
    headers = {k: v for k, v in (real_header | (header or {})).items() if k != "alg"}
    return jwt.encode(claims, key or real_key, algorithm=algorithm, headers=headers)


def tampered(token, claims):
    """The token with other claims under its own signature."""
    header, _, signature = token.split(".")
    return f"{header}.{encoded({**claims, 'sub': str(uuid.uuid4())})}.{signature}"


def me(client, token):
    return client.get("/api/v1/me", headers=bearer(token))


def test_the_same_token_made_again_is_good(client, parts):
    assert me(client, made(parts)).status_code == 200


FORGED = {
    "no algorithm": lambda p: f"{encoded({**p[0], 'alg': 'none'})}.{encoded(p[1])}.",
    "no algorithm, other case": lambda p: f"{encoded({**p[0], 'alg': 'NoNe'})}.{encoded(p[1])}.",
    "no signature": lambda p: made(p).rpartition(".")[0] + ".",
    "another key": lambda p: made(p, key="another-key-of-thirty-two-characters!"),
    "an empty key": lambda p: made(p, key="\0" * 32),
    "another algorithm of the family": lambda p: made(p, algorithm="HS512"),
    "a foreign key id": lambda p: made(p, header={"kid": "other"}),
    "a key brought along": lambda p: made(p, header={"jwk": {"kty": "oct", "k": "AAAA"}}),
    "a key set address": lambda p: made(p, header={"jku": "http://127.0.0.1/keys"}),
    "a certificate address": lambda p: made(p, header={"x5u": "http://127.0.0.1/x"}),
    "a path as key id": lambda p: made(p, header={"kid": "../../dev/null"}),
    "another audience": lambda p: made(p, aud="another-shop"),
    "no audience": lambda p: made(p, drop=["aud"]),
    "another issuer": lambda p: made(p, iss="another-shop"),
    "no issuer": lambda p: made(p, drop=["iss"]),
    "no expiry": lambda p: made(p, drop=["exp"]),
    "no session": lambda p: made(p, drop=["sid"]),
    "no id": lambda p: made(p, drop=["jti"]),
    "no subject": lambda p: made(p, drop=["sub"]),
    "a number as subject": lambda p: made(p, sub=7),
    "a subject that is no id": lambda p: made(p, sub="robin"),
    "a session that is no id": lambda p: made(p, sid="1 OR 1=1"),
    "a session as a list": lambda p: made(p, sid=["x"]),
    "an expiry in words": lambda p: made(p, exp="tomorrow"),
    "not yet valid": lambda p: made(p, nbf=int(time.time()) + 3600),
    "of kind refresh": lambda p: made(p, type="refresh"),
    "of no kind that we know": lambda p: made(p, type="admin"),
    "tampered claims": lambda p: ".".join(
        [made(p).split(".")[0], encoded({**p[1], "sub": "x"}), made(p).split(".")[2]]
    ),
    "no token at all": lambda p: "x",
    "two parts": lambda p: "a.b",
    "broken base64": lambda p: "!!!.???.###",
    "a list as header": lambda p: f"{encoded([1])}.{encoded(p[1])}.{encoded(b'x')}",
    "not JSON inside": lambda p: f"{encoded(b'{')}.{encoded(b'{')}.{encoded(b'x')}",
    "very long": lambda p: "a" * 5000,
}


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
