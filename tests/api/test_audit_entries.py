"""Every change by staff leaves one entry in the audit log, every refusal at most one a minute."""

import pytest

from quickshop.kernel import tracing
from quickshop.kernel.unit_of_work import reading
from quickshop.security import audit
from quickshop.security.audit_chain import head, page, verify
from tests.factories.accounts import a_staff_account, an_account, execute, is_problem
from tests.factories.pages import stock_shop, submit

CATEGORY = {"slug": "mugs", "name": "Mugs"}


@pytest.fixture(autouse=True)
def nothing_refused_yet(monkeypatch):
    """The log outlives a test; what was refused lately must not."""
    monkeypatch.setattr(audit, "_denials", audit._Bound())


def entries(client, actor, **more):
    with client.application.app_context(), reading():
        assert verify("staff") is None
        return page(chain="staff", actor=f"user:{actor.extra['id']}", **more)["items"]


def test_a_change_by_staff_leaves_one_entry(client):
    admin = a_staff_account(client)
    answer = client.post(
        "/api/v1/admin/categories",
        json=CATEGORY,
        headers=admin.headers | {"X-Request-ID": "the-request"},
        environ_base={"REMOTE_ADDR": "203.0.113.77"},
    )
    assert answer.status_code == 201
    [entry] = entries(client, admin)
    assert entry["action"] == "admin_catalogue.create_category"
    assert entry["data"] == {"fields": ["name", "slug"]}
    assert (entry["outcome"], entry["network"], entry["request_id"]) == ("done", "203.0.113.0/24", "the-request")


def test_the_entry_names_what_was_changed(client):
    variants = stock_shop(client.application)
    admin = a_staff_account(client)
    address = f"/api/v1/admin/variants/{variants['MUG-RED']}/stock"
    assert client.post(address, json={"quantity": 5}, headers=admin.headers).status_code == 204
    [entry] = entries(client, admin)
    assert entry["target"] == f"variant:{variants['MUG-RED']}"
    assert entry["data"] == {"fields": ["quantity"]}


def test_what_is_refused_for_its_content_changes_nothing_and_leaves_no_entry(client):
    admin = a_staff_account(client)
    assert client.post("/api/v1/admin/categories", json={"slug": "A b"}, headers=admin.headers).status_code == 422
    assert client.post("/api/v1/admin/categories", json=CATEGORY, headers=admin.headers).status_code == 201
    assert client.post("/api/v1/admin/categories", json=CATEGORY, headers=admin.headers).status_code >= 400
    assert len(entries(client, admin)) == 1


def test_reading_leaves_no_entry(client):
    admin = a_staff_account(client)
    assert admin.get("/admin/orders").status_code == 200
    assert entries(client, admin) == []


def test_a_refusal_is_noted_once_a_minute(client):
    support = a_staff_account(client, "support")
    for _ in range(3):
        answer = client.post("/api/v1/admin/categories", json=CATEGORY, headers=support.headers)
        assert is_problem(answer, 403, "forbidden")
    [entry] = entries(client, support)
    assert (entry["outcome"], entry["data"]) == ("denied", {"reason": "forbidden"})


def test_a_missing_second_factor_is_noted(client):
    admin = a_staff_account(client)
    execute(client, "UPDATE sessions SET second_factor_at = NULL WHERE user_id = :id", id=admin.extra["id"])
    assert client.post("/api/v1/admin/categories", json=CATEGORY, headers=admin.headers).status_code == 403
    [entry] = entries(client, admin)
    assert entry["data"] == {"reason": "second_factor_needed"}


def test_the_next_request_does_not_inherit_the_actor(client):
    """One greenlet serves a whole connection: what a stranger causes must not be put down to who came before."""
    admin = a_staff_account(client)
    assert client.post("/api/v1/admin/categories", json=CATEGORY, headers=admin.headers).status_code == 201
    client.get("/healthz")
    assert tracing.actor() == "anonymous"
    tracing.set_actor(tracing.SYSTEM)


def test_changes_by_customers_leave_no_entry_in_the_chain_of_staff(client):
    with client.application.app_context(), reading():
        before = head("staff").seq
    account = an_account(client)
    assert client.post("/api/v1/auth/logout", headers=account.headers).status_code == 204
    with client.application.app_context(), reading():
        assert head("staff").seq == before


def test_the_log_is_read_by_those_who_may_and_narrowed_down(client):
    admin, support = a_staff_account(client), a_staff_account(client, "support")
    for slug in ("one", "two", "three"):
        body = {"slug": slug, "name": slug}
        assert client.post("/api/v1/admin/categories", json=body, headers=admin.headers).status_code == 201
    assert is_problem(support.get("/admin/audit-log"), 403, "forbidden")

    mine = f"/admin/audit-log?actor=user:{admin.extra['id']}"
    first = admin.get(f"{mine}&limit=2").json
    rest = admin.get(f"{mine}&limit=2&cursor={first['next_cursor']}").json
    assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]
    assert first["items"][0]["seq"] > first["items"][1]["seq"] > rest["items"][0]["seq"]

    refused = f"/admin/audit-log?actor=user:{support.extra['id']}"
    assert [e["outcome"] for e in admin.get(f"{refused}&outcome=denied&chain=staff").json["items"]] == ["denied"]
    assert admin.get(f"{refused}&outcome=done").json["items"] == []
    assert admin.get(f"{mine}&until=2020-01-01T00:00:00Z").json["items"] == []
    assert len(admin.get(f"{mine}&since=2020-01-01T00:00:00Z").json["items"]) == 3
    for wrong in ("chain=other", "outcome=lost", "since=yesterday", "cursor=abc", "limit=0"):
        assert is_problem(admin.get(f"/admin/audit-log?{wrong}"), 422, "validation_failed"), wrong


def test_a_look_at_a_customer_is_noted_once_a_minute_without_what_was_seen(client):
    admin, member = a_staff_account(client), an_account(client)
    found = admin.get("/admin/customers?q=" + member.email).json["items"][0]
    for _ in range(3):
        assert admin.get(f"/admin/customers/{found['id']}").status_code == 200
    noted = [(e["action"], e["target"], e["data"]) for e in entries(client, admin)]
    assert sorted(noted, key=str) == [
        ("customer.viewed", f"customer:{found['id']}", {}),
        ("customers.listed", None, {}),
    ]
    second = a_staff_account(client, "support")
    assert second.get(f"/admin/customers/{found['id']}").status_code == 200
    assert [e["action"] for e in entries(client, second)] == ["customer.viewed"]


def test_a_look_by_a_key_is_put_down_to_the_key(client):
    admin = a_staff_account(client)
    body = {"name": "till", "scopes": ["customers:read"]}
    key = client.post("/api/v1/admin/api-keys", json=body, headers=admin.headers).json
    path = f"/api/v1/admin/customers/{admin.extra['id']}"
    assert client.get(path, headers={"X-API-Key": key["key"]}).status_code == 200
    noted = admin.get(f"/admin/audit-log?actor=key:{key['id']}").json["items"]
    assert [e["action"] for e in noted] == ["customer.viewed"]


def test_a_change_of_a_role_is_noted_with_before_and_after(client):
    admin = a_staff_account(client)
    body = {"permissions": ["orders:read"]}
    assert client.put("/api/v1/admin/roles/support", json=body, headers=admin.headers).status_code == 200
    [entry] = entries(client, admin)
    assert entry["target"] == "role:support"
    assert entry["data"]["before"] == ["customers:read", "metrics:read", "orders:read", "tickets:write"]
    assert entry["data"]["after"] == ["orders:read"]


def test_to_give_what_one_does_not_hold_is_noted_as_refused_by_rest_and_by_page(client):
    admin = a_staff_account(client)
    keeper = {"name": "keeper", "permissions": ["roles:read", "roles:write"]}
    client.post("/api/v1/admin/roles", json=keeper, headers=admin.headers)
    clerk = a_staff_account(client, "keeper")
    client.put("/api/v1/admin/roles/support", json={"permissions": []}, headers=clerk.headers)
    client.set_cookie("access", clerk.access_token)
    answer = submit(client, f"/admin/customers/{clerk.extra['id']}/roles", {"role": "admin"})
    assert answer.status_code == 403
    noted = [(e["outcome"], e["data"]["reason"]) for e in entries(client, clerk)]
    assert noted == [("denied", "permission_not_held")] * 2


def test_a_key_is_noted_by_its_id_and_never_by_itself(client):
    admin = a_staff_account(client)
    body = {"name": "till", "scopes": ["orders:read"]}
    key = client.post("/api/v1/admin/api-keys", json=body, headers=admin.headers).json
    [entry] = entries(client, admin)
    assert (entry["target"], entry["data"]["after"]) == (f"key:{key['id']}", ["orders:read"])
    assert key["key"] not in str(entry) and key["hint"] not in str(entry)
