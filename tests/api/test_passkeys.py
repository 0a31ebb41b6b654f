"""Passkeys by API: made after proof, good alone and beside a password, and refused whenever something does not fit."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from webauthn.helpers import bytes_to_base64url

from quickshop.accounts.roles import grant
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.accounts import Account, an_account, execute, is_problem, mailed, rows
from tests.factories.authenticators import Authenticator
from tests.factories.two_factor import turn_on

PREFIX = "/api/v1/auth/passkeys"


@pytest.fixture
def origin(settings):
    return settings.passkey_origins[-1]


@pytest.fixture
def account(client):
    return an_account(client)


def post(account, path, **body):
    return account.client.post(PREFIX + path, json=body, headers=account.headers)


def question(account, **more):
    answer = post(account, "/register/options", password=account.password, **more)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json


def keep(account, device, asked, name="My phone"):
    credential = device.create(asked["options"])
    return post(account, "/register", challenge=asked["challenge"], credential=credential, name=name)


def with_passkey(account, origin, **more):
    """A device of the account's that holds a passkey."""
    device = Authenticator(origin, **more)
    assert keep(account, device, question(account)).status_code == 201
    return device


def ask(client):
    answer = client.post(f"{PREFIX}/login/options")
    assert answer.status_code == 200
    return answer.json


def login(client, asked, credential):
    return client.post(f"{PREFIX}/login", json={"challenge": asked["challenge"], "credential": credential})


def sign_in(client, device):
    asked = ask(client)
    return login(client, asked, device.get(asked["options"]))


def audited(client):
    """What the audit log says of the passkeys of those who are here; it outlives them in tests."""
    found = rows(
        client,
        "SELECT action, outcome FROM audit_log JOIN users u ON target = 'user:' || u.id"
        " WHERE action LIKE 'passkey.%' ORDER BY seq",
    )
    return [(r.action, r.outcome) for r in found]


# --- making one ----------------------------------------------------------------------------------------


def test_a_passkey_is_made_for_the_password_and_listed(client, account, origin):
    asked = question(account)
    assert asked["options"]["rp"]["id"] == "localhost"
    assert asked["options"]["authenticatorSelection"]["userVerification"] == "required"
    made = keep(account, Authenticator(origin), asked)
    assert made.status_code == 201 and made.json["name"] == "My phone"
    assert account.get("/auth/passkeys").json["items"] == [made.json]
    assert "account.two_factor_changed" in [m["type"] for m in mailed(client)]
    assert audited(client) == [("passkey.added", "done")]


def test_making_one_needs_the_password_and_a_code_where_two_factor_is_on(client, account):
    is_problem(post(account, "/register/options", password="Wrong-Password-1"), 403, "proof_wrong")
    codes = turn_on(account)
    is_problem(post(account, "/register/options", password=account.password), 403, "code_needed")
    is_problem(post(account, "/register/options", password=account.password, code="000000"), 403, "code_wrong")
    assert question(account, code=codes[0])


def test_a_question_is_answered_once_by_the_session_that_asked(client, account, origin):
    asked = question(account)
    other = Account(client, account.email, account.username)
    other.sign_in()
    is_problem(keep(other, Authenticator(origin), asked), 401, "challenge_invalid")
    stranger = an_account(client)
    is_problem(keep(stranger, Authenticator(origin), asked), 401, "challenge_invalid")
    assert keep(account, Authenticator(origin), asked).status_code == 201
    is_problem(keep(account, Authenticator(origin), asked), 401, "challenge_invalid")


def test_a_question_is_good_for_five_minutes(account, origin, later):
    asked = question(account)
    later(minutes=5, seconds=1)
    is_problem(keep(account, Authenticator(origin), asked), 401, "challenge_invalid")


@pytest.mark.parametrize(
    "device", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"verified": False}], ids=str
)
def test_what_does_not_fit_is_not_kept(client, account, origin, device):
    wrong = Authenticator(**{"origin": origin, **device})
    is_problem(keep(account, wrong, question(account)), 401, "passkey_invalid")
    assert rows(client, "SELECT 1 FROM passkeys") == []


@pytest.mark.parametrize(
    "credential", [{}, {"id": 7}, {"id": "a", "rawId": "a", "type": "x", "response": {}}, {"response": []}], ids=str
)
def test_malformed_credentials_are_refused(client, account, credential):
    asked = question(account)
    body = {"challenge": asked["challenge"], "credential": credential, "name": "x"}
    is_problem(post(account, "/register", **body), 401, "passkey_invalid")
    is_problem(login(client, ask(client), credential), 401, "passkey_invalid")


def test_one_device_registers_once(client, account, origin):
    device = with_passkey(account, origin)
    asked = question(account)
    assert len(asked["options"]["excludeCredentials"]) == 1
    is_problem(keep(account, device, asked), 401, "passkey_invalid")


# --- signing in alone ----------------------------------------------------------------------------------


def test_it_signs_in_alone_and_counts_as_both_factors(client, account, origin):
    device = with_passkey(account, origin)
    user_id = rows(client, "SELECT id FROM users")[0].id
    with client.application.app_context():
        run_unit(lambda: grant(user_id, "admin"))
    answer = sign_in(client, device)
    assert answer.status_code == 200
    account.access_token = answer.json["access_token"]
    assert account.get("/admin/orders").status_code == 200
    assert account.get("/auth/passkeys").json["items"][0]["last_used_at"]


def test_a_device_that_does_not_count_signs_in_again_and_again(client, account, origin):
    device = with_passkey(account, origin, counts=False)
    assert [sign_in(client, device).status_code for _ in range(3)] == [200, 200, 200]


def test_a_counter_that_goes_back_is_refused_and_audited(client, account, origin):
    device = with_passkey(account, origin)
    assert sign_in(client, device).status_code == 200
    device.count -= 1
    is_problem(sign_in(client, device), 401, "passkey_copied")
    assert audited(client) == [("passkey.added", "done"), ("passkey.refused", "denied")]
    assert sign_in(client, device).status_code == 200  # the true device has counted on


def test_a_device_that_did_not_verify_its_user_is_not_enough_alone(client, account, origin):
    device = with_passkey(account, origin)
    device.verified = False
    is_problem(sign_in(client, device), 401, "passkey_invalid")


def test_signatures_of_something_else_are_refused(client, account, origin):
    device = with_passkey(account, origin)
    first, second = ask(client), ask(client)
    is_problem(login(client, first, device.get(second["options"])), 401, "passkey_invalid")
    tampered = device.get(first["options"])
    tampered["response"]["signature"] = device.get(second["options"])["response"]["signature"]
    is_problem(login(client, first, tampered), 401, "passkey_invalid")
    device.origin = "https://evil.example"
    is_problem(login(client, first, device.get(first["options"])), 401, "passkey_invalid")
    is_problem(sign_in(client, Authenticator(origin)), 401, "passkey_invalid")  # known to nobody


def test_somebody_elses_user_handle_is_refused(client, account, origin):
    device = with_passkey(account, origin)
    device.user_handle = b"x" * 16
    is_problem(sign_in(client, device), 401, "passkey_invalid")


def test_a_question_made_up_by_the_client_is_refused(client, account, origin):
    device = with_passkey(account, origin)
    made_up = {"challenge": "made-up", "options": {"challenge": "bWFkZS11cA"}}
    is_problem(login(client, made_up, device.get(made_up["options"])), 401, "challenge_invalid")


def test_twenty_uses_of_one_signature_have_one_winner(app, client, account, origin):
    device = with_passkey(account, origin, counts=False)
    asked = ask(client)
    credential = device.get(asked["options"])
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: login(app.test_client(), asked, credential), range(20)))
    assert sorted({a.status_code for a in answers}) == [200, 401]
    assert [a.status_code for a in answers].count(200) == 1


def test_a_closed_account_does_not_get_in(client, account, origin):
    device = with_passkey(account, origin)
    execute(client, "UPDATE users SET disabled_at = now()")
    is_problem(sign_in(client, device), 403, "account_disabled")


# --- beside the password -------------------------------------------------------------------------------


def challenged(client, account):
    answer = client.post("/api/v1/auth/login", json={"login": account.email, "password": account.password})
    assert is_problem(answer, 401, "two_factor_required")
    return answer.json


def second(client, challenge, **answer):
    return client.post("/api/v1/auth/login/2fa", json={"challenge": challenge, **answer})


def test_it_stands_in_for_the_code_even_where_the_device_does_not_know_its_user(client, account, origin):
    device = with_passkey(account, origin)
    turn_on(account)
    asked = challenged(client, account)
    assert asked["methods"] == ["totp", "recovery_code", "passkey"]
    device.verified = False
    answer = second(client, asked["challenge"], credential=device.get(asked["passkey_options"]))
    assert answer.status_code == 200


def test_without_a_passkey_none_is_offered(client, account):
    turn_on(account)
    asked = challenged(client, account)
    assert asked["methods"] == ["totp", "recovery_code"] and "passkey_options" not in asked


def test_somebody_elses_passkey_does_not_stand_in(client, account, origin):
    turn_on(account)
    strangers = with_passkey(an_account(client), origin)
    asked = challenged(client, account)
    options = {"challenge": _as_challenge(asked["challenge"])}
    answer = second(client, asked["challenge"], credential=strangers.get(options))
    is_problem(answer, 401, "passkey_invalid")


def _as_challenge(token):
    return bytes_to_base64url(token.encode())


@pytest.mark.parametrize("answer", [{}, {"code": "1", "credential": {}}, {"credential": "x"}, {"code": 7}])
def test_a_second_step_has_one_answer(client, answer):
    is_problem(second(client, "x", **answer), 422, "validation_failed")


# --- removing ------------------------------------------------------------------------------------------


def remove(account, passkey_id, **body):
    return account.client.delete(f"{PREFIX}/{passkey_id}", json=body, headers=account.headers)


def test_removing_needs_proof_and_then_it_signs_nobody_in(client, account, origin):
    device = with_passkey(account, origin)
    passkey_id = account.get("/auth/passkeys").json["items"][0]["id"]
    is_problem(remove(account, passkey_id, password="Wrong-Password-1"), 403, "proof_wrong")
    is_problem(remove(an_account(client), passkey_id, password=account.password), 404, "not_found")
    assert remove(account, passkey_id, password=account.password).status_code == 204
    assert account.get("/auth/passkeys").json["items"] == []
    is_problem(sign_in(client, device), 401, "passkey_invalid")


@pytest.mark.parametrize("path", ["/register/options", "/register"])
def test_guests_make_none(client, path):
    is_problem(client.post(PREFIX + path, json={}), 401, "unauthenticated")
