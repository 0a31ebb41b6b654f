"""Roles edited by staff: denied by default, nobody above what they hold, and somebody always left to give roles."""

import pytest

from quickshop.accounts.permissions import Permission
from tests.factories.accounts import a_staff_account, an_account, execute, is_problem, rows

ROLES = "/api/v1/admin/roles"
PEOPLE = "/api/v1/admin/customers"


@pytest.fixture
def admin(client):
    return a_staff_account(client)


@pytest.fixture
def member(client):
    account = an_account(client)
    account.extra["id"] = rows(client, "SELECT id FROM users WHERE username = :n", n=account.username)[0].id
    return account


def make(client, staff, name="desk", permissions=("customers:read",), **more):
    body = {"name": name, "permissions": list(permissions), **more}
    return client.post(ROLES, json=body, headers=staff.headers)


def put(client, staff, name, **body):
    return client.put(f"{ROLES}/{name}", json=body, headers=staff.headers)


def give(client, staff, user_id, name):
    return client.put(f"{PEOPLE}/{user_id}/roles/{name}", headers=staff.headers)


def take(client, staff, user_id, name):
    return client.delete(f"{PEOPLE}/{user_id}/roles/{name}", headers=staff.headers)


def proved(client, account):
    """Let the account's session count as opened with two factors."""
    execute(client, "UPDATE sessions SET second_factor_at = now() WHERE user_id = :id", id=account.extra["id"])
    return account


def test_the_built_in_roles_and_every_permission_are_listed(client, admin):
    listed = {r["name"]: r for r in client.get(ROLES, headers=admin.headers).json["items"]}
    assert set(listed) == {"admin", "support"}
    assert listed["admin"]["permissions"] == sorted(Permission)  # a new permission belongs into a migration, too
    assert (listed["admin"]["built_in"], listed["admin"]["holders"], listed["support"]["holders"]) == (True, 1, 0)
    named = client.get("/api/v1/admin/permissions", headers=admin.headers).json["items"]
    assert [p["name"] for p in named] == [str(p) for p in Permission]


def test_a_role_is_made_changed_given_taken_and_removed(client, admin, member):
    made = make(client, admin, description="The front desk")
    assert (made.status_code, made.headers["Location"]) == (201, f"{ROLES}/desk")
    assert made.json == {
        "name": "desk", "description": "The front desk", "permissions": ["customers:read"], "built_in": False,
        "holders": 0,
    }  # fmt: skip
    changed = put(client, admin, "desk", permissions=["orders:read", "customers:read"])
    assert changed.json["permissions"] == ["customers:read", "orders:read"]
    assert changed.json["description"] == "The front desk"
    assert put(client, admin, "desk", description="").json["description"] == ""

    for _ in range(2):  # again changes nothing
        assert give(client, admin, member.extra["id"], "desk").status_code == 204
    assert client.get(f"{ROLES}/desk", headers=admin.headers).json["holders"] == 1
    is_problem(client.delete(f"{ROLES}/desk", headers=admin.headers), 409, "role_held")
    assert take(client, admin, member.extra["id"], "desk").status_code == 204
    is_problem(take(client, admin, member.extra["id"], "desk"), 404, "not_found")
    assert client.delete(f"{ROLES}/desk", headers=admin.headers).status_code == 204
    is_problem(client.get(f"{ROLES}/desk", headers=admin.headers), 404, "not_found")
    told = [(e["type"], e["data"]) for e in member.get("/me/events").json["items"] if "role" in e["type"]]
    assert told == [("account.role_granted", {"role": "desk"}), ("account.role_taken", {"role": "desk"})]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Desk", "permissions": []},
        {"name": "d", "permissions": []},
        {"name": "desk\n", "permissions": []},
        {"name": "desk"},
        {"name": "desk", "permissions": ["everything"]},
        {"name": "desk", "permissions": "orders:read"},
        {"name": "desk", "permissions": [], "built_in": True},
        {"name": "desk", "permissions": [], "description": "x" * 201},
    ],
)
def test_a_role_of_another_shape_is_refused(client, admin, body):
    is_problem(client.post(ROLES, json=body, headers=admin.headers), 422, "validation_failed")


def test_a_name_is_used_once(client, admin):
    assert make(client, admin).status_code == 201
    is_problem(make(client, admin), 409, "role_exists")
    is_problem(make(client, admin, "admin"), 409, "role_exists")


def test_what_does_not_exist_is_not_found(client, admin, member):
    is_problem(put(client, admin, "nothing", description="x"), 404, "not_found")
    is_problem(client.delete(f"{ROLES}/nothing", headers=admin.headers), 404, "not_found")
    is_problem(give(client, admin, member.extra["id"], "nothing"), 404, "not_found")
    is_problem(give(client, admin, "0192f0e0-0000-7000-8000-000000000000", "support"), 404, "not_found")
    is_problem(take(client, admin, member.extra["id"], "support"), 404, "not_found")


def test_built_in_roles_stay_and_admins_permissions_are_never_cut(client, admin):
    for name in ("admin", "support"):
        is_problem(client.delete(f"{ROLES}/{name}", headers=admin.headers), 409, "role_built_in")
    is_problem(put(client, admin, "admin", permissions=["roles:write"]), 409, "role_built_in")
    assert put(client, admin, "admin", description="All of it").status_code == 200
    assert put(client, admin, "support", permissions=["orders:read"]).json["permissions"] == ["orders:read"]


def keeper(client, admin, permissions=("roles:read", "roles:write")):
    """Somebody who may edit roles and little else."""
    make(client, admin, "keeper", permissions)
    return a_staff_account(client, "keeper")


def test_nobody_gives_what_they_do_not_hold(client, admin, member):
    clerk = keeper(client, admin)
    missing = make(client, clerk, "mine", ["roles:read", "orders:read", "catalog:write"])
    is_problem(missing, 403, "permission_not_held")
    assert missing.json["permissions"] == ["catalog:write", "orders:read"]
    is_problem(put(client, clerk, "keeper", permissions=["roles:read", "roles:write", "audit:read"]), 403,
               "permission_not_held")  # fmt: skip
    is_problem(give(client, clerk, clerk.extra["id"], "admin"), 403, "permission_not_held")
    is_problem(give(client, clerk, member.extra["id"], "support"), 403, "permission_not_held")
    assert give(client, clerk, member.extra["id"], "keeper").status_code == 204
    assert make(client, clerk, "reader", ["roles:read"]).status_code == 201


def test_nobody_takes_from_those_who_hold_more(client, admin):
    clerk = keeper(client, admin)
    is_problem(take(client, clerk, admin.extra["id"], "admin"), 403, "permission_not_held")
    is_problem(put(client, clerk, "support", permissions=[]), 403, "permission_not_held")
    make(client, admin, "buyers", ["catalog:write"])
    is_problem(client.delete(f"{ROLES}/buyers", headers=clerk.headers), 403, "permission_not_held")
    assert client.get(ROLES, headers=admin.headers).status_code == 200


def test_somebody_who_can_sign_in_always_keeps_roles_write(client, admin):
    is_problem(take(client, admin, admin.extra["id"], "admin"), 409, "last_roles_keeper")
    clerk = keeper(client, admin)
    execute(client, "UPDATE users SET disabled_at = now() WHERE id = :id", id=clerk.extra["id"])
    is_problem(take(client, admin, admin.extra["id"], "admin"), 409, "last_roles_keeper")
    execute(client, "UPDATE users SET disabled_at = NULL WHERE id = :id", id=clerk.extra["id"])
    assert take(client, admin, admin.extra["id"], "admin").status_code == 204
    is_problem(put(client, clerk, "keeper", permissions=["roles:read"]), 409, "last_roles_keeper")
    assert client.get(ROLES, headers=clerk.headers).status_code == 200
    is_problem(client.get(ROLES, headers=admin.headers), 403, "forbidden")


def test_a_change_counts_from_the_next_request_on(client, admin, member):
    proved(client, member)
    is_problem(member.get("/admin/customers"), 403, "forbidden")
    make(client, admin)
    give(client, admin, member.extra["id"], "desk")
    assert member.get("/admin/customers").status_code == 200
    assert member.get("/me").json["permissions"] == ["customers:read"]
    put(client, admin, "desk", permissions=["orders:read"])
    is_problem(member.get("/admin/customers"), 403, "forbidden")
    assert member.get("/admin/orders").status_code == 200
    take(client, admin, member.extra["id"], "desk")
    is_problem(member.get("/admin/orders"), 403, "forbidden")
    assert member.get("/me").json["permissions"] == []


def test_rights_without_a_second_factor_are_none(client, admin, member):
    give(client, admin, member.extra["id"], "support")
    is_problem(member.get("/admin/orders"), 403, "second_factor_needed")
