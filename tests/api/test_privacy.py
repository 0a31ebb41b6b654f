"""Export and erasure by API: who may, how it is proven, and what stands in the way."""

import pytest

from quickshop.accounts.callers import Caller
from tests.factories.accounts import a_staff_account, an_account, bearer, execute, is_problem, rows
from tests.factories.returns import a_delivered_order
from tests.factories.shop import a_member, an_order

ME = "/api/v1/me"


def erase(account, password=None, **more):
    return account.client.delete(ME, headers=account.headers, json={"password": password or account.password, **more})


def customer_id(client, account):
    return rows(client, "SELECT id FROM users WHERE username = :name", name=account.username)[0].id


def test_the_export_is_a_file_that_nobody_keeps(client):
    ada = an_account(client)
    answer = ada.get("/me/export")
    assert answer.status_code == 200 and answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="quickshop-data-')
    assert answer.headers["Cache-Control"] == "no-store"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert answer.json["account"]["email"] == ada.email


def test_the_export_wants_a_session_that_lives_now(client):
    ada = an_account(client)
    assert is_problem(client.get(f"{ME}/export"), 401, "unauthenticated")
    execute(client, "UPDATE sessions SET revoked_at = now()")
    assert is_problem(ada.get("/me/export"), 401, "session_ended")


def test_the_export_is_limited_more_than_other_calls(client):
    ada = an_account(client)
    ordinary, export = (ada.get(path).headers["RateLimit-Limit"] for path in ("/me", "/me/export"))
    assert int(export) < int(ordinary)


def test_the_end_of_an_account_needs_the_password(client):
    ada = an_account(client)
    assert is_problem(erase(ada, "Wrong-Password-1"), 403, "proof_wrong")
    assert ada.get("/me").status_code == 200
    for body in ({}, {"password": ""}, {"password": ada.password, "user_id": "x"}):
        assert is_problem(client.delete(ME, headers=ada.headers, json=body), 422, "validation_failed")
    assert is_problem(client.delete(ME, json={"password": ada.password}), 401, "unauthenticated")


def test_the_end_of_an_account_ends_every_session_at_once(client):
    ada = an_account(client)
    elsewhere = ada.access_token
    ada.sign_in()
    assert client.get(ME, headers=bearer(elsewhere)).status_code == 200  # remembered as alive
    assert erase(ada).status_code == 204
    for token in (elsewhere, ada.access_token):
        assert is_problem(client.get(ME, headers=bearer(token)), 401, "session_ended")
    assert is_problem(erase(ada), 401, "session_ended")


def test_an_order_under_way_is_named(client, app):
    ada = an_account(client)
    with app.app_context():
        number = an_order(caller=a_member_of(client, ada)).number
    answer = erase(ada)
    assert is_problem(answer, 409, "orders_under_way")
    assert answer.json["orders"] == [number]


def a_member_of(client, account):
    return Caller(user_id=customer_id(client, account), email_verified=True)


@pytest.mark.parametrize("work", ["export", "erase"])
def test_only_staff_who_may_erase_customers_act_on_their_behalf(client, work):
    ada = an_account(client)
    address = f"/api/v1/admin/customers/{customer_id(client, ada)}/{work}"
    support, plain = a_staff_account(client, "support"), an_account(client)

    def call(headers):
        return client.open(address, method="GET" if work == "export" else "POST", headers=headers)

    assert is_problem(call({}), 401, "unauthenticated")
    assert is_problem(call(plain.headers), 403, "forbidden")
    assert is_problem(call(ada.headers), 403, "forbidden")
    assert is_problem(call(support.headers), 403, "forbidden")
    admin = a_staff_account(client)
    execute(client, "UPDATE sessions SET second_factor_at = NULL WHERE user_id = :id", id=admin.extra["id"])
    assert is_problem(call(admin.headers), 403, "second_factor_needed")


def test_staff_export_and_erase_on_behalf(client):
    ada, admin = an_account(client), a_staff_account(client)
    address = f"/api/v1/admin/customers/{customer_id(client, ada)}"
    exported = client.get(f"{address}/export", headers=admin.headers)
    assert exported.json["account"]["email"] == ada.email
    target = f"user:{customer_id(client, ada)}"
    told = rows(client, "SELECT action, actor FROM audit_log WHERE chain = 'staff' AND target = :who", who=target)
    assert [tuple(entry) for entry in told] == [("account.exported", f"user:{admin.extra['id']}")]
    assert client.post(f"{address}/erase", headers=admin.headers).status_code == 204
    assert is_problem(ada.get("/me"), 401, "session_ended")
    for method, path in (("GET", "export"), ("POST", "erase")):
        answer = client.open(f"{address}/{path}", method=method, headers=admin.headers)
        assert is_problem(answer, 404, "not_found")


@pytest.mark.parametrize("unknown", ["nonsense", "00000000-0000-7000-8000-000000000000"])
def test_an_unknown_customer_is_not_found(client, unknown):
    admin = a_staff_account(client)
    for method, path in (("GET", "export"), ("POST", "erase")):
        answer = client.open(f"/api/v1/admin/customers/{unknown}/{path}", method=method, headers=admin.headers)
        assert is_problem(answer, 404, "not_found")


def test_staff_erase_a_guest_by_an_order(client, app, gateway):
    admin = a_staff_account(client)
    with app.app_context():
        guests, members = a_delivered_order(email="guest@canary.example"), a_delivered_order(caller=a_member())
    address = "/api/v1/admin/orders/{}/erase-person"
    assert client.post(address.format(guests.number), headers=admin.headers).status_code == 204
    order = client.get(f"/api/v1/admin/orders/{guests.number}", headers=admin.headers).json
    assert (order["email"], order["shipping_address"]) == (None, None)
    answer = client.post(address.format(members.number), headers=admin.headers)
    assert is_problem(answer, 409, "order_of_member")
    assert is_problem(client.post(address.format("QS-1"), headers=admin.headers), 404, "not_found")
    assert is_problem(client.post(address.format(guests.number)), 401, "unauthenticated")
