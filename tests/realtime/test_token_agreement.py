"""REST and the socket verify access tokens apart, since edges know nothing of each other: here they must agree."""

import random
import time

import pytest

from blueprints.http.tokens import read_access_token
from quickshop.kernel.errors import ShopError
from realtime.auth import _read as read_on_socket
from tests.factories.accounts import an_account
from tests.factories.tokens import FORGED, made, parts_of, signed

ROUNDS = 300


@pytest.fixture
def account(client):
    return an_account(client)


@pytest.fixture
def parts(app, account):
    return parts_of(app, account.access_token)


def verdict(read, token):
    """What a verifier makes of a token: user and session, or the code of its refusal."""
    try:
        found = read(token)
    except ShopError as error:
        return error.code
    user, session, end = found if isinstance(found, tuple) else (found.user_id, found.session_id, found.expires_at)
    return str(user), str(session), end


def both(app, token):
    """The verdict that both must come to."""
    with app.app_context():
        rest, socket = verdict(read_access_token, token), verdict(read_on_socket, token)
    assert rest == socket, token
    return rest


def test_they_agree_on_every_token_of_the_zoo(app, parts):
    for kind, forge in FORGED.items():
        assert both(app, forge(parts)) in ("token_invalid", "token_expired"), kind


def test_they_agree_on_good_expired_and_refresh_tokens(app, account, parts):
    claims = parts[1]
    assert both(app, account.access_token) == (claims["sub"], claims["sid"], claims["exp"])
    assert both(app, account.refresh_token) == "token_invalid"
    for late, expected in ((5, claims["sub"]), (30, "token_expired")):
        found = both(app, made(parts, exp=int(time.time()) - late))
        assert (found if late == 30 else found[0]) == expected


def test_they_agree_on_tokens_with_any_sign_changed(app, account):
    chance = random.Random(20261124)
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ "
    for _ in range(ROUNDS):
        token = list(account.access_token)
        for _ in range(chance.randint(1, 3)):
            token[chance.randrange(len(token))] = chance.choice(signs)
        changed = "".join(token)
        found = both(app, changed)
        # Base64 ignores the last bits of its last sign: the same signature may be spelt in several ways.
        if changed[:-1] != account.access_token[:-1]:
            assert found == "token_invalid", changed


def test_they_agree_on_claims_left_out_or_of_another_kind(app, parts):
    strange = (None, "", 0, -1, 1.5, True, [], {}, "x" * 50, 2**70)
    for name in parts[1]:
        both(app, made(parts, drop=[name]))
        for value in strange:
            both(app, signed(parts, {**parts[1], name: value}))
