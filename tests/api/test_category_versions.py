"""Categories and attributes: two who change one do not undo each other, by API, by pages, or at the same moment."""

import pytest

from quickshop.catalog import categories, changing
from quickshop.catalog.errors import OldVersion
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.accounts import a_staff_account, rows
from tests.factories.pages import submit
from tests.factories.racing import together
from tests.factories.shop import a_variant, look


@pytest.fixture
def staff(client):
    account = a_staff_account(client)
    with client.application.app_context():
        a_variant()
        [product] = look("SELECT id FROM products")
        run_unit(lambda: changing.change_product(product.id, {"attributes": {"material": "wool"}}))
    return account


def listed(staff, what):
    return staff.get(f"/admin/{what}").json["items"][0]


def patch(staff, path, body):
    return staff.client.patch(f"/api/v1/admin/{path}", json=body, headers=staff.headers)


@pytest.mark.parametrize(
    ("what", "key", "one", "other"),
    [
        ("categories", "id", {"name": "Mugs"}, {"position": 4}),
        ("categories", "id", {"parent_id": None}, {"name": "Cups"}),
        ("attributes", "name", {"label": "Stuff"}, {"facetable": False}),
    ],
)
def test_the_second_of_two_is_told_what_the_version_is_now(staff, what, key, one, other):
    seen = listed(staff, what)
    path = f"{what}/{seen[key]}"
    assert patch(staff, path, one | {"version": seen["version"]}).status_code == 204
    refused = patch(staff, path, other | {"version": seen["version"]})
    assert (refused.status_code, refused.json["code"]) == (409, "changed_meanwhile")
    now = listed(staff, what)
    assert refused.json["version"] == now["version"] > seen["version"]
    assert {name: now[name] for name in other} == {name: seen[name] for name in other}
    assert patch(staff, path, other | {"version": now["version"]}).status_code == 204
    assert patch(staff, path, other).status_code == 204  # who names no version asks for no check


def test_a_form_that_is_old_is_refused_with_a_sentence(staff):
    staff.client.set_cookie("access", staff.access_token)
    [category] = rows(staff.client, "SELECT id, slug FROM categories")
    page = staff.client.get("/admin/categories").text
    assert page.count('name="version" value="1"') == 2  # one category, one attribute
    form = {"name": "Mugs", "slug": category.slug, "position": "1", "version": "1"}
    assert submit(staff.client, f"/admin/categories/{category.id}", form).status_code == 303
    old = submit(staff.client, f"/admin/categories/{category.id}", form | {"name": "Cups"})
    assert old.status_code == 409
    assert "Somebody else has changed this" in old.text
    assert rows(staff.client, "SELECT name FROM categories")[0].name == "Mugs"
    form = {"label": "Stuff", "position": "0", "facetable": "1", "version": "1"}
    assert submit(staff.client, "/admin/attributes/material", form).status_code == 303
    assert submit(staff.client, "/admin/attributes/material", form).status_code == 409


@pytest.mark.parametrize("changes", [{"name": "Mugs"}, {"parent_id": None, "name": "Mugs"}])
def test_of_many_at_the_same_moment_one_wins(core, changes):
    category = _a_category()
    edits = [lambda: run_unit(lambda: categories.edit_category(category, changes, 1))] * 6
    outcomes = together(core, *edits)
    assert [type(o) for o in outcomes if o is not None] == [OldVersion] * 5


def _a_category():
    a_variant()
    return look("SELECT id FROM categories")[0].id
