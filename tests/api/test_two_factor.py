"""Two-factor sign-in by API: set up, turned on, asked for, each code once, and off again."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from quickshop.accounts.roles import grant
from quickshop.kernel import clock
from quickshop.kernel.unit_of_work import run_unit
from quickshop.security import totp
from tests.factories.accounts import Account, a_staff_account, an_account, execute, is_problem, mailed, rows
from tests.factories.two_factor import code_of, turn_on, with_two_factor


def login(client, account):
    return client.post("/api/v1/auth/login", json={"login": account.email, "password": account.password})


def second(client, challenge, code):
    return client.post("/api/v1/auth/login/2fa", json={"challenge": challenge, "code": code})


def challenged(client, account):
    answer = login(client, account)
    assert is_problem(answer, 401, "two_factor_required")
    return answer.json["challenge"]


def post(account, path, **body):
    return account.client.post(f"/api/v1/auth/2fa{path}", json=body, headers=account.headers)


# --- turning it on -------------------------------------------------------------------------------------


def test_set_up_shows_a_secret_and_changes_nothing_yet(client):
    account = an_account(client)
    made = post(account, "/setup", password=account.password)
    assert made.status_code == 200
    assert made.json["otpauth_uri"].startswith("otpauth://totp/QuickShop:")
    assert made.json["secret"] in made.json["otpauth_uri"] and made.json["qr_svg"].startswith("<svg")
    assert account.get("/auth/2fa").json == {"enabled": False, "recovery_codes_left": 0}
    assert login(client, account).status_code == 200


def test_set_up_needs_the_password(client):
    account = an_account(client)
    is_problem(post(account, "/setup", password="Wrong-Password-1"), 403, "proof_wrong")
    assert rows(client, "SELECT 1 FROM two_factors") == []


def test_a_first_code_turns_it_on_and_gives_ten_recovery_codes(client):
    account = an_account(client)
    codes = turn_on(account)
    assert len(set(codes)) == 10
    assert account.get("/auth/2fa").json == {"enabled": True, "recovery_codes_left": 10}
    assert account.get("/auth/sessions").json["items"][0]["second_factor"] is True


def test_a_wrong_first_code_turns_nothing_on(client):
    account = an_account(client)
    secret = post(account, "/setup", password=account.password).json["secret"]
    wrong = f"{(int(code_of(secret)) + 1) % 1000000:06}"
    is_problem(post(account, "/enable", code=wrong), 403, "code_wrong")
    assert login(client, account).status_code == 200


def test_enabling_without_set_up_or_long_after_it_is_refused(client, later):
    account = an_account(client)
    is_problem(post(account, "/enable", code="123456"), 409, "set_up_first")
    secret = post(account, "/setup", password=account.password).json["secret"]
    later(minutes=31)
    is_problem(post(account, "/enable", code=code_of(secret)), 409, "set_up_first")


def test_turning_it_on_ends_all_other_sessions_and_is_told(client):
    account = an_account(client)
    other = Account(client, account.email, account.username)
    other.sign_in()
    turn_on(account)
    is_problem(other.get("/me"), 401, "session_ended")
    assert account.get("/me").status_code == 200
    assert "account.two_factor_enabled" in [r.type for r in rows(client, "SELECT type FROM account_events")]
    assert "account.two_factor_changed" in [m["type"] for m in mailed(client)]


def test_it_cannot_be_set_up_twice(client):
    account = with_two_factor(an_account(client))
    is_problem(post(account, "/setup", password=account.password), 409, "two_factor_on")


def test_neither_secret_nor_recovery_codes_stand_in_the_database(client):
    account = an_account(client)
    codes = turn_on(account)
    secret = account.extra["secret"].encode()
    assert secret not in bytes(rows(client, "SELECT secret FROM two_factors")[0].secret)
    stored = b"".join(bytes(r.code_hash) for r in rows(client, "SELECT code_hash FROM recovery_codes"))
    assert not any(code.encode() in stored for code in codes)


# --- signing in ----------------------------------------------------------------------------------------


def test_the_password_alone_gives_a_challenge_and_a_code_gives_the_session(client):
    account = with_two_factor(an_account(client))
    answer = second(client, challenged(client, account), account.extra["next_code"]())
    assert answer.status_code == 200
    account.access_token = answer.json["access_token"]
    assert account.get("/me").status_code == 200


def test_a_wrong_password_tells_nothing_of_two_factor(client):
    account = with_two_factor(an_account(client))
    account.password = "Wrong-Password-1"
    is_problem(login(client, account), 401, "wrong_credentials")


def test_a_code_that_was_used_is_refused_and_the_next_one_is_taken(client, later):
    account = with_two_factor(an_account(client))
    code = account.extra["next_code"]()
    assert second(client, challenged(client, account), code).status_code == 200
    challenge = challenged(client, account)
    is_problem(second(client, challenge, code), 401, "code_wrong")
    later(seconds=60)
    assert second(client, challenge, code_of(account.extra["secret"])).status_code == 200


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_to_either_side_is_good(client, later, steps, taken):
    account = with_two_factor(an_account(client))
    later(minutes=5)
    code = totp.code_of(account.extra["secret"], totp.step_of(clock.now()) + steps)
    assert (second(client, challenged(client, account), code).status_code == 200) is taken


def test_an_earlier_step_is_refused_after_a_later_one(client, later):
    account = with_two_factor(an_account(client))
    later(minutes=5)
    step = totp.step_of(clock.now())
    assert (
        second(client, challenged(client, account), totp.code_of(account.extra["secret"], step + 1)).status_code == 200
    )
    is_problem(
        second(client, challenged(client, account), totp.code_of(account.extra["secret"], step)), 401, "code_wrong"
    )


def test_a_recovery_code_signs_in_once_however_it_is_typed(client):
    account = an_account(client)
    first, *_ = turn_on(account)
    assert second(client, challenged(client, account), f" {first.replace('-', ' ')} ").status_code == 200
    is_problem(second(client, challenged(client, account), first), 401, "code_wrong")
    assert account.get("/auth/2fa").json["recovery_codes_left"] == 9


@pytest.mark.parametrize("challenge", ["x", "0" * 43])
def test_an_unknown_challenge_is_refused(client, challenge):
    is_problem(second(client, challenge, "123456"), 401, "challenge_invalid")


def test_a_challenge_is_good_for_five_minutes_and_one_success(client, later):
    account = with_two_factor(an_account(client))
    late, used = challenged(client, account), challenged(client, account)
    assert second(client, used, account.extra["next_code"]()).status_code == 200
    is_problem(second(client, used, "123456"), 401, "challenge_invalid")
    later(minutes=5, seconds=1)
    is_problem(second(client, late, code_of(account.extra["secret"])), 401, "challenge_invalid")


def test_a_new_password_ends_a_sign_in_that_is_half_done(client, later):
    account = with_two_factor(an_account(client))
    challenge = challenged(client, account)
    client.post("/api/v1/auth/password/forgot", json={"email": account.email})
    token = mailed(client, "account.password_reset_requested")[-1]["token"]
    body = {"token": token, "password": "Another-Harvest-28"}
    assert client.post("/api/v1/auth/password/reset", json=body).status_code == 204
    is_problem(second(client, challenge, account.extra["next_code"]()), 401, "challenge_invalid")
    account.password = body["password"]
    assert challenged(client, account)  # a reset by mail does not replace the second factor


def test_a_closed_account_gets_no_session_from_its_code(client):
    account = with_two_factor(an_account(client))
    challenge = challenged(client, account)
    execute(client, "UPDATE users SET disabled_at = now()")
    is_problem(second(client, challenge, account.extra["next_code"]()), 403, "account_disabled")


def test_five_wrong_codes_bring_a_wait_that_a_new_challenge_does_not_shorten(client, later):
    account = with_two_factor(an_account(client))
    for _ in range(5):
        is_problem(second(client, challenged(client, account), "aaaaa-aaaaa"), 401, "code_wrong")
    answer = second(client, challenged(client, account), account.extra["next_code"]())
    assert is_problem(answer, 429, "too_many_attempts")
    assert 290 <= int(answer.headers["Retry-After"]) <= 300
    later(minutes=5)
    assert second(client, challenged(client, account), code_of(account.extra["secret"])).status_code == 200


# --- races ---------------------------------------------------------------------------------------------


def at_once(app, calls):
    """Status codes of calls made at once."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [a.status_code for a in pool.map(lambda call: second(app.test_client(), *call), calls)]


def test_twenty_uses_of_one_code_have_one_winner(app, client):
    account = with_two_factor(an_account(client))
    code = account.extra["next_code"]()
    assert at_once(app, [(challenged(client, account), code) for _ in range(20)]).count(200) == 1
    assert (
        len(
            rows(
                client,
                "SELECT 1 FROM sessions WHERE revoked_at IS NULL AND second_factor_at > created_at - interval '1 s'",
            )
        )
        == 2
    )


def test_twenty_uses_of_one_recovery_code_have_one_winner(app, client):
    account = an_account(client)
    code = turn_on(account)[0]
    assert at_once(app, [(challenged(client, account), code) for _ in range(20)]).count(200) == 1
    assert len(rows(client, "SELECT 1 FROM recovery_codes WHERE used_at IS NOT NULL")) == 1


def test_twenty_uses_of_one_challenge_have_one_winner(app, client):
    account = an_account(client)
    codes = turn_on(account)
    challenge = challenged(client, account)
    assert at_once(app, [(challenge, codes[i % 10]) for i in range(20)]).count(200) == 1
    assert len(rows(client, "SELECT 1 FROM recovery_codes WHERE used_at IS NOT NULL")) == 1


# --- turning it off, and new recovery codes ------------------------------------------------------------


def test_turning_it_off_needs_password_and_code_and_ends_all_other_sessions(client):
    account = an_account(client)
    codes = turn_on(account)
    is_problem(post(account, "/disable", password=account.password, code="000000"), 403, "code_wrong")
    is_problem(post(account, "/disable", password="Wrong-Password-1", code=codes[0]), 403, "proof_wrong")
    other = Account(client, account.email, account.username)
    other.access_token = second(client, challenged(client, account), codes[1]).json["access_token"]
    assert post(account, "/disable", password=account.password, code=codes[0]).status_code == 204
    assert login(client, account).status_code == 200
    is_problem(other.get("/me"), 401, "session_ended")
    assert rows(client, "SELECT 1 FROM two_factors") == rows(client, "SELECT 1 FROM recovery_codes") == []
    is_problem(post(account, "/disable", password=account.password, code=codes[2]), 409, "two_factor_off")


def test_staff_may_not_turn_it_off(client):
    account = an_account(client)
    codes = turn_on(account)
    with client.application.app_context():
        user_id = rows(client, "SELECT id FROM users")[0].id
        run_unit(lambda: grant(user_id, "support"))
    is_problem(post(account, "/disable", password=account.password, code=codes[0]), 403, "staff_need_second_factor")


def test_new_recovery_codes_replace_the_old(client):
    account = an_account(client)
    old = turn_on(account)
    answer = post(account, "/recovery-codes", password=account.password, code=old[0])
    assert answer.status_code == 200 and not set(answer.json["recovery_codes"]) & set(old)
    is_problem(second(client, challenged(client, account), old[1]), 401, "code_wrong")
    assert second(client, challenged(client, account), answer.json["recovery_codes"][0]).status_code == 200


@pytest.mark.parametrize("path", ["/disable", "/recovery-codes"])
def test_whoever_has_two_factor_is_told_that_a_code_is_needed(client, path):
    account = an_account(client)
    turn_on(account)
    is_problem(post(account, path, password=account.password), 403, "code_needed")


@pytest.mark.parametrize("path", ["/setup", "/enable", "/disable", "/recovery-codes"])
def test_guests_have_nothing_to_set_up(client, path):
    is_problem(client.post(f"/api/v1/auth/2fa{path}", json={}), 401, "unauthenticated")


# --- staff ---------------------------------------------------------------------------------------------


def test_staff_work_begins_at_once_when_two_factor_is_turned_on(client):
    account = an_account(client)
    user_id = rows(client, "SELECT id FROM users")[0].id
    with client.application.app_context():
        run_unit(lambda: grant(user_id, "admin"))
    is_problem(account.get("/admin/orders"), 403, "second_factor_needed")
    turn_on(account)
    assert account.get("/admin/orders").status_code == 200


def test_a_staff_session_of_one_factor_stays_a_customers(client):
    staff = a_staff_account(client)
    assert staff.get("/admin/orders").status_code == 200
    staff.sign_in()
    is_problem(staff.get("/admin/orders"), 403, "second_factor_needed")
    assert staff.get("/me").status_code == 200


def test_who_has_not_proved_the_address_leaves_no_second_factor_in_the_account(client):
    squatter = an_account(client, verified=False)
    body = {"password": squatter.password}
    is_problem(client.post("/api/v1/auth/2fa/setup", json=body, headers=squatter.headers), 403, "email_not_verified")
    answer = client.post("/api/v1/auth/passkeys/register/options", json=body, headers=squatter.headers)
    is_problem(answer, 403, "email_not_verified")
