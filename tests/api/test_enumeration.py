"""Whether an account exists cannot be told: the same answer and the same statements for known and unknown ones.

`python -m benchmarks.enumeration` compares the times.
"""

import itertools
from contextlib import contextmanager

import pytest

from quickshop.kernel import db
from quickshop.notifications import service
from tests.factories.accounts import an_account, execute, mailed, registration, rows

NEVER_THE_SAME = {"X-Request-ID", "Date", "Server-Timing", "RateLimit-Remaining", "RateLimit-Reset"}
_numbers = itertools.count(1)


@contextmanager
def statements():
    """The statements that are run meanwhile."""
    seen = []
    db.watchers.append(seen.append)
    try:
        yield seen
    finally:
        db.watchers.remove(seen.append)


def login(client, account):
    return client.post("/api/v1/auth/login", json={"login": account, "password": "Wrong-Password-1"})


def register(client, email):
    return client.post("/api/v1/auth/register", json=registration(email=email))


def forgot(client, email):
    return client.post("/api/v1/auth/password/forgot", json={"email": email})


def resend(client, email):
    return client.post("/api/v1/auth/resend-verification", json={"email": email})


def seen_of(client, call, email):
    """What can be seen of a call: status, headers, body; and the statements that it ran."""
    with statements() as ran:
        answer = call(client, email)
    headers = {name: value for name, value in answer.headers.items() if name not in NEVER_THE_SAME}
    names = set(answer.headers.keys())
    body = {name: value for name, value in answer.json.items() if name != "request_id"}
    return (answer.status_code, names, headers, body), ran


def same_shape(statement):
    """A statement that ends what was rehearsed, under one name: kept or undone is all that may differ."""
    return "END" if statement.endswith("SAVEPOINT rehearsal") and not statement.startswith("SAVEPOINT") else statement


@pytest.mark.parametrize("call", [login, register, forgot, resend])
@pytest.mark.parametrize("verified", [True, False])
def test_known_and_unknown_accounts_get_the_same_answer_from_the_same_statements(client, call, verified):
    account = an_account(client, verified=verified)
    known, work = seen_of(client, call, account.email)
    unknown, other = seen_of(client, call, f"nobody{next(_numbers)}@quickshop.example")
    assert known == unknown
    assert [same_shape(s) for s in work] == [same_shape(s) for s in other]
    assert len(work) > 1


def test_a_username_is_signed_in_to_by_the_same_statements(client):
    account = an_account(client)
    assert seen_of(client, login, account.username) == seen_of(client, login, "nobody-at-all")


def test_a_closed_account_looks_like_none(client):
    account = an_account(client)
    execute(client, "UPDATE users SET disabled_at = now()")
    for call in (login, forgot, resend):
        assert seen_of(client, call, account.email) == seen_of(client, call, "nobody@quickshop.example")
    assert mailed(client, "account.password_reset_requested") == []


def test_what_was_rehearsed_for_a_taken_address_leaves_nothing_behind(client):
    account = an_account(client)
    tables = ("users", "persons", "email_tokens", "account_events")

    def sizes():
        return [rows(client, f"SELECT count(*) AS n FROM {table}")[0].n for table in tables]

    before = sizes()
    wish = registration(email=account.email)
    assert client.post("/api/v1/auth/register", json=wish).status_code == 202
    assert sizes() == before
    assert [m["type"] for m in mailed(client)][-1] == "account.already_registered"
    # The username was not taken by it.
    assert client.post("/api/v1/auth/register", json=wish | {"email": "free@quickshop.example"}).status_code == 202
    assert sizes()[0] == before[0] + 1


def test_an_owner_is_told_once_in_an_hour_that_the_address_is_taken(client):
    account = an_account(client)
    for _ in range(3):
        register(client, account.email)
    with client.application.app_context():
        service.drain()
    told = "SELECT count(*) AS n FROM deliveries WHERE kind = 'account.already_registered'"
    assert rows(client, told)[0].n == 1


def test_pauses_between_mailed_links_grow_up_to_a_links_life(client):
    account = an_account(client)

    def later(seconds):
        execute(client, "UPDATE email_tokens SET created_at = created_at - make_interval(secs => :s)", s=seconds)

    def sent():
        forgot(client, account.email)
        return len(mailed(client, "account.password_reset_requested"))

    assert sent() == 1
    for number, pause in enumerate((60, 120, 240, 480, 900, 900), start=1):
        later(pause - 20)
        assert sent() == number
        later(21)
        assert sent() == number + 1
    later(24 * 3600)
    assert sent() == 8
    later(61)
    assert sent() == 9  # it began anew


def test_many_requests_at_once_are_mailed_once(client):
    account = an_account(client)
    for _ in range(5):
        forgot(client, account.email)
    assert len(mailed(client, "account.password_reset_requested")) == 1


def test_a_request_stands_sealed_and_one_that_cannot_be_read_any_more_is_dropped(client):
    account = an_account(client)
    forgot(client, account.email)
    [waiting] = rows(client, "SELECT data FROM pending_facts WHERE consumer = 'accounts'")
    assert account.email not in str(waiting.data)
    execute(
        client,
        "UPDATE pending_facts SET data = jsonb_build_object('sealed', encode('gone:xxxxxxxxxxxxxxxxxxxxxx', 'base64'))"
        " WHERE consumer = 'accounts'",
    )
    assert mailed(client, "account.password_reset_requested") == []
    assert rows(client, "SELECT 1 FROM pending_facts WHERE consumer = 'accounts'") == []


def test_the_mailer_answers_what_was_asked(client):
    account = an_account(client)
    forgot(client, account.email)
    forgot(client, "nobody@quickshop.example")
    with client.application.app_context():
        service.drain()
    kinds = [r.kind for r in rows(client, "SELECT kind FROM deliveries ORDER BY id")]
    assert kinds[-1] == "account.password_reset_requested"
    assert kinds.count("account.password_reset_requested") == 1
