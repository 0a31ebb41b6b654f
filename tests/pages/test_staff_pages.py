"""The staff's pages of customers, roles and API keys, without scripts: who sees them, and what their forms do."""

import re

import pytest

from quickshop.accounts.roles import grant
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from tests.factories import shop
from tests.factories.accounts import a_staff_account, an_account, rows
from tests.factories.pages import submit

AREAS = {"/admin/customers": "Customers", "/admin/roles": "Roles", "/admin/api-keys": "API keys"}


@pytest.fixture
def admin(client):
    """An admin whose browser this client is."""
    account = a_staff_account(client)
    client.set_cookie("access", account.access_token)
    return account


@pytest.fixture
def member(client):
    account = an_account(client, first_name="Élodie", last_name="Marchand", username="elodie")
    account.extra["id"] = rows(client, "SELECT id FROM users WHERE username = 'elodie'")[0].id
    return account


def page_of(member):
    return f"/admin/customers/{member.extra['id']}"


def test_the_areas_stand_in_the_navigation_of_those_who_may(client, app, admin):
    page = client.get("/admin").text
    assert all(f'href="{address}"' in page for address in AREAS)
    support = a_staff_account(client, "support")
    client.set_cookie("access", support.access_token)
    page = client.get("/admin").text
    assert 'href="/admin/customers"' in page
    assert 'href="/admin/roles"' not in page and 'href="/admin/api-keys"' not in page
    assert [client.get(address).status_code for address in AREAS] == [200, 403, 403]


@pytest.mark.parametrize("address", AREAS)
def test_others_do_not_get_in(client, app, address, member):
    assert client.get(address).status_code == 303
    client.set_cookie("access", member.access_token)
    assert client.get(address).status_code == 403
    with app.app_context():
        run_unit(lambda: grant(member.extra["id"], "admin"))
    assert client.get(address).status_code == 403  # without a second factor a role is worth nothing


FORMS = ("/admin/customers/{id}/standing", "/admin/customers/{id}/roles", "/admin/customers/{id}/roles/support/take",
         "/admin/roles", "/admin/roles/support", "/admin/roles/support/remove", "/admin/api-keys",
         "/admin/api-keys/{id}/revoke")  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms_are_for_those_who_may_and_carry_the_token(client, admin, member, form):
    address = form.format(id=member.extra["id"])
    assert client.post(address, data={}).status_code == 400  # no CSRF token
    support = a_staff_account(client, "support")
    client.set_cookie("access", support.access_token)
    assert submit(client, address).status_code == 403


def test_a_customer_is_searched_and_shown(client, admin, member):
    found = client.get("/admin/customers?q=marchand+elodie").text
    assert "Élodie Marchand" in found and page_of(member) in found
    assert "Nobody fits" in client.get("/admin/customers?q=nobody-here").text
    shown = client.get(page_of(member)).text
    assert member.email in shown and "No orders yet" in shown


def test_what_a_customer_spent_stands_in_each_currency_beside_what_makes_a_vip(client, app, admin, member):
    with app.app_context():
        spent = '{"USD": 12345, "EUR": 900, "GBP": 0}'
        run_unit(
            lambda: db.run(
                "UPDATE users SET spent = CAST(:spent AS jsonb), spent_minor = 12345 WHERE id = :id",
                spent=spent,
                id=member.extra["id"],
            )
        )
    shown = client.get(page_of(member)).text
    assert "$123.45" in shown and "VIP from $2,000.00" in shown and "€9.00" in shown and "£0.00" not in shown
    api = client.get(f"/api/v1{page_of(member)}", headers=admin.headers).json
    assert api["spent_by_currency"] == [{"amount": 900, "currency": "EUR"}, {"amount": 12345, "currency": "USD"}]
    assert client.get("/admin/customers/x").status_code == 404


def test_what_somebody_calls_themselves_is_never_markup(client, admin):
    an_account(client, first_name="<script>x</script>", last_name="O'Neill", username="sly")
    page = client.get("/admin/customers?q=sly").text
    assert "&lt;script&gt;" in page and "<script>x" not in page


def test_pages_of_customers_keep_the_query(client, admin, app):
    with app.app_context():
        for _ in range(25):
            shop.a_member()
    page = client.get("/admin/customers?q=member").text  # usernames that begin so
    following = re.search(r'href="(/admin/customers\?q=member&amp;cursor=[^"]+)"', page)[1].replace("&amp;", "&")
    assert page.count('<tr><th scope="row">') == 24
    assert client.get(following).text.count('<tr><th scope="row">') == 1


def test_standing_is_changed_by_forms(client, admin, member):
    for change, badge, there in (("vip", "VIP", True), ("no-vip", '<span class="badge spark">VIP', False)):
        answer = submit(client, f"{page_of(member)}/standing", {"change": change})
        assert (answer.status_code, answer.location) == (303, page_of(member))
        assert (badge in client.get(page_of(member)).text) is there
    submit(client, f"{page_of(member)}/standing", {"change": "disable"})
    assert member.get("/me").status_code == 401
    assert "Open the account again" in client.get(page_of(member)).text
    submit(client, f"{page_of(member)}/standing", {"change": "enable"})
    assert member.sign_in().status_code == 200


def test_ones_own_account_is_not_disabled(client, admin):
    own = f"/admin/customers/{admin.extra['id']}"
    assert "Disable the account" not in client.get(own).text
    answer = submit(client, f"{own}/standing", {"change": "disable"})
    assert answer.status_code == 409 and "your own account" in answer.text


def test_roles_are_given_and_taken_by_forms(client, admin, member):
    assert submit(client, f"{page_of(member)}/roles", {"role": "support"}).status_code == 303
    assert "Take support" in client.get(page_of(member)).text
    assert submit(client, f"{page_of(member)}/roles/support/take").status_code == 303
    assert "None: a customer" in client.get(page_of(member)).text
    answer = submit(client, f"/admin/customers/{admin.extra['id']}/roles/admin/take")
    assert answer.status_code == 409 and "roles:write" in answer.text
    assert submit(client, f"{page_of(member)}/roles", {"role": "nothing"}).status_code == 404


def permissions_of(client, role):
    return sorted(rows(client, "SELECT permissions FROM roles WHERE name = :n", n=role)[0].permissions)


def test_a_role_is_made_ticked_and_removed(client, admin):
    assert submit(client, "/admin/roles", {"name": "desk", "description": "The desk"}).status_code == 303
    assert permissions_of(client, "desk") == []
    ticked = {"description": "The desk", "permissions": ["orders:read", "customers:read"]}
    assert submit(client, "/admin/roles/desk", ticked).status_code == 303
    assert permissions_of(client, "desk") == ["customers:read", "orders:read"]
    assert submit(client, "/admin/roles/desk", {"permissions": "orders:read"}).status_code == 303
    assert permissions_of(client, "desk") == ["orders:read"]
    assert submit(client, "/admin/roles/desk/remove").status_code == 303
    assert submit(client, "/admin/roles/desk/remove").status_code == 404


def test_boxes_that_an_editor_cannot_tick_stay_as_they_were(client, admin):
    client.post("/api/v1/admin/roles", headers=admin.headers,
                json={"name": "keeper", "permissions": ["roles:read", "roles:write"]})  # fmt: skip
    clerk = a_staff_account(client, "keeper")
    client.set_cookie("access", clerk.access_token)
    assert submit(client, "/admin/roles/support", {"permissions": "roles:read"}).status_code == 303
    assert permissions_of(client, "support") == [
        "customers:read",
        "metrics:read",
        "orders:read",
        "roles:read",
        "tickets:write",
    ]
    refused = submit(client, "/admin/roles/support", {"permissions": ["audit:read"]})
    assert refused.status_code == 403 and "audit:read" in refused.text


@pytest.mark.parametrize("fields", [{"name": "Desk"}, {"name": ""}, {"name": "desk", "description": "x" * 201}])
def test_a_refused_role_says_why_and_keeps_what_was_typed(client, admin, fields):
    answer = submit(client, "/admin/roles", fields)
    assert answer.status_code == 422
    assert f'value="{fields["name"]}"' in answer.text


def test_admin_keeps_everything_whatever_the_form_says(client, admin):
    before = permissions_of(client, "admin")
    assert submit(client, "/admin/roles/admin", {"description": "All"}).status_code == 303
    assert permissions_of(client, "admin") == before


def test_a_key_is_made_shown_once_and_revoked(client, admin):
    made = submit(client, "/admin/api-keys", {"name": "Warehouse", "scopes": "orders:read", "life": "30"})
    assert made.status_code == 200 and made.headers["Cache-Control"] == "no-store"
    key = re.search(r'<code class="secret">(qsk_[^<]+)</code>', made.text)[1]
    assert client.get("/api/v1/admin/orders", headers={"X-API-Key": key}).status_code == 200
    listed = client.get("/admin/api-keys").text
    assert key not in listed and "Warehouse" in listed
    key_id = rows(client, "SELECT id FROM api_keys")[0].id
    assert submit(client, f"/admin/api-keys/{key_id}/revoke").status_code == 303
    assert client.get("/api/v1/admin/orders", headers={"X-API-Key": key}).status_code == 401
    assert submit(client, f"/admin/api-keys/{key_id}/revoke").status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "", "scopes": "orders:read"},
        {"name": "x"},
        {"name": "x", "scopes": "everything"},
        {"name": "x", "scopes": "orders:read", "life": "9999"},
    ],
)
def test_a_refused_key_says_why(client, admin, fields):
    answer = submit(client, "/admin/api-keys", fields)
    assert answer.status_code == 422 and 'id="problem"' in answer.text
    assert rows(client, "SELECT 1 FROM api_keys") == []


def test_a_refusal_shows_nothing_personal_to_those_who_may_not_read_customers(client, admin, member):
    body = {"name": "keeper", "permissions": ["roles:read", "roles:write"]}
    client.post("/api/v1/admin/roles", headers=admin.headers, json=body)
    clerk = a_staff_account(client, "keeper")
    client.set_cookie("access", clerk.access_token)
    answer = submit(client, f"{page_of(member)}/roles", {"role": "admin"})
    assert answer.status_code == 403
    assert member.email not in answer.text and "Élodie" not in answer.text


@pytest.mark.parametrize("fields", [{"role": "sup\0port"}, {"role": "support", "x\0y": "1"}])
def test_nul_in_a_form_is_a_bad_request(client, admin, member, fields):
    assert submit(client, f"{page_of(member)}/roles", fields).status_code == 400
