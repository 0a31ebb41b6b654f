"""Accounts as a person opens them by the API, and the mailed tokens, read where the mailer would read them."""

import base64
import itertools
import re
from dataclasses import dataclass, field
from uuid import UUID

from quickshop.accounts import sessions
from quickshop.accounts.answering import answer_waiting
from quickshop.accounts.mailing import place
from quickshop.accounts.people import load_person
from quickshop.accounts.queries import user_id_of_login
from quickshop.accounts.roles import grant
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit

PASSWORD = "Cobalt-Harvest-27"
_numbers = itertools.count(1)


@dataclass
class Account:
    """Somebody with an account, signed in unless it says otherwise."""

    client: object
    email: str
    username: str
    password: str = PASSWORD
    access_token: str = ""
    refresh_token: str = ""
    extra: dict = field(default_factory=dict)

    @property
    def headers(self):
        """What a signed-in app sends."""
        return bearer(self.access_token)

    def get(self, path, **more):
        """A GET as this account."""
        return self.client.get(f"/api/v1{path}", headers=self.headers, **more)

    def sign_in(self, **headers):
        """A new session; its answer."""
        body = {"login": self.email, "password": self.password}
        answer = self.client.post("/api/v1/auth/login", json=body, headers=headers)
        if answer.status_code == 200:
            self.access_token, self.refresh_token = answer.json["access_token"], answer.json["refresh_token"]
        return answer


def bearer(token):
    """The Authorization header of a token."""
    return {"Authorization": f"Bearer {token}"}


def registration(**changes):
    """A good registration of somebody new."""
    number = next(_numbers)
    fresh = {
        "email": f"person{number}@quickshop.example",
        "username": f"person{number}",
        "password": PASSWORD,
        "first_name": "Robin",
        "last_name": "Ashdown",
    }
    return fresh | changes


def an_account(client, *, verified=True, **changes):
    """An account that registered, followed its link, and signed in."""
    wish = registration(**changes)
    assert client.post("/api/v1/auth/register", json=wish).status_code == 202
    account = Account(client, wish["email"], wish["username"], wish["password"])
    if verified:
        token = mailed(client, "account.verification_requested")[-1]["token"]
        assert client.post("/api/v1/auth/verify-email", json={"token": token}).status_code == 200
    assert account.sign_in().status_code == 200
    return account


def a_staff_account(client, role="admin", **changes):
    """A member of staff, signed in with a second factor (noted in the session, without the cost of setting one up)."""
    account = an_account(client, **changes)
    with client.application.app_context():
        user_id = user_id_of_login(account.email)
        run_unit(lambda: grant(user_id, role))
        run_unit(lambda: db.run("UPDATE sessions SET second_factor_at = now() WHERE user_id = :id", id=user_id))
        with reading():
            sessions.forget_user(user_id)
    account.extra["id"] = user_id
    return account


def mailed(client, kind=None):
    """What waits to be mailed, oldest first: the opened content of each fact, with its `type`.

    What was asked of an address without a session is answered first, as the mailer does.
    """
    with client.application.app_context():
        run_unit(lambda: answer_waiting(100))
    with client.application.app_context(), reading():
        found = db.rows(
            "SELECT type, data FROM pending_facts WHERE consumer = 'notifications' AND data ? 'sealed' ORDER BY id"
        )
        opened = []
        for row in found:
            person = load_person(UUID(row.data["person_id"]))
            content = person.unseal(
                base64.b64decode(row.data["sealed"]), place(UUID(row.data.get("subject") or row.data["user_id"]))
            )
            opened.append({"type": row.type, **content})
    return [mail for mail in opened if kind in (None, mail["type"])]


def execute(client, sql, **params):
    """Change rows behind the application's back."""
    with client.application.app_context():
        run_unit(lambda: db.run(sql, **params))


def rows(client, sql, **params):
    """Rows of a query."""
    with client.application.app_context(), reading():
        return db.rows(sql, **params)


def is_problem(answer, status, code):
    """Whether an answer is the problem document that is expected; asserts each part of it."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    body = answer.json
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"] and body["detail"] and body["type"].endswith(f"#{code}")
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert not re.search(r"Traceback|psycopg2|sqlalchemy", answer.get_data(as_text=True))
    return True
