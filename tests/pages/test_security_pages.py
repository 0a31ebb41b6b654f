"""Security by forms: the second step of signing in, two-factor on and off, devices, and staying signed in."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from quickshop.accounts import enrolling, sessions
from quickshop.accounts.roles import grant
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from tests.factories.pages import PASSWORD, TOTP_SECRET, sign_in, submit
from tests.factories.two_factor import code_of

PAGE = "/account/security"


@pytest.fixture
def guarded(app, member):
    """The same member with two-factor on."""
    with app.app_context():
        run_unit(lambda: enrolling.enrol(member, TOTP_SECRET))
    return member


def rows(app, sql, **params):
    with app.app_context(), reading():
        return db.rows(sql, **params)


def test_the_password_leads_to_a_second_step_that_takes_the_code(client, guarded):
    answer = sign_in(client, next="/account/security")
    assert (answer.status_code, answer.location) == (303, "/sign-in/code")
    assert client.get_cookie("access") is None
    page = client.get("/sign-in/code").text
    assert 'autocomplete="one-time-code"' in page and 'inputmode="numeric"' in page
    answer = submit(client, "/sign-in/code", {"code": code_of(TOTP_SECRET)})
    assert (answer.status_code, answer.location) == (303, "/account/security")
    assert client.get(PAGE).status_code == 200


def test_a_wrong_code_is_said_and_the_step_can_be_taken_again(client, guarded):
    sign_in(client)
    answer = submit(client, "/sign-in/code", {"code": "aaaaa-aaaaa"})
    assert answer.status_code == 401 and "This code is not right" in answer.text
    assert submit(client, "/sign-in/code", {"code": ""}).status_code == 422
    assert submit(client, "/sign-in/code", {"code": code_of(TOTP_SECRET)}).status_code == 303


def test_a_step_that_took_too_long_begins_again(client, guarded, later):
    sign_in(client)
    later(minutes=6)
    answer = submit(client, "/sign-in/code", {"code": code_of(TOTP_SECRET)})
    assert answer.status_code == 401 and "begin again" in answer.text and 'name="password"' in answer.text


def test_without_a_first_step_there_is_no_second(client, guarded):
    assert client.get("/sign-in/code").location == "/sign-in"
    assert submit(client, "/sign-in/code", {"code": code_of(TOTP_SECRET)}).status_code == 401


def test_signing_in_again_ends_the_browsers_session_of_before(client, app, member):
    sign_in(client)
    before = client.get_cookie("access").value
    sign_in(client)
    assert client.get_cookie("access").value != before
    reasons = [r.revoked_reason for r in rows(app, "SELECT revoked_reason FROM sessions ORDER BY created_at")]
    assert reasons == ["signed in anew", None]


def test_two_factor_is_turned_on_by_forms_alone(client, app, member):
    sign_in(client)
    page = submit(client, f"{PAGE}/two-factor", {"password": PASSWORD})
    assert page.status_code == 200 and 'src="data:image/svg+xml' in page.text
    secret = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)[1].replace(" ", "")
    wrong = submit(client, f"{PAGE}/two-factor/enable", {"code": "aaaaaa"})
    assert wrong.status_code == 403 and secret[:4] in wrong.text
    done = submit(client, f"{PAGE}/two-factor/enable", {"code": code_of(secret)})
    assert len(re.findall(r"<li><code>\d{4}-\d{4}-\d{4}</code>", done.text)) == 10
    assert "Two-factor is on" in done.text
    assert "10</strong> recovery codes left" in client.get(PAGE).text


def test_a_wrong_password_sets_nothing_up(client, app, member):
    sign_in(client)
    answer = submit(client, f"{PAGE}/two-factor", {"password": "Wrong-Password-1"})
    assert answer.status_code == 403 and "The present password is not right" in answer.text
    assert rows(app, "SELECT 1 FROM two_factors") == []


def test_staff_who_turn_it_on_reach_their_pages_at_once(client, app, member):
    with app.app_context():
        run_unit(lambda: grant(member, "admin"))
    sign_in(client)
    assert client.get("/admin").status_code == 403
    page = submit(client, f"{PAGE}/two-factor", {"password": PASSWORD})
    secret = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)[1].replace(" ", "")
    submit(client, f"{PAGE}/two-factor/enable", {"code": code_of(secret)})
    assert client.get("/admin").status_code == 200
    assert "It stays on while you have a role" in client.get(PAGE).text


def test_new_recovery_codes_and_turning_off_ask_for_password_and_code(client, app, guarded):
    sign_in(client)
    submit(client, "/sign-in/code", {"code": code_of(TOTP_SECRET, -1)})
    assert submit(client, f"{PAGE}/recovery-codes", {"password": PASSWORD}).status_code == 403
    page = submit(client, f"{PAGE}/recovery-codes", {"password": PASSWORD, "code": code_of(TOTP_SECRET)})
    code = re.search(r"<li><code>([0-9-]{14})</code>", page.text)[1]
    assert submit(client, f"{PAGE}/two-factor/disable", {"password": PASSWORD, "code": "000000"}).status_code == 403
    assert submit(client, f"{PAGE}/two-factor/disable", {"password": PASSWORD, "code": code}).status_code == 303
    assert rows(app, "SELECT 1 FROM two_factors") == []


def test_devices_are_named_and_signed_out(client, app, member):
    other = app.test_client()
    firefox = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
    submit(other, "/sign-in", {"login": "ada", "password": PASSWORD}, headers={"User-Agent": firefox})
    sign_in(client)
    page = client.get(PAGE).text
    assert "Firefox on Windows" in page and "127.0.0.0/24" in page and "This device" in page
    address = re.search(r'action="(/account/security/devices/[0-9a-f-]{36}/end)"', page)[1]
    assert submit(client, address).status_code == 303
    with app.app_context():
        sessions.forget_user(member)
    assert other.get("/account").status_code == 303
    assert client.get("/account").status_code == 200


def test_everywhere_else_is_signed_out_at_once(client, app, member):
    sign_in(app.test_client()), sign_in(app.test_client()), sign_in(client)
    assert submit(client, f"{PAGE}/devices/end-others").status_code == 303
    assert len(rows(app, "SELECT 1 FROM sessions WHERE revoked_at IS NULL")) == 1
    assert "Sign out everywhere else" not in client.get(PAGE).text


@pytest.mark.parametrize(
    "path", ["", "/two-factor", "/two-factor/enable", "/recovery-codes", "/passkeys", "/devices/end-others"]
)
def test_guests_are_sent_to_sign_in(client, path):
    answer = client.get(PAGE) if not path else submit(client, f"{PAGE}{path}")
    assert answer.status_code == 303 and answer.location.startswith("/sign-in")


# --- idle sessions -------------------------------------------------------------------------------------


def test_a_browsers_session_ends_half_an_hour_after_its_last_use(client, member, later):
    sign_in(client)
    later(minutes=29)
    assert client.get("/account").status_code == 200
    later(minutes=58)
    assert client.get("/account").status_code == 200
    later(minutes=89)
    assert client.get("/account").status_code == 303
    assert client.get_cookie("access") is None and client.get_cookie("refresh") is None


def test_staff_have_a_quarter_of_an_hour(client, app, guarded, later):
    with app.app_context():
        run_unit(lambda: grant(guarded, "support"))
    sign_in(client)
    submit(client, "/sign-in/code", {"code": code_of(TOTP_SECRET)})
    later(minutes=14)
    assert client.get("/admin/orders").status_code == 200
    later(minutes=30)
    assert client.get("/admin/orders").status_code == 303


def test_the_refresh_token_does_not_outlive_the_idle_end(client, member, later):
    sign_in(client)
    later(minutes=31)
    client.delete_cookie("access")
    assert client.get("/account").status_code == 303


def test_requests_at_once_with_an_access_token_run_out_keep_the_session(client, app, member):
    sign_in(client)
    before = client.get_cookie("refresh").value

    def look(_):
        other = app.test_client()
        other.set_cookie("refresh", before)
        return other.get("/account").status_code, other.get_cookie("refresh").value

    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(look, range(8)))
    assert len(seen) == 1
    status, successor = seen.pop()
    assert status == 200 and successor != before
    client.delete_cookie("access")
    client.set_cookie("refresh", successor)
    assert client.get("/account").status_code == 200


def test_what_a_page_asks_for_by_itself_is_no_use(client, app, member, later):
    sign_in(client)
    later(minutes=20)
    client.delete_cookie("access")  # so that the session is refreshed on the way, too
    assert client.get("/session").json["seconds"] in range(595, 601)
    assert client.get("/orders/QS-1/live").status_code == 404
    later(minutes=31)
    assert client.get("/session").status_code == 303
    assert client.get("/account").status_code == 303


def test_staying_is_use(client, member, later):
    sign_in(client)
    later(minutes=29)
    assert submit(client, "/session/stay").json["seconds"] in range(1795, 1801)
    later(minutes=55)
    assert client.get("/account").status_code == 200


def test_pages_of_members_carry_the_seconds_for_the_warning(client, member):
    sign_in(client)
    assert int(re.search(r'id="staying"[^>]*data-seconds="(\d+)"', client.get("/account").text)[1]) > 1700
    client.delete_cookie("access"), client.delete_cookie("refresh")
    assert "staying" not in client.get("/").text


def test_use_is_written_once_a_minute_and_never_for_requests_from_the_cache(client, app, member, later):
    sign_in(client)
    client.get("/account")
    seen = []
    db.watchers.append(seen.append)
    try:
        for _ in range(3):
            client.get("/account")
        assert not [sql for sql in seen if "sessions" in sql]
        later(seconds=61)
        for _ in range(3):
            client.get("/account")
        assert len([sql for sql in seen if sql.startswith("UPDATE sessions")]) == 1
        assert len([sql for sql in seen if "FROM sessions s" in sql]) == 1
    finally:
        db.watchers.remove(seen.append)


@pytest.mark.parametrize("credential", ["[" * 100_000, '{"a":' * 20_000, "no json", "[]", "1" * 10_000])
def test_an_odd_credential_is_refused_and_no_fault_of_ours(client, credential):
    answer = submit(client, "/sign-in/passkey", {"challenge": "x", "credential": credential})
    assert answer.status_code == 401
