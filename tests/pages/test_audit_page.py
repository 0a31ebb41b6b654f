"""The staff's page of the audit log."""

import re

from tests.factories.accounts import a_staff_account
from tests.factories.pages import submit


def signed_in(client, role):
    staff = a_staff_account(client, role)
    client.set_cookie("access", staff.access_token)
    return staff


def test_the_page_shows_who_did_what_and_narrows_it_down(client):
    admin = signed_in(client, "admin")
    body = {"slug": "mugs", "name": "Mugs"}
    assert client.post("/api/v1/admin/categories", json=body, headers=admin.headers).status_code == 201
    page = client.get(f"/admin/audit?actor=user:{admin.extra['id']}")
    assert page.status_code == 200
    assert "admin_catalogue.create_category" in page.text
    assert re.search(r"staff:\d+:[0-9a-f]{64}", page.text)
    assert "No entries here" in client.get(f"/admin/audit?actor=user:{admin.extra['id']}&outcome=denied").text
    for odd in ("from=nonsense", "chain=other", "outcome=x", "to=2026-02-31", "to=9999-12-31", "from=9999-12-31"):
        assert client.get(f"/admin/audit?{odd}").status_code == 200


def test_without_the_permission_the_page_and_its_link_are_not_there(client):
    signed_in(client, "support")
    assert client.get("/admin/audit").status_code == 403
    assert "/admin/audit" not in client.get("/admin/orders").text
    assert submit(client, "/admin/audit").status_code == 405
