"""A forgotten password, and guesses that are slowed down."""

from concurrent.futures import ThreadPoolExecutor

from tests.factories.accounts import Account, an_account, bearer, execute, is_problem, mailed, rows

NEW = "Willow-Lantern-58"


def forgot(client, email):
    return client.post("/api/v1/auth/password/forgot", json={"email": email})


def reset(client, token, password=NEW):
    return client.post("/api/v1/auth/password/reset", json={"token": token, "password": password})


def reset_token(client):
    return mailed(client, "account.password_reset_requested")[-1]["token"]


def attempt(client, login, password="Wrong-Password-1"):
    return client.post("/api/v1/auth/login", json={"login": login, "password": password})


def test_a_forgotten_password_is_set_anew_and_all_sessions_end(client):
    account = an_account(client, verified=False)
    assert forgot(client, account.email).status_code == 202
    assert reset(client, reset_token(client)).status_code == 204
    is_problem(account.get("/me"), 401, "session_ended")
    is_problem(client.post("/api/v1/auth/refresh", headers=bearer(account.refresh_token)), 401, "session_ended")
    is_problem(attempt(client, account.email, account.password), 401, "wrong_credentials")
    account.password = NEW
    assert account.sign_in().status_code == 200
    assert account.get("/me").json["email_verified"] is True  # the mail was opened
    types = [e["type"] for e in account.get("/me/events").json["items"]]
    assert types[-3:] == ["account.email_verified", "account.password_reset", "account.signed_in"]


def test_known_and_unknown_addresses_get_the_same_answer(client):
    account = an_account(client)
    known, unknown = forgot(client, account.email), forgot(client, "nobody@quickshop.example")
    assert (known.status_code, known.json) == (unknown.status_code, unknown.json)
    assert len(mailed(client, "account.password_reset_requested")) == 1
    forgot(client, account.email)  # within a minute: nothing more is mailed
    assert len(mailed(client, "account.password_reset_requested")) == 1


def test_a_link_is_good_for_fifteen_minutes(client):
    account = an_account(client)
    forgot(client, account.email)
    token = reset_token(client)
    [row] = rows(client, "SELECT expires_at - created_at AS life FROM email_tokens WHERE purpose = 'reset_password'")
    assert row.life.total_seconds() == 900
    execute(client, "UPDATE email_tokens SET expires_at = now() - interval '1 s'")
    is_problem(reset(client, token), 400, "link_invalid")


def test_twenty_parallel_uses_of_one_link_have_one_winner(app, client):
    account = an_account(client)
    forgot(client, account.email)
    token = reset_token(client)
    passwords = [f"Willow-Lantern-{n}" for n in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda p: reset(app.test_client(), token, p).status_code, passwords))
    assert sorted(answers) == [204] + [400] * 19
    winner = passwords[answers.index(204)]
    assert attempt(client, account.email, winner).status_code == 200


def test_a_weak_new_password_does_not_use_the_link_up(client):
    account = an_account(client)
    forgot(client, account.email)
    token = reset_token(client)
    is_problem(reset(client, token, "weak"), 422, "validation_failed")
    assert reset(client, token).status_code == 204


def test_guesses_wait_longer_and_longer_and_the_owner_gets_in_again(client):
    account = an_account(client)
    for _ in range(5):
        is_problem(attempt(client, account.email), 401, "wrong_credentials")
    answer = attempt(client, account.email)
    is_problem(answer, 429, "too_many_attempts")
    assert int(answer.headers["Retry-After"]) in (1, 2)
    # By username it is the same account, and the right password must wait too.
    is_problem(attempt(client, account.username, account.password), 429, "too_many_attempts")

    execute(client, "UPDATE login_failures SET last_at = last_at - interval '2 s'")
    is_problem(attempt(client, account.email), 401, "wrong_credentials")
    answer = attempt(client, account.email)
    is_problem(answer, 429, "too_many_attempts")
    assert int(answer.headers["Retry-After"]) in (3, 4)

    execute(client, "UPDATE login_failures SET last_at = last_at - interval '4 s'")
    assert account.sign_in().status_code == 200
    assert attempt(client, account.email).status_code == 401  # the count began anew


def test_waiting_tells_nothing_of_whether_the_account_exists(client):
    account = an_account(client)
    for login in (account.email, "nobody@quickshop.example"):
        assert [attempt(client, login).status_code for _ in range(6)] == [401] * 5 + [429]


def test_parallel_guesses_do_not_slip_through_together(app, client):
    account = an_account(client)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: attempt(app.test_client(), account.email).status_code, range(40)))
    assert answers.count(401) <= 6
    assert set(answers) == {401, 429}


def test_many_accounts_from_one_address_are_slowed_in_the_strict_profile(client, monkeypatch):
    from quickshop.security import lockout

    monkeypatch.setattr(lockout, "ADDRESS", {"demo": lockout.Budget("address", 3)})
    answers = [attempt(client, f"nobody{n}@quickshop.example").status_code for n in range(5)]
    assert answers == [401, 401, 401, 429, 429]


def test_signing_in_rightly_costs_the_address_nothing(client):
    account = an_account(client)
    for _ in range(3):
        assert Account(client, account.email, account.username).sign_in().status_code == 200
    assert [r.failures for r in rows(client, "SELECT failures FROM login_failures")] == [0]


def test_a_new_password_by_mail_ends_push_messages_to_devices_of_before(client):
    account = an_account(client)
    path = "/api/v1/me/devices/their-phone-0123456789abcdef"
    body = {"platform": "ios", "name": "Phone"}
    assert client.put(path, json=body, headers=account.headers).status_code == 204
    forgot(client, account.email)
    assert reset(client, reset_token(client)).status_code == 204
    assert rows(client, "SELECT 1 FROM push_devices") == []
