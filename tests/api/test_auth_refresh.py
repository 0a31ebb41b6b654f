"""Exchanging refresh tokens: each good once, one winner of many at once, reuse ends the family."""

from concurrent.futures import ThreadPoolExecutor

import jwt

from tests.factories.accounts import an_account, bearer, execute, is_problem, mailed, rows


def refresh(client, token):
    return client.post("/api/v1/auth/refresh", headers=bearer(token))


def grow_older(client, seconds):
    """Let every exchange so far lie further back."""
    execute(
        client,
        "UPDATE refresh_tokens SET rotated_at = rotated_at - make_interval(secs => :s)",
        s=seconds,
    )


def session_rows(client):
    return rows(client, "SELECT revoked_at, revoked_reason FROM sessions ORDER BY created_at")


def test_a_refresh_token_gives_a_new_pair_that_works(client):
    account = an_account(client)
    answer = refresh(client, account.refresh_token)
    assert answer.status_code == 200
    assert answer.json["refresh_token"] != account.refresh_token
    assert client.get("/api/v1/me", headers=bearer(answer.json["access_token"])).status_code == 200
    assert refresh(client, answer.json["refresh_token"]).status_code == 200


def test_it_lives_seven_days_from_its_issue_but_not_beyond_the_session(client):
    account = an_account(client)
    claims = jwt.decode(account.refresh_token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 7 * 24 * 3600
    execute(client, "UPDATE sessions SET ends_at = now() + interval '1 hour'")
    claims = jwt.decode(
        refresh(client, account.refresh_token).json["refresh_token"], options={"verify_signature": False}
    )
    assert 3500 < claims["exp"] - claims["iat"] <= 3601


def test_twenty_parallel_uses_of_one_token_have_one_successor(app, client):
    account = an_account(client)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: refresh(app.test_client(), account.refresh_token), range(20)))
    assert {a.status_code for a in answers} == {200}
    assert len({a.json["refresh_token"] for a in answers}) == 1
    assert len(rows(client, "SELECT 1 FROM refresh_tokens WHERE rotated_at IS NULL")) == 1


def test_the_immediate_predecessor_gets_the_same_successor_for_ten_seconds(client):
    account = an_account(client)
    first = refresh(client, account.refresh_token).json["refresh_token"]
    grow_older(client, 9)
    assert refresh(client, account.refresh_token).json["refresh_token"] == first
    assert session_rows(client)[0].revoked_at is None


def test_after_the_grace_a_used_token_ends_the_whole_family(client):
    account = an_account(client)
    successor = refresh(client, account.refresh_token).json
    grow_older(client, 11)
    is_problem(refresh(client, account.refresh_token), 401, "refresh_token_reused")
    is_problem(refresh(client, successor["refresh_token"]), 401, "session_ended")
    is_problem(client.get("/api/v1/me", headers=bearer(successor["access_token"])), 401, "session_ended")
    assert session_rows(client)[0].revoked_reason == "refresh token used again"
    last = rows(client, "SELECT type, data FROM account_events ORDER BY seq DESC LIMIT 1")[0]
    assert (last.type, last.data["reason"]) == ("account.session_revoked", "reuse")
    assert mailed(client)[-1]["type"] == "account.session_reuse"
    told = rows(
        client,
        "SELECT outcome FROM audit_log JOIN users u ON target = 'user:' || u.id WHERE action = 'session.reused'",
    )
    assert [row.outcome for row in told] == ["denied"]


def test_a_grandparent_ends_the_family_even_within_the_grace(client):
    account = an_account(client)
    child = refresh(client, account.refresh_token).json["refresh_token"]
    grandchild = refresh(client, child).json["refresh_token"]
    is_problem(refresh(client, account.refresh_token), 401, "refresh_token_reused")
    is_problem(refresh(client, grandchild), 401, "session_ended")


def test_reuse_ends_one_family_and_no_other(client):
    account = an_account(client)
    stolen = account.refresh_token
    account.sign_in()
    refresh(client, stolen)
    grow_older(client, 11)
    is_problem(refresh(client, stolen), 401, "refresh_token_reused")
    assert account.get("/me").status_code == 200


def test_a_token_past_its_days_is_refused_though_its_session_lives(client):
    account = an_account(client)
    execute(client, "UPDATE refresh_tokens SET expires_at = now() - interval '1 s'")
    is_problem(refresh(client, account.refresh_token), 401, "session_ended")


def test_a_session_ends_after_its_last_day_whatever_happens(client):
    account = an_account(client)
    execute(client, "UPDATE sessions SET ends_at = now() - interval '1 s'")
    is_problem(refresh(client, account.refresh_token), 401, "session_ended")
    with client.application.app_context():
        from quickshop.accounts import sessions

        sessions.forget(*(r.id for r in rows(client, "SELECT id FROM sessions")))
    is_problem(account.get("/me"), 401, "session_ended")


def test_without_a_token_the_answer_says_what_to_send(client):
    is_problem(client.post("/api/v1/auth/refresh"), 401, "unauthenticated")


def test_no_refresh_token_stands_in_the_database(client):
    account = an_account(client)
    secret = jwt.decode(account.refresh_token, options={"verify_signature": False})["jti"]
    stored = [bytes(r.token_hash) for r in rows(client, "SELECT token_hash FROM refresh_tokens")]
    assert stored
    assert secret.encode() not in stored
