"""What guards accounts leaves its trace in the audit log's chain of security, and no personal value with it."""

from uuid import uuid4

import pytest

from quickshop.accounts import log, recovering
from quickshop.accounts.roles import grant
from quickshop.kernel import tracing
from quickshop.kernel.events import Fact
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.security import audit
from quickshop.security.audit_chain import page, verify
from tests.factories.accounts import Account, an_account, execute, is_problem, mailed, rows
from tests.factories.shop import a_member
from tests.factories.two_factor import turn_on


def events(app, **wish):
    with app.app_context(), reading():
        assert verify("security") is None
        return page(chain="security", **wish)["items"]


@pytest.mark.parametrize(
    ("kind", "action", "outcome"),
    [
        ("password_changed", "password.changed", "done"),
        ("two_factor_enabled", "two_factor.enabled", "done"),
        ("passkey_added", "passkey.added", "done"),
        ("passkey_refused", "passkey.refused", "denied"),
        ("email_changed", "email.changed", "done"),
        ("disabled", "account.disabled", "done"),
    ],
)
def test_facts_that_guard_an_account_stand_in_the_audit_log(core, kind, action, outcome):
    member = a_member()
    run_unit(lambda: log.append(member.user_id, [Fact(f"account.{kind}"), Fact("account.profile_changed")]))
    told = events(core, target=f"user:{member.user_id}")
    assert [(e["action"], e["outcome"]) for e in told] == [(action, outcome)]


def test_what_guards_an_account_is_told_once(client):
    account = an_account(client)
    codes = turn_on(account)
    again = {"password": account.password, "code": codes[0]}
    prefix = "/api/v1/auth/2fa"
    assert client.post(f"{prefix}/recovery-codes", json=again, headers=account.headers).status_code == 200
    user_id = rows(client, "SELECT id FROM users WHERE username = :name", name=account.username)[0].id
    told = [e["action"] for e in events(client.application, target=f"user:{user_id}")]
    assert sorted(a for a in told if a != "session.started") == ["recovery_codes.renewed", "two_factor.enabled"]


def test_a_role_that_is_given_stands_in_the_audit_log(core):
    member = a_member()
    run_unit(lambda: grant(member.user_id, "support"))
    [event] = events(core, target=f"user:{member.user_id}")
    assert (event["action"], event["data"]) == ("role.granted", {"role": "support"})


def test_a_password_reset_stands_in_the_audit_log(client):
    account = an_account(client)
    client.post("/api/v1/auth/password/forgot", json={"email": account.email})
    token = mailed(client, "account.password_reset_requested")[-1]["token"]
    with client.application.app_context():
        recovering.reset_password(token, "Amber-Meadow-91!")
        [event] = events(client.application, action="password.reset")[:1]
    assert event["target"].startswith("user:")


def test_a_refresh_token_used_again_stands_in_the_audit_log(client):
    account = an_account(client)
    headers = {"Authorization": f"Bearer {account.refresh_token}"}
    assert client.post("/api/v1/auth/refresh", headers=headers).status_code == 200
    execute(client, "UPDATE refresh_tokens SET rotated_at = rotated_at - interval '1 hour'")
    assert client.post("/api/v1/auth/refresh", headers=headers).status_code == 401
    [event] = events(client.application, action="session.revoked")[:1]
    assert event["data"]["reason"] == "reuse"


def test_sessions_that_their_owner_ends_stand_in_both_logs(client):
    account = an_account(client)
    others = [Account(client, account.email, account.username) for _ in range(3)]
    assert all(other.sign_in().status_code == 200 for other in others)
    ended = next(s["id"] for s in others[0].get("/auth/sessions").json["items"] if s["current"])
    for path in (f"/{ended}", "", ""):  # the last one finds nothing to end
        assert client.delete(f"/api/v1/auth/sessions{path}", headers=account.headers).status_code == 204
    told = [(e["type"], e["data"]) for e in account.get("/me/events").json["items"] if "revoked" in e["type"]]
    assert told == [
        ("account.session_revoked", {"session_id": ended, "reason": "owner"}),
        ("account.sessions_revoked", {"sessions": 2, "reason": "owner"}),
    ]
    user_id = rows(client, "SELECT id FROM users WHERE username = :name", name=account.username)[0].id
    noted = [(e["action"], e["data"]) for e in events(client.application, target=f"user:{user_id}")]
    assert noted[:2] == [("sessions.revoked", told[1][1]), ("session.revoked", told[0][1])]


def test_guessing_that_is_slowed_down_is_told_once_without_what_was_typed(client):
    name = f"nobody{uuid4().hex[:8]}@quickshop.example"
    before = len(events(client.application, action="attempts.slowed", limit=100))
    for _ in range(8):
        client.post("/api/v1/auth/login", json={"login": name, "password": "Wrong-Guess-11!"})
    told = events(client.application, action="attempts.slowed", limit=100)
    assert len(told) == before + 1
    assert told[0]["target"] is None
    assert name not in str(told[0])


def test_forged_and_old_webhooks_are_refused_and_told(client, monkeypatch):
    monkeypatch.setattr(audit, "_denials", audit._Bound())
    before = len(events(client.application, action="webhook.refused", limit=100))
    for _ in range(3):
        answer = client.post(
            "/api/v1/payments/webhooks/simulator",
            data=b'{"id": "evt_1", "charge": {"key": "k"}}',
            headers={"X-Gateway-Signature": "t=1,v1=" + "0" * 64},
        )
        assert is_problem(answer, 400, "invalid_webhook")
    told = events(client.application, action="webhook.refused", limit=100)
    assert len(told) == before + 1
    assert (told[0]["outcome"], told[0]["data"]["reason"]) == ("denied", "mismatch")
    assert tracing.actor() == "anonymous"
