"""Changes of the account that need proof: a new password, a new address, and what is refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from quickshop.accounts import findable
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading
from quickshop.notifications.rendering import KINDS, render
from quickshop.security import passwords
from tests.factories.accounts import (
    PASSWORD,
    Account,
    an_account,
    execute,
    is_problem,
    mailed,
    registration,
    rows,
)

NEW = "Willow-Lantern-58"
MOVED = "moved@quickshop.example"


def post(account, path, **body):
    return account.client.post(f"/api/v1{path}", json=body, headers=account.headers)


def move(account, email=MOVED, password=PASSWORD):
    return post(account, "/me/email", email=email, password=password)


def confirm(client, token):
    return client.post("/api/v1/me/email/confirm", json={"token": token})


def link(client):
    return mailed(client, "account.email_change_requested")[-1]["token"]


def second_device(account):
    other = Account(account.client, account.email, account.username, account.password)
    assert other.sign_in().status_code == 200
    return other


def events(account):
    return [e["type"] for e in account.get("/me/events").json["items"]]


def waits_are_over(client):
    execute(client, "UPDATE email_tokens SET created_at = created_at - interval '1 day'")


# --- the password --------------------------------------------------------------------------------------


def change_password(account, current=PASSWORD, new=NEW):
    return post(account, "/me/password", current_password=current, new_password=new)


def test_a_new_password_ends_all_other_sessions_and_is_told(client):
    account = an_account(client)
    other = second_device(account)
    assert change_password(account).status_code == 204
    is_problem(other.get("/me"), 401, "session_ended")
    assert account.get("/me").status_code == 200
    assert events(account)[-1] == "account.password_changed"
    assert mailed(client, "account.password_changed")[-1]["email"] == account.email
    assert second_device(Account(client, account.email, account.username, NEW))
    is_problem(account.sign_in(), 401, "wrong_credentials")


def test_it_needs_the_present_one_and_guesses_are_slowed(client):
    account = an_account(client)
    for _ in range(5):
        is_problem(change_password(account, "Wrong-Password-1"), 403, "proof_wrong")
    is_problem(change_password(account), 429, "too_many_attempts")
    assert mailed(client, "account.password_changed") == []


def test_a_weak_new_one_is_refused_with_each_rule_by_name(client):
    account = an_account(client, username="mariana")
    answer = change_password(account, new="mariana")
    is_problem(answer, 422, "validation_failed")
    assert answer.json["rules"] == ["too_short", "no_digit", "no_special", "contains_name"]
    assert len(answer.json["errors"]["new_password"]) == 4
    local = account.email.partition("@")[0]
    assert change_password(account, new=f"1.{local}.xyz-1").json["rules"] == ["contains_name"]


def test_registration_refuses_ones_own_names_and_takes_64_characters_of_any_script(client):
    answer = client.post("/api/v1/auth/register", json=registration(username="zebulon", password="1-Zebulon-1-x"))
    assert answer.json["rules"] == ["contains_name"]
    long = "ä1" + "密" * 61 + "!"
    assert len(long) == 64
    account = an_account(client, password=long)
    is_problem(Account(client, account.email, "", long[:-1]).sign_in(), 401, "wrong_credentials")


def test_a_reset_is_told_by_mail_and_refuses_ones_own_name(client):
    account = an_account(client, username="mariana")
    client.post("/api/v1/auth/password/forgot", json={"email": account.email})
    token = mailed(client, "account.password_reset_requested")[-1]["token"]
    body = {"token": token, "password": "x-Mariana-1999"}
    assert client.post("/api/v1/auth/password/reset", json=body).json["rules"] == ["contains_name"]
    answer = client.post("/api/v1/auth/password/reset", json=body | {"password": NEW})
    assert (answer.status_code, answer.data) == (204, b"")  # no session begins by it
    assert mailed(client, "account.password_changed")[-1]["email"] == account.email
    assert rows(client, "SELECT count(*) AS n FROM sessions WHERE revoked_at IS NULL")[0].n == 0


def test_a_reset_leaves_the_second_factor_as_it_was(client):
    account = an_account(client)
    execute(client, "INSERT INTO two_factors (user_id, secret, enabled_at) SELECT id, 'x', now() FROM users")
    client.post("/api/v1/auth/password/forgot", json={"email": account.email})
    token = mailed(client, "account.password_reset_requested")[-1]["token"]
    answer = client.post("/api/v1/auth/password/reset", json={"token": token, "password": NEW})
    assert answer.status_code == 204
    assert len(rows(client, "SELECT 1 FROM two_factors WHERE enabled_at IS NOT NULL")) == 1


def test_a_sign_in_under_way_with_the_old_password_does_not_outlive_the_change(app, client, monkeypatch):
    account = an_account(client)
    verify = passwords.verify

    def verify_and_be_overtaken(stored, password):
        monkeypatch.setattr(passwords, "verify", verify)
        right = verify(stored, password)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(change_password, account).result().status_code == 204
        return right

    monkeypatch.setattr(passwords, "verify", verify_and_be_overtaken)
    late = Account(app.test_client(), account.email, account.username)
    is_problem(late.sign_in(), 401, "wrong_credentials")
    assert [s["current"] for s in account.get("/auth/sessions").json["items"]] == [True]


def test_with_two_factor_on_a_change_needs_a_code(client):
    account = an_account(client)
    execute(client, "INSERT INTO two_factors (user_id, secret, enabled_at) SELECT id, 'x', now() FROM users")
    is_problem(change_password(account), 403, "code_needed")
    is_problem(move(account), 403, "code_needed")


# --- the address ---------------------------------------------------------------------------------------


def test_a_new_address_is_confirmed_from_its_mailbox_and_told_to_the_old_one(client):
    account = an_account(client)
    other = second_device(account)
    answer = move(account)
    assert answer.status_code == 202
    assert [(m["type"], m["email"]) for m in mailed(client)[-2:]] == [
        ("account.email_change_requested", MOVED),
        ("account.email_change_notice", account.email),
    ]
    assert mailed(client)[-1]["token"] is None
    assert account.get("/me").json["email"] == account.email  # nothing changed yet

    answer = confirm(client, link(client))
    assert (answer.status_code, answer.json) == (200, {"email_verified": True})
    me = account.get("/me").json
    assert (me["email"], me["email_verified"], me["version"]) == (MOVED, True, 2)
    assert events(account)[-2:] == ["account.email_change_requested", "account.email_changed"]
    assert (mailed(client)[-1]["type"], mailed(client)[-1]["email"]) == ("account.email_changed", account.email)
    is_problem(other.get("/me"), 401, "session_ended")
    is_problem(account.sign_in(), 401, "wrong_credentials")
    assert Account(client, MOVED, account.username).sign_in().status_code == 200


def test_staff_find_the_member_by_the_new_address_and_no_longer_by_the_old(client):
    account = an_account(client)
    move(account)
    confirm(client, link(client))
    with client.application.app_context(), reading():
        words = {bytes(r.word) for r in db.rows("SELECT word FROM search_words")}
        new, old = findable.blind([MOVED]), findable.blind([account.email])
    assert words.issuperset(new) and words.isdisjoint(old)


def test_an_unproved_address_is_proved_by_moving_to_another(client):
    account = an_account(client, verified=False)
    old_link = mailed(client, "account.verification_requested")[-1]["token"]
    move(account)
    confirm(client, link(client))
    assert account.get("/me").json["email_verified"] is True
    is_problem(client.post("/api/v1/auth/verify-email", json={"token": old_link}), 400, "link_invalid")


def test_the_link_is_good_once_and_for_24_hours(client):
    account = an_account(client)
    move(account)
    token = link(client)
    [row] = rows(client, "SELECT expires_at - created_at AS life FROM email_tokens WHERE purpose = 'change_email'")
    assert row.life.total_seconds() == 24 * 3600
    assert confirm(client, token).status_code == 200
    is_problem(confirm(client, token), 400, "link_invalid")

    waits_are_over(client)
    move(account, "further@quickshop.example")
    execute(client, "UPDATE email_tokens SET expires_at = now() - interval '1 s' WHERE used_at IS NULL")
    is_problem(confirm(client, link(client)), 400, "link_invalid")


def test_the_new_address_stands_nowhere_in_clear(client):
    account = an_account(client)
    move(account, "canary.of.the.move@quickshop.example")
    found = ""
    for table in ("email_tokens", "pending_facts", "account_events", "outbox", "users"):
        values = [v for r in rows(client, f"SELECT * FROM {table}") for v in r]
        found += str([bytes(v) if isinstance(v, memoryview) else v for v in values])
    assert "canary.of" not in found
    assert link(client) not in found


def test_it_needs_the_password_and_a_good_address(client):
    account = an_account(client)
    is_problem(move(account, password="Wrong-Password-1"), 403, "proof_wrong")
    for wrong in ("nobody", "a@b", "", None, 5):
        is_problem(move(account, wrong), 422, "validation_failed")
    answer = move(account, account.email.upper())
    is_problem(answer, 422, "validation_failed")
    assert answer.json["errors"] == {"email": ["This is your address already."]}
    answer = client.post("/api/v1/me/email", json={"email": MOVED, "password": PASSWORD})
    is_problem(answer, 401, "unauthenticated")
    assert mailed(client, "account.email_change_requested") == []


def test_a_taken_address_gets_the_same_answer_and_its_owner_a_mail(client):
    account, owner = an_account(client), an_account(client)
    taken = move(account, owner.email)
    waits_are_over(client)
    free = move(account)
    assert (taken.status_code, taken.json, set(taken.headers.keys())) == (
        free.status_code,
        free.json,
        set(free.headers.keys()),
    )
    told = [m for m in mailed(client) if m["email"] == owner.email and "verification" not in m["type"]]
    assert [(m["type"], m["token"]) for m in told] == [("account.already_registered", None)]
    assert [m["email"] for m in mailed(client, "account.email_change_requested")] == [MOVED]


def test_an_address_that_was_taken_meanwhile_is_refused_like_any_bad_link(client):
    account = an_account(client)
    move(account)
    an_account(client, email=MOVED)
    is_problem(confirm(client, link(client)), 400, "link_invalid")
    assert account.get("/me").json["email"] == account.email


def test_links_are_not_mailed_faster_than_once_a_minute_and_a_new_one_replaces_the_old(client):
    account = an_account(client)
    move(account)
    first = link(client)
    answer = move(account)
    is_problem(answer, 429, "mailed_lately")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    waits_are_over(client)
    assert move(account).status_code == 202
    is_problem(confirm(client, first), 400, "link_invalid")
    assert confirm(client, link(client)).status_code == 200


@pytest.mark.parametrize("way", ["reset", "change"])
def test_a_new_password_voids_a_change_of_address_that_waits(client, way):
    """Or a thief's request would survive the owner's defence."""
    account = an_account(client)
    move(account)
    token = link(client)
    if way == "reset":
        client.post("/api/v1/auth/password/forgot", json={"email": account.email})
        reset = mailed(client, "account.password_reset_requested")[-1]["token"]
        body = {"token": reset, "password": NEW}
        assert client.post("/api/v1/auth/password/reset", json=body).status_code == 204
    else:
        assert change_password(account).status_code == 204
    is_problem(confirm(client, token), 400, "link_invalid")


def test_a_reset_link_mailed_to_the_old_address_opens_nothing_after_the_move(client):
    account = an_account(client)
    client.post("/api/v1/auth/password/forgot", json={"email": account.email})
    reset = mailed(client, "account.password_reset_requested")[-1]["token"]
    move(account)
    assert confirm(client, link(client)).status_code == 200
    answer = client.post("/api/v1/auth/password/reset", json={"token": reset, "password": NEW})
    is_problem(answer, 400, "link_invalid")


def test_a_closed_account_does_not_move(client):
    account = an_account(client)
    move(account)
    token = link(client)
    execute(client, "UPDATE users SET disabled_at = now()")
    is_problem(confirm(client, token), 400, "link_invalid")


def test_twenty_parallel_uses_of_one_link_have_one_winner(app, client):
    account = an_account(client)
    move(account)
    token = link(client)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: confirm(app.test_client(), token).status_code, range(20)))
    assert sorted(answers) == [200] + [400] * 19
    assert events(account).count("account.email_changed") == 1


def test_of_two_who_move_to_one_address_one_gets_it(app, client):
    tokens = []
    for _ in range(2):
        assert move(an_account(client)).status_code == 202
        tokens.append(link(client))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda token: confirm(app.test_client(), token), tokens))
    assert sorted(a.status_code for a in answers) == [200, 400]
    assert {a.json["code"] for a in answers if a.status_code == 400} == {"link_invalid"}


# --- the profile ---------------------------------------------------------------------------------------


def test_a_stale_version_changes_nothing_and_says_the_present_one(client):
    account = an_account(client)
    first = account.get("/me").json["version"]

    def patch(**body):
        return client.patch("/api/v1/me", json=body, headers=account.headers)

    assert patch(first_name="Sam", version=first).json["version"] == first + 1
    answer = patch(first_name="Kim", version=first)
    is_problem(answer, 409, "changed_meanwhile")
    assert answer.json["version"] == first + 1
    is_problem(patch(version=first), 409, "changed_meanwhile")
    assert account.get("/me").json["first_name"] == "Sam"
    assert patch(first_name="Kim").json["version"] == first + 2  # without a version: as it comes
    for wrong in ("1", 0, 1.5, None):
        is_problem(patch(first_name="Kim", version=wrong), 422, "validation_failed")


def test_of_two_changes_of_one_version_one_is_made(app, client):
    account = an_account(client)
    version = account.get("/me").json["version"]

    def patch(name):
        body = {"first_name": name, "version": version}
        return app.test_client().patch("/api/v1/me", json=body, headers=account.headers).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(patch, [f"Name{n}" for n in range(8)]))
    assert sorted(answers) == [200] + [409] * 7


def test_the_profile_says_what_it_may_still_be_given(client):
    account = an_account(client, verified=False)

    def profile():
        found = account.get("/me").json["profile"]
        return found["complete"], {step["name"]: step["done"] for step in found["steps"]}

    steps = dict.fromkeys(["email_verified", "phone", "address", "preferences"], False)
    assert profile() == (False, steps)
    execute(client, "UPDATE users SET email_verified_at = now()")
    client.patch("/api/v1/me", json={"phone": "+44 20 7946 0000"}, headers=account.headers)
    assert profile() == (False, steps | {"email_verified": True, "phone": True})
    execute(
        client,
        "INSERT INTO addresses (id, user_id, sealed, country) SELECT gen_random_uuid(), id, 'x', 'GB' FROM users",
    )
    execute(
        client,
        "INSERT INTO preferences (user_id, topic, channel, enabled) SELECT id, 'news', 'email', false FROM users",
    )
    assert profile() == (True, dict.fromkeys(steps, True))


# --- the mails -----------------------------------------------------------------------------------------


def test_every_mail_of_an_account_has_words_with_the_link_that_it_needs():
    context = {"first_name": "Robin", "token": "TOKEN", "public_url": "https://shop.example"}
    links = {kind: render(kind, context).link for kind in KINDS if kind.startswith("account.")}
    assert links == {
        "account.verification_requested": "https://shop.example/verify-email?token=TOKEN",
        "account.already_registered": "https://shop.example/sign-in",
        "account.password_reset_requested": "https://shop.example/reset-password?token=TOKEN",
        "account.password_changed": "https://shop.example/forgot-password",
        "account.email_change_requested": "https://shop.example/confirm-email?token=TOKEN",
        "account.email_change_notice": "https://shop.example/forgot-password",
        "account.email_changed": "https://shop.example",
        "account.two_factor_changed": "https://shop.example/forgot-password",
        "account.session_reuse": "https://shop.example/forgot-password",
    }
