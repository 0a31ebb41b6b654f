"""The catalogue on the staff's pages, without scripts: finding, editing, pictures, stock, categories."""

import re

import pytest

from tests.factories.accounts import rows
from tests.factories.pages import csrf, stock_shop, submit
from tests.factories.staff_pages import a_staff_client
from tests.factories.uploads import drawn, form


@pytest.fixture
def staff(app):
    """A member of staff in a browser, and a shop with one product."""
    variants = stock_shop(app)
    client = a_staff_client(app)
    client.variants = variants
    client.product = str(rows(client, "SELECT id FROM products")[0].id)
    client.address = f"/admin/products/{client.product}"
    return client


def version(staff):
    """What the editor's form carries."""
    return re.search(r'name="version" value="([^"]+)"', staff.get(staff.address).text)[1]


def facts(staff, **changes):
    """The first form as it stands, with changes."""
    [product] = rows(staff, "SELECT name, slug, description, category_id FROM products")
    fields = product._asdict() | {
        "attributes": "material: Stoneware",
        "options": "colour: red, blue",
        "related": "",
        "version": version(staff),
    }
    return fields | changes


def saved(answer, address):
    assert answer.status_code == 303, answer.text
    assert answer.location.partition("#")[0] == address
    return True


# --- the list ------------------------------------------------------------------------------------------


def test_products_are_found_shown_and_hidden(staff):
    page = staff.get("/admin/products?q=mug&state=shown").text
    assert "Morning Mug" in page
    assert "Morning Mug" not in staff.get("/admin/products?state=draft").text
    ticked = {"product": staff.product, "do": "unpublish"}
    assert saved(submit(staff, "/admin/products/show?state=shown", ticked), "/admin/products?state=shown")
    assert staff.get("/products/morning-mug").status_code == 404
    assert "Draft" in staff.get("/admin/products").text
    submit(staff, "/admin/products/show", ticked | {"do": "publish"})
    assert staff.get("/products/morning-mug").status_code == 200


def test_who_ticks_nothing_is_told(staff):
    answer = submit(staff, "/admin/products/show", {"do": "publish"})
    assert answer.status_code == 422
    assert "Tick the products first." in answer.text


def test_a_draft_is_made_and_what_was_typed_comes_back_when_refused(staff):
    category = rows(staff, "SELECT id FROM categories")[0].id
    draft = {"name": "Lamp", "slug": "lamp", "category_id": category, "sku": "LAMP", "price": "12.50", "stock": "4"}
    refused = submit(staff, "/admin/products/new", draft | {"price": "12.505"})
    assert refused.status_code == 422
    assert 'value="Lamp"' in refused.text and "an amount in USD" in refused.text
    made = submit(staff, "/admin/products/new", draft)
    assert made.status_code == 303
    page = staff.get(made.location).text
    assert "Draft" in page and "$12.50" in page and "4 in the house" in page


# --- the editor ----------------------------------------------------------------------------------------


def test_the_editor_changes_what_a_product_is(staff):
    changed = facts(staff, name="Evening Mug", slug="evening-mug", attributes="material: Glass\nmade in: Porto")
    assert saved(submit(staff, staff.address, changed), staff.address)
    page = staff.get("/products/evening-mug").text
    assert "Evening Mug" in page and "Porto" in page
    assert staff.get("/products/morning-mug").status_code == 301
    assert "Also found under: morning-mug" in staff.get(staff.address).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "The name is missing."),
        ({"slug": "Not so"}, "An address has lower-case letters"),
        ({"attributes": "no colon here"}, "write each once"),
        ({"options": "colour: green"}, "is not one of the values"),
        ({"related": "no-such"}, "There is no product no-such."),
    ],
)
def test_what_is_refused_comes_back_as_it_was_typed(staff, changes, said):
    answer = submit(staff, staff.address, facts(staff, description="Typed at length") | changes)
    assert answer.status_code == 422
    assert said in answer.text and "Typed at length" in answer.text
    assert rows(staff, "SELECT description FROM products")[0].description != "Typed at length"


def test_of_two_who_edit_at_once_the_later_is_told_and_loses_nothing(staff):
    seen = version(staff)
    submit(staff, staff.address, facts(staff, name="First"))
    late = submit(staff, staff.address, facts(staff, name="Second", version=seen))
    assert late.status_code == 409
    assert "Somebody else has changed this" in late.text and 'value="Second"' in late.text
    assert rows(staff, "SELECT name FROM products")[0].name == "First"
    again = re.search(r'name="version" value="([^"]+)"', late.text)[1]
    assert saved(submit(staff, staff.address, facts(staff, name="Second", version=again)), staff.address)


def test_a_show_is_timed_begun_and_ended(staff):
    path = f"{staff.address}/show"
    times = {"do": "times", "published_at": "2090-01-01T08:00", "withdrawn_at": "", "version": version(staff)}
    assert saved(submit(staff, path, times), staff.address)
    assert "Scheduled" in staff.get(staff.address).text
    assert submit(staff, path, times | {"published_at": "soon", "version": ""}).status_code == 422
    submit(staff, path, {"do": "publish"})
    assert staff.get("/products/morning-mug").status_code == 200
    submit(staff, path, {"do": "unpublish"})
    assert staff.get("/products/morning-mug").status_code == 404


def test_variants_are_priced_put_on_sale_stocked_changed_and_taken_away(staff):
    red = f"/admin/variants/{staff.variants['MUG-RED']}"
    assert saved(submit(staff, f"{red}/price", {"price": "15.00", "compare_at": "18"}), staff.address)
    assert "$15.00" in staff.get("/products/morning-mug").text
    assert saved(submit(staff, f"{red}/sale", {"sale_price": "9.90"}), staff.address)
    assert "$9.90" in staff.get("/products/morning-mug").text
    assert saved(submit(staff, f"{red}/sale", {"do": "end"}), staff.address)
    assert saved(submit(staff, f"{red}/stock", {"delta": "-3", "cause": "damaged", "note": "Fell"}), staff.address)
    assert "7 in the house" in staff.get(staff.address).text
    assert submit(staff, f"{red}/stock", {"delta": "-30", "cause": "corrected"}).status_code == 409
    details = {"sku": "MUG-R", "option.colour": "red", "weight_grams": "350", "position": "0", "low_at": "2"}
    assert saved(submit(staff, red, details), staff.address)
    assert "MUG-R" in staff.get(staff.address).text
    submit(staff, staff.address, facts(staff, options="colour: red, blue, green"))
    green = {"sku": "MUG-GREEN", "price": "20", "option.colour": "green"}
    assert saved(submit(staff, f"{staff.address}/variants", green), staff.address)
    made = rows(staff, "SELECT id FROM variants WHERE sku = 'MUG-GREEN'")[0].id
    assert saved(submit(staff, f"/admin/variants/{made}/remove"), staff.address)
    assert "MUG-GREEN" not in staff.get(staff.address).text


def upload(staff, raw, **fields):
    return staff.post(f"{staff.address}/pictures", data=form(raw, csrf_token=csrf(staff), **fields))


def test_pictures_are_uploaded_described_moved_and_taken_away(staff):
    for number in range(2):
        assert saved(upload(staff, drawn(colour=(number * 90, 9, 9)), alt=f"Number {number}"), staff.address)
    first, second = (p.id for p in rows(staff, "SELECT id FROM pictures ORDER BY position"))
    page = staff.get("/products/morning-mug").text
    assert 'alt="Number 0"' in page and 'alt="Number 1"' in page and "<source" in page
    path = f"{staff.address}/pictures"
    submit(staff, f"{path}/{second}", {"do": "move", "position": "0"})
    submit(staff, f"{path}/{first}", {"do": "describe", "alt": "The other"})
    submit(staff, f"{path}/{second}", {"do": "remove"})
    [left] = rows(staff, "SELECT alt, position FROM pictures")
    assert (left.alt, left.position) == ("The other", 0)
    assert staff.get(staff.address).status_code == 200


def test_large_pictures_get_in_and_larger_ones_are_told_why_not(staff):
    raw = drawn(3000, 2000, format="PNG", compress_level=0)
    assert len(raw) > 15 * 1024**2
    refused = upload(staff, raw)
    assert refused.status_code == 422
    assert "15 MiB at most" in refused.text
    assert saved(upload(staff, drawn(1500, 1000, format="PNG", compress_level=0)), staff.address)


def test_a_refused_picture_is_told_of_on_the_page(staff):
    refused = upload(staff, b"GIF89a" + b"\0" * 100)
    assert refused.status_code == 422
    assert "Upload a JPEG, PNG, WebP or AVIF picture." in refused.text


def test_a_stranger_sends_no_large_body_to_a_page(app):
    stranger = app.test_client()
    raw = drawn(1500, 1000, format="PNG", compress_level=0)
    answer = stranger.post("/admin/products/x/pictures", data=form(raw, csrf_token=csrf(stranger)))
    assert answer.status_code == 413


# --- categories and stock ------------------------------------------------------------------------------


def test_the_tree_and_attributes_are_changed(staff):
    assert saved(submit(staff, "/admin/categories", {"name": "Kitchen", "slug": "kitchen"}), "/admin/categories")
    found = {c.slug: c for c in rows(staff, "SELECT * FROM categories")}
    mugs = f"/admin/categories/{found['mugs'].id}"
    moved = {"name": "Cups", "slug": "cups", "position": "1", "parent_id": found["kitchen"].id, "parent_before": ""}
    assert saved(submit(staff, mugs, moved), "/admin/categories")
    loop = {"name": "Kitchen", "slug": "kitchen", "parent_id": found["mugs"].id, "parent_before": ""}
    assert submit(staff, f"/admin/categories/{found['kitchen'].id}", loop).status_code == 409
    assert submit(staff, f"{mugs}/remove").status_code == 409
    assert "Cups" in staff.get("/admin/categories").text
    submit(staff, "/admin/attributes/material", {"label": "Made of", "position": "2"})
    [material] = rows(staff, "SELECT * FROM attributes WHERE name = 'material'")
    assert (material.label, material.facetable, material.position) == ("Made of", False, 2)


def test_the_stock_page_tells_what_runs_low_and_what_moved(staff):
    page = staff.get("/admin/stock").text
    assert "MUG-BLUE" in page and "Received" in page
    red = staff.variants["MUG-RED"]
    submit(staff, f"/admin/variants/{red}/stock", {"delta": "-8", "cause": "lost", "note": "Stolen"})
    assert "Stolen" in staff.get(f"/admin/stock?variant={red}&cause=lost").text
    assert "Stolen" not in staff.get("/admin/stock?cause=received").text
    assert "2 variants run low" in staff.get("/admin/products").text


# --- strangers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/admin/products", "/admin/products/new", "/admin/categories", "/admin/stock"])
def test_only_who_may_change_the_catalogue_comes_in(app, path):
    assert app.test_client().get(path).location.startswith("/sign-in")
    support = a_staff_client(app, "support")
    assert support.get(path).status_code == 403
    assert path not in support.get("/admin").text


@pytest.mark.parametrize("path", ["/admin/products/x", "/admin/products/0198c000-0000-7000-8000-000000000000"])
def test_an_unknown_product_is_404(staff, path):
    assert staff.get(path).status_code == 404
    assert submit(staff, f"/admin/variants/{path.rpartition('/')[2]}/price", {"price": "1"}).status_code == 404
