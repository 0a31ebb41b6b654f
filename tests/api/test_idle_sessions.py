"""How long sessions last: unused, in all, and what counts as use; and what the list of devices says."""

from quickshop.accounts import sessions
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, unit_of_work
from tests.factories.accounts import an_account, bearer, execute, is_problem, rows


def refresh(client, token):
    return client.post("/api/v1/auth/refresh", headers=bearer(token))


def test_an_apps_session_ends_seven_days_after_its_last_use(client, later):
    account = an_account(client)
    later(days=6, hours=23)
    assert account.get("/me").status_code == 200
    later(days=13)
    assert account.get("/me").status_code == 200
    later(days=20, minutes=1)
    is_problem(account.get("/me"), 401, "session_ended")


def test_a_session_ends_after_thirty_days_however_much_it_is_used(client, later):
    account = an_account(client)
    for days in (6, 12, 18, 24, 29):
        later(days=days)
        assert account.get("/me").status_code == 200
    later(days=30, seconds=1)
    is_problem(account.get("/me"), 401, "session_ended")


def test_a_refresh_of_a_session_that_idled_out_is_refused(client):
    account = an_account(client)
    execute(client, "UPDATE sessions SET kind = 'web', last_used_at = now() - interval '31 min'")
    is_problem(refresh(client, account.refresh_token), 401, "session_ended")
    assert rows(client, "SELECT 1 FROM refresh_tokens WHERE rotated_at IS NOT NULL") == []


def test_whoever_has_a_role_has_the_shorter_time(client):
    account = an_account(client)
    execute(client, "UPDATE sessions SET kind = 'web', last_used_at = now() - interval '16 min'")
    with client.application.app_context(), reading():
        session_id = rows(client, "SELECT id FROM sessions")[0].id
        assert sessions.check(session_id, fresh=True, touch=False)
    execute(client, "INSERT INTO user_roles (user_id, role) SELECT id, 'support' FROM users")
    with client.application.app_context(), reading():
        assert sessions.check(session_id, fresh=True, touch=False) is None
    is_problem(refresh(client, account.refresh_token), 401, "session_ended")


def test_an_ended_session_is_not_brought_back_by_being_used(client):
    account = an_account(client)
    execute(client, "UPDATE sessions SET last_used_at = now() - interval '8 days'")
    with client.application.app_context():
        sessions.forget(rows(client, "SELECT id FROM sessions")[0].id)
    is_problem(account.get("/me"), 401, "session_ended")
    is_problem(account.get("/me"), 401, "session_ended")
    assert account.sign_in().status_code == 200
    assert len(account.get("/auth/sessions").json["items"]) == 1


def test_a_lookup_without_touch_is_no_use(client, later):
    an_account(client)
    before = rows(client, "SELECT last_used_at FROM sessions")
    later(minutes=5)
    with client.application.app_context(), reading():
        session_id = rows(client, "SELECT id FROM sessions")[0].id
        sessions.check(session_id, fresh=True, touch=False)
        assert rows(client, "SELECT last_used_at FROM sessions") == before
        sessions.check(session_id)
    assert rows(client, "SELECT last_used_at FROM sessions") != before


def test_use_is_noted_though_something_else_keeps_the_copy_fresh(client, later):
    account = an_account(client)
    later(minutes=5)
    with client.application.app_context(), reading():
        session_id = rows(client, "SELECT id FROM sessions")[0].id
        sessions.check(session_id, fresh=True, touch=False)  # as a page does by itself, just before the person
    before = rows(client, "SELECT last_used_at FROM sessions")
    assert account.get("/me").status_code == 200
    assert rows(client, "SELECT last_used_at FROM sessions") > before


def test_a_row_in_somebody_elses_hands_holds_no_reader_up(client, later, app):
    account = an_account(client)
    later(minutes=5)
    with app.app_context(), unit_of_work():
        db.run("SELECT 1 FROM sessions FOR UPDATE")
        assert account.get("/me").status_code == 200


def test_the_list_says_kind_network_and_which_is_this_one(client):
    account = an_account(client)
    account.sign_in(**{"User-Agent": "Second device"})
    items = account.get("/auth/sessions").json["items"]
    assert [item["current"] for item in items].count(True) == 1
    mine = next(item for item in items if item["current"])
    assert (mine["device"], mine["kind"], mine["network"]) == ("Second device", "app", "127.0.0.0/24")
    assert mine["second_factor"] is False and mine["last_used_at"] >= mine["created_at"]
