"""Staff set shipping and tax by API: it is audited, refused where it cannot be, and in the next quote."""

import uuid

import pytest

from tests.factories.accounts import a_staff_account, an_account, is_problem, rows
from tests.factories.shop import ADDRESS, a_variant

ADMIN = "/api/v1/admin"
BERLIN = ADDRESS | {"city": "Berlin", "postal_code": "10117", "country": "DE"}
USD = "USD"
SUMS = ("subtotal", "discount", "shipping", "tax", "tax_included", "total")


def usd(amount):
    return {"amount": amount, "currency": USD}


METHOD = {"name": "Parcel", "price": usd(700), "min_days": 1, "max_days": 3}
RATE = {"country": "DE", "name": "VAT", "rate": "19"}


@pytest.fixture(autouse=True)
def provider(gateway):
    """Every test here has the scripted gateway."""
    return gateway


@pytest.fixture
def staff(client):
    return a_staff_account(client)


@pytest.fixture
def mug(app):
    with app.app_context():
        return str(a_variant(price=1000, stock=20))


def put(staff, path, body):
    return staff.client.put(ADMIN + path, json=body, headers=staff.headers)


def post(staff, path, body):
    return staff.client.post(ADMIN + path, json=body, headers=staff.headers)


def delete(staff, path):
    return staff.client.delete(ADMIN + path, headers=staff.headers)


def a_guests_cart(client, mug):
    """The headers of a guest who has a mug."""
    made = client.post("/api/v1/cart/items", json={"variant_id": mug, "quantity": 1})
    return {"X-Cart-Token": made.json["token"]}


def quoted(client, headers, **body):
    answer = client.post("/api/v1/checkout/quote", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json


def amounts(document):
    """The sums, before credit."""
    return {name: document["totals"][name]["amount"] for name in SUMS}


def test_a_method_comes_back_as_it_was_set_and_goes(staff):
    wish = METHOD | {
        "kind": "pickup", "priced_by": "weight", "free_from": usd(5000), "max_weight_grams": 20_000, "note": "Door 3",
        "bands": [{"from_grams": 2000, "price": usd(900)}],
    }  # fmt: skip
    assert put(staff, "/shipping-methods/parcel", wish).status_code == 204
    found = staff.get("/admin/shipping-methods/parcel").json
    assert {name: found[name] for name in ("name", "price", "kind", "free_from", "max_weight_grams", "note")} == {
        name: wish[name] for name in ("name", "price", "kind", "free_from", "max_weight_grams", "note")
    }
    assert found["bands"] == [{"from_grams": 2000, "from_value": None, "price": usd(900)}]
    assert [m["code"] for m in staff.get("/admin/shipping-methods").json["items"]] == ["parcel"]
    assert delete(staff, "/shipping-methods/parcel").status_code == 204
    assert is_problem(staff.get("/admin/shipping-methods/parcel"), 404, "not_found")
    assert is_problem(delete(staff, "/shipping-methods/parcel"), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price": {"amount": -1, "currency": USD}}, "price"),
        ({"free_from": {"amount": 1, "currency": "EUR"}}, "price"),
        ({"min_days": 4}, "max_days"),
        ({"min_weight_grams": 5, "max_weight_grams": 4}, "max_weight_grams"),
        ({"min_value": usd(2), "max_value": usd(1)}, "max_value"),
        ({"bands": [{"from_grams": 1, "price": usd(1)}]}, "bands"),  # a flat price has none
        ({"priced_by": "value", "bands": [{"from_grams": 1, "price": usd(1)}]}, "bands"),
        ({"priced_by": "weight", "bands": [{"from_grams": 1, "price": usd(1)}] * 2}, "bands"),
        ({"zone": "nowhere"}, "zone"),
        ({"kind": "pigeon"}, "kind"),
        ({"price_minor": 5}, "price_minor"),
    ],
)
def test_a_method_that_cannot_be_is_refused(staff, change, field):
    answer = put(staff, "/shipping-methods/parcel", METHOD | change)
    assert is_problem(answer, 422, "validation_failed")
    assert any(name.startswith(field) for name in answer.json["errors"]), answer.json
    assert staff.get("/admin/shipping-methods").json["items"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/shipping-methods/Big Parcel", METHOD),
        ("/shipping-zones/x", {"name": "X", "places": ["Germany"]}),
        ("/shipping-zones/x", {"name": "X", "places": ["US-Bavaria"]}),
        ("/shipping-settings", {"timezone": "Mars", "cut_off": "14:00", "handling_days": 0, "working_days": [1],
                                "home_country": "US"}),
        ("/shipping-settings", {"timezone": "UTC", "cut_off": "noon", "handling_days": 0, "working_days": [1],
                                "home_country": "US"}),
        ("/tax-settings", {"prices_include_tax": True, "shipping_class": "unknown"}),
        ("/tax-classes/No", {"name": "X"}),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_as_invalid(staff, path, body):
    assert is_problem(put(staff, path, body), 422, "validation_failed")


@pytest.mark.parametrize("rate", ["", "-1", "101", "8.87512", "NaN", 19])
def test_a_rate_is_percent_with_at_most_four_decimals(staff, rate):
    assert is_problem(post(staff, "/tax-rates", RATE | {"rate": rate}), 422, "validation_failed")


def test_what_staff_change_is_in_the_next_quote_and_order(client, staff, mug):
    guest = a_guests_cart(client, mug)
    assert amounts(quoted(client, guest, shipping_address=BERLIN, shipping_method="standard"))["tax_included"] == 0
    made = post(staff, "/tax-rates", RATE)
    assert made.status_code == 201
    assert amounts(quoted(client, guest, shipping_address=BERLIN, shipping_method="standard")) == {
        "subtotal": 1000, "discount": 0, "shipping": 500, "tax": 0, "tax_included": 160 + 80, "total": 1500,
    }  # fmt: skip
    assert put(staff, "/tax-settings", {"prices_include_tax": False}).status_code == 200
    assert put(staff, f"/tax-rates/{made.json['id']}", RATE | {"rate": "20"}).status_code == 204
    assert put(staff, "/shipping-zones/europe", {"name": "Europe", "places": ["DE", "FR"]}).status_code == 204
    assert put(staff, "/shipping-methods/parcel", METHOD | {"zone": "europe"}).status_code == 204
    assert put(staff, "/holidays/2035-12-25", {"name": "Christmas Day"}).status_code == 204
    found = quoted(client, guest, shipping_address=BERLIN, shipping_method="parcel")
    assert amounts(found)["total"] == 1000 + 700 + 340
    assert [line["rate"] for line in found["tax_lines"]] == ["20"]
    body = {
        "shipping_address": BERLIN, "shipping_method": "parcel", "payment": {"token": "tok_approve"},
        "email": "guest@quickshop.example", "expected_total": usd(1700),
    }  # fmt: skip
    key = {"Idempotency-Key": str(uuid.uuid4())}
    refused = client.post("/api/v1/orders", json=body, headers=guest | key)
    assert is_problem(refused, 409, "price_changed")
    assert refused.json["actual_total"] == usd(2040)
    elsewhere = client.post("/api/v1/orders", json=body | {"shipping_address": ADDRESS}, headers=guest | key)
    assert is_problem(elsewhere, 422, "validation_failed")
    placed = client.post("/api/v1/orders", json=body | {"expected_total": usd(2040)}, headers=guest | key)
    assert placed.status_code == 202, placed.text
    assert amounts(placed.json) == amounts(found)
    assert placed.json["tax_lines"] == found["tax_lines"]
    assert placed.json["items"][0]["tax"] == usd(200)
    assert placed.json["shipping_tax"] == usd(140)


def test_a_member_freed_from_tax_pays_none(client, staff, mug):
    member = an_account(client)
    client.post("/api/v1/cart/items", json={"variant_id": mug, "quantity": 1}, headers=member.headers)
    assert post(staff, "/tax-rates", RATE).status_code == 201
    usual = amounts(quoted(client, member.headers, shipping_address=BERLIN, shipping_method="standard"))
    user_id = rows(client, "SELECT id FROM users WHERE username = :name", name=member.username)[0].id
    path = f"{ADMIN}/customers/{user_id}"
    assert client.patch(path, json={"tax_exempt": True}, headers=staff.headers).json["tax_exempt"] is True
    freed = quoted(client, member.headers, shipping_address=BERLIN, shipping_method="standard")
    assert amounts(freed)["total"] == usual["total"] - usual["tax_included"]
    assert freed["tax_exemption"] == usd(usual["tax_included"])
    told = rows(client, "SELECT type FROM account_events WHERE user_id = :id ORDER BY seq DESC LIMIT 1", id=user_id)
    assert told[0].type == "account.tax_exempted"


def test_every_change_leaves_an_entry_in_the_audit_log_with_what_it_became(app, staff):
    done = [
        put(staff, "/shipping-zones/europe", {"name": "Europe", "places": ["DE"]}),
        put(staff, "/shipping-methods/parcel", METHOD),
        put(staff, "/holidays/2035-12-25", {"name": "Christmas Day"}),
        put(staff, "/tax-classes/food", {"name": "Food"}),
        post(staff, "/tax-rates", RATE),
        put(staff, "/tax-settings", {"prices_include_tax": False}),
        delete(staff, "/holidays/2035-12-25"),
        delete(staff, "/tax-classes/food"),
    ]
    assert [answer.status_code for answer in done] == [204, 204, 204, 204, 201, 200, 204, 204]
    entries = rows(
        staff.client,
        "SELECT action, target, data FROM audit_log WHERE chain = 'staff' ORDER BY seq DESC LIMIT :n",
        n=len(done),
    )[::-1]
    assert [e.action for e in entries] == [
        "admin_shipping.set_zone",
        "admin_shipping.set_method",
        "admin_shipping.set_holiday",
        "admin_taxes.set_class",
        "admin_taxes.make_rate",
        "admin_taxes.set_settings",
        "admin_shipping.remove_holiday",
        "admin_taxes.remove_class",
    ]
    assert entries[1].data["after"]["price"] == usd(700)
    assert entries[4].data["after"]["rate"] == "19"
    assert entries[5].data["before"]["prices_include_tax"] is True


def test_what_is_in_use_or_there_twice_is_a_conflict(staff):
    assert put(staff, "/shipping-zones/europe", {"name": "Europe", "places": ["DE"]}).status_code == 204
    assert is_problem(put(staff, "/shipping-zones/other", {"name": "X", "places": ["DE"]}), 409, "place_taken")
    assert put(staff, "/shipping-methods/parcel", METHOD | {"zone": "europe"}).status_code == 204
    assert is_problem(delete(staff, "/shipping-zones/europe"), 409, "zone_in_use")
    assert post(staff, "/tax-rates", RATE).status_code == 201
    assert is_problem(post(staff, "/tax-rates", RATE), 409, "tax_rate_exists")
    assert is_problem(delete(staff, "/tax-classes/standard"), 409, "tax_class_in_use")
