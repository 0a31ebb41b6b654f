"""API keys: shown once, never worth more than their maker is now, dead at once when revoked."""

from datetime import UTC, datetime, timedelta

import pytest

from blueprints.http import limits
from quickshop.accounts import api_keys
from quickshop.accounts.roles import take
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.accounts import a_staff_account, an_account, execute, is_problem, rows

KEYS = "/api/v1/admin/api-keys"


@pytest.fixture
def admin(client):
    return a_staff_account(client)


def make(client, staff, scopes=("orders:read",), name="Warehouse", **more):
    body = {"name": name, "scopes": list(scopes), **more}
    return client.post(KEYS, json=body, headers=staff.headers)


def made(client, staff, *scopes, **more):
    answer = make(client, staff, scopes or ("orders:read",), **more)
    assert answer.status_code == 201, answer.text
    return answer.json


def with_key(key):
    return {"X-API-Key": key["key"]}


def orders(client, headers):
    return client.get("/api/v1/admin/orders", headers=headers)


def stored(client):
    return rows(client, "SELECT * FROM api_keys")[0]


def test_a_key_is_shown_once_and_only_its_digest_is_kept(client, admin):
    key = made(client, admin)
    assert key["key"].startswith("qsk_") and len(key["key"]) > 40
    assert key["hint"] == key["key"][:8]
    listed = client.get(KEYS, headers=admin.headers).json["items"]
    assert [k["id"] for k in listed] == [key["id"]]
    assert "key" not in listed[0]
    assert (listed[0]["state"], listed[0]["created_by"]["username"]) == ("active", admin.username)
    kept = stored(client)._asdict()
    assert len(bytes(kept.pop("key_hash"))) == 32
    assert key["key"] not in str(kept)


def test_a_key_may_what_its_scopes_say_and_no_more(client, admin):
    key = made(client, admin, "orders:read", "roles:read")
    assert orders(client, with_key(key)).status_code == 200
    assert client.get("/api/v1/admin/roles", headers=with_key(key)).status_code == 200
    is_problem(client.get("/api/v1/admin/customers", headers=with_key(key)), 403, "forbidden")
    is_problem(client.get(KEYS, headers=with_key(key)), 403, "forbidden")


@pytest.mark.parametrize("bad", ["", "x", "qsk_", "qsk_unknown", "qsk_" + "a" * 500, "QSK_x", "qsk_é"])
def test_other_keys_are_refused_everywhere_they_are_read(client, clean, bad):
    for path in ("/admin/orders", "/cart", "/orders/QS-1"):
        is_problem(client.get(f"/api/v1{path}", headers={"X-API-Key": bad}), 401, "api_key_invalid")


def test_a_token_and_a_key_together_are_refused(client, admin):
    key = made(client, admin)
    for path in ("/admin/orders", "/cart", "/me"):
        is_problem(client.get(f"/api/v1{path}", headers=admin.headers | with_key(key)), 400, "two_credentials")


def test_what_members_do_is_closed_to_a_key(client, admin):
    key = made(client, admin, *admin.get("/me").json["permissions"])
    for path in ("/me", "/me/events", "/auth/sessions", "/orders"):
        is_problem(client.get(f"/api/v1{path}", headers=with_key(key)), 401, "unauthenticated")
    is_problem(client.post("/api/v1/auth/logout", headers=with_key(key)), 401, "unauthenticated")


def test_pages_read_no_key(client, admin):
    key = made(client, admin, *admin.get("/me").json["permissions"])
    for address in ("/admin", "/admin/orders", "/account"):
        answer = client.get(address, headers=with_key(key))
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in")


def test_a_revoked_key_is_dead_at_once(client, admin):
    key = made(client, admin)
    assert orders(client, with_key(key)).status_code == 200
    assert client.delete(f"{KEYS}/{key['id']}", headers=admin.headers).status_code == 204
    is_problem(orders(client, with_key(key)), 401, "api_key_invalid")
    is_problem(client.delete(f"{KEYS}/{key['id']}", headers=admin.headers), 404, "not_found")
    assert client.get(KEYS, headers=admin.headers).json["items"][0]["state"] == "revoked"
    told = [e["type"] for e in admin.get("/me/events").json["items"] if "api_key" in e["type"]]
    assert told == ["account.api_key_made", "account.api_key_revoked"]


def test_a_key_ends_when_its_time_is_over(client, admin):
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    key = made(client, admin, expires_at=soon)
    assert orders(client, with_key(key)).status_code == 200
    execute(client, "UPDATE api_keys SET expires_at = now()")
    is_problem(orders(client, with_key(key)), 401, "api_key_invalid")
    assert client.get(KEYS, headers=admin.headers).json["items"][0]["state"] == "expired"


def test_a_key_is_worth_what_its_maker_holds_now(app, client, admin):
    second = a_staff_account(client)
    key = made(client, second, "orders:read", "catalog:write")
    with app.app_context():
        run_unit(lambda: take(second.extra["id"], "admin"))
    is_problem(orders(client, with_key(key)), 403, "forbidden")
    give = f"/api/v1/admin/customers/{second.extra['id']}/roles/support"
    assert client.put(give, headers=admin.headers).status_code == 204
    assert orders(client, with_key(key)).status_code == 200  # support reads orders
    shipping = "/api/v1/admin/shipping-methods/post"
    is_problem(client.put(shipping, json={}, headers=with_key(key)), 403, "forbidden")


@pytest.mark.parametrize("column", ["disabled_at", "erased_at"])
def test_a_key_dies_with_its_maker(client, admin, column):
    second = a_staff_account(client)
    key = made(client, second)
    execute(client, f"UPDATE users SET {column} = now() WHERE id = :id", id=second.extra["id"])
    is_problem(orders(client, with_key(key)), 401, "api_key_invalid")
    assert client.get(KEYS, headers=admin.headers).json["items"][0]["state"] == "maker_gone"


def test_nobody_makes_a_key_for_more_than_they_hold(client, admin):
    body = {"name": "keys", "permissions": ["api-keys:write", "orders:read"]}
    client.post("/api/v1/admin/roles", json=body, headers=admin.headers)
    clerk = a_staff_account(client, "keys")
    refused = make(client, clerk, ["orders:read", "roles:write"])
    is_problem(refused, 403, "permission_not_held")
    assert refused.json["permissions"] == ["roles:write"]
    assert rows(client, "SELECT 1 FROM api_keys") == []
    assert make(client, clerk, ["orders:read"]).status_code == 201


def test_a_key_makes_no_keys(client, admin):
    key = made(client, admin, "api-keys:write", "orders:read")
    answer = client.post(KEYS, json={"name": "child", "scopes": ["orders:read"]}, headers=with_key(key))
    is_problem(answer, 403, "made_by_people")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": []},
        {"name": "", "scopes": ["orders:read"]},
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": ["orders:read"], "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "x", "scopes": ["orders:read"], "expires_at": "2099-01-01T00:00:00"},
        {"name": "x", "scopes": ["orders:read"], "key": "qsk_mine"},
        {"scopes": ["orders:read"]},
    ],
)
def test_a_key_of_another_shape_is_refused(client, admin, body):
    is_problem(client.post(KEYS, json=body, headers=admin.headers), 422, "validation_failed")


def test_its_use_is_noted_once_a_minute_at_most(client, admin):
    key = made(client, admin)
    assert stored(client).last_used_at is None
    orders(client, with_key(key))
    first = stored(client).last_used_at
    assert first is not None
    orders(client, with_key(key))
    assert stored(client).last_used_at == first
    execute(client, "UPDATE api_keys SET last_used_at = last_used_at - interval '61 seconds'")
    orders(client, with_key(key))
    assert stored(client).last_used_at > first - api_keys.TOUCH_EVERY


def test_keys_are_listed_in_pages(client, admin):
    ids = [made(client, admin, name=f"key {n}")["id"] for n in range(3)]
    page = client.get(f"{KEYS}?limit=2", headers=admin.headers).json
    rest = client.get(f"{KEYS}?limit=2&cursor={page['next_cursor']}", headers=admin.headers).json
    assert [k["id"] for k in page["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None


def test_customers_make_no_keys(client, admin):
    is_problem(make(client, an_account(client)), 403, "forbidden")


def test_a_good_key_has_a_budget_of_its_own_and_others_spend_the_addresss(app, client, admin):
    key = made(client, admin)

    def spends(headers, path="/api/v1/admin/orders"):
        with app.test_request_context(path, headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.7"}):
            return limits._key()

    assert spends(with_key(key)) == "ip:192.0.2.7"  # nobody knows it yet
    orders(client, with_key(key))
    assert spends(with_key(key)) == f"key:{key['id']}"
    assert spends({"X-API-Key": "qsk_invented"}) == "ip:192.0.2.7"
    assert spends(with_key(key), "/admin/orders") == "ip:192.0.2.7"  # pages read no key
    assert spends(with_key(key) | admin.headers) == f"user:{admin.extra['id']}"
