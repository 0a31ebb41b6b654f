"""Outbound webhooks by API: what staff and integrations may do with them, and what is shown of a secret."""

import pytest

from quickshop.webhooks import delivering
from tests.factories.accounts import a_staff_account
from tests.factories.receivers import QUICK, a_receiver, documented_verify


@pytest.fixture
def staff(client):
    return a_staff_account(client)


@pytest.fixture
def receiver():
    with a_receiver() as made:
        yield made


def call(staff, method, path, body=None, status=200, **headers):
    answer = staff.client.open(f"/api/v1/admin{path}", method=method, json=body, headers={**staff.headers, **headers})
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.json if answer.data else None


def work(staff):
    with staff.client.application.app_context():
        return delivering.drain(QUICK)


def test_from_the_making_of_an_endpoint_to_its_removal(staff, receiver):
    wish = {"name": "Warehouse", "url": receiver.url, "events": ["order.*", "product.*"]}
    made = call(staff, "POST", "/webhooks", wish, 201)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert call(staff, "GET", f"/webhooks/{made['id']}") == made
    assert call(staff, "GET", "/webhooks")["items"] == [made]
    assert made["breaker"]["state"] == "closed"

    test = call(staff, "POST", f"/webhooks/{made['id']}/test", status=202)
    assert (test["state"], test["tried"], test["event"]["type"]) == ("pending", [], "webhook.test")
    assert work(staff) == 1
    assert documented_verify()(secret, *receiver.taken[0])
    found = call(staff, "GET", f"/webhook-deliveries/{test['id']}")
    assert (found["state"], [a["status"] for a in found["tried"]], found["tried"][0]["error"]) == (
        "delivered",
        [204],
        None,
    )
    assert found["tried"][0]["milliseconds"] >= 0
    assert found["event"] == receiver.events[0]

    again = call(staff, "POST", f"/webhook-deliveries/{test['id']}/redeliver", status=202)
    assert again["state"] == "pending"
    assert work(staff) == 1
    assert receiver.taken[0][0]["webhook-id"] == receiver.taken[1][0]["webhook-id"]
    listed = call(staff, "GET", f"/webhooks/{made['id']}/deliveries?state=delivered")
    assert [d["id"] for d in listed["items"]] == [test["id"]]
    assert call(staff, "GET", f"/webhooks/{made['id']}/deliveries?state=pending")["items"] == []
    assert call(staff, "GET", "/webhook-events?after=0")["items"] == [found["event"]]
    assert call(staff, "GET", "/webhook-events?after=1")["items"] == []

    turned = call(staff, "POST", f"/webhooks/{made['id']}/rotate", {"hours": 2})
    assert turned.pop("secret") not in (secret, None)
    assert turned["previous_secret_until"]
    off = call(staff, "PATCH", f"/webhooks/{made['id']}", {"enabled": False, "name": "Depot"})
    assert (off["state"], off["name"], off["version"]) == ("disabled", "Depot", turned["version"] + 1)
    assert call(staff, "POST", f"/webhooks/{made['id']}/test", status=409)["code"] == "webhook_inactive"
    assert call(staff, "POST", f"/webhook-deliveries/{test['id']}/redeliver", status=409)["code"] == "webhook_inactive"
    call(staff, "DELETE", f"/webhooks/{made['id']}", status=204)
    call(staff, "GET", f"/webhooks/{made['id']}", status=404)
    call(staff, "GET", f"/webhook-deliveries/{test['id']}", status=404)


def test_what_was_missed_while_disabled_is_sent_by_recover(staff, receiver):
    made = call(staff, "POST", "/webhooks", {"name": "W", "url": receiver.url, "events": ["*"]}, 201)
    other = call(staff, "POST", "/webhooks", {"name": "O", "url": receiver.url, "events": ["stock.*"]}, 201)
    call(staff, "PATCH", f"/webhooks/{made['id']}", {"enabled": False})
    call(staff, "POST", "/categories", {"name": "Bags", "slug": "bags"}, 201)
    _a_product(staff)
    work(staff)
    before = len(receiver.taken)
    call(staff, "POST", f"/webhooks/{made['id']}/recover", {"after": 0}, 409)
    call(staff, "PATCH", f"/webhooks/{made['id']}", {"enabled": True})
    sent = call(staff, "POST", f"/webhooks/{made['id']}/recover", {"after": 0}, 202)["sent"]
    assert sent > 0
    assert work(staff) == sent
    assert len(receiver.taken) == before + sent
    assert call(staff, "POST", f"/webhooks/{made['id']}/recover", {"after": 0}, 202) == {"sent": 0}
    assert call(staff, "POST", f"/webhooks/{other['id']}/recover", {"after": 10**6}, 202) == {"sent": 0}


def test_what_staff_do_to_products_and_stock_is_told(staff, receiver):
    call(staff, "POST", "/webhooks", {"name": "W", "url": receiver.url, "events": ["product.*", "stock.*"]}, 201)
    call(staff, "POST", "/categories", {"name": "Bags", "slug": "bags"}, 201)
    product = _a_product(staff)
    variant = product["variants"]["BAG-1"]
    call(staff, "PATCH", f"/products/{product['id']}", {"name": "Big bag"})
    call(staff, "PUT", f"/variants/{variant}/price", {"price": {"amount": 900, "currency": "USD"}})
    call(staff, "POST", f"/variants/{variant}/stock-movements", {"delta": 3, "cause": "received"}, 201)
    work(staff)
    assert [(e["type"], e["data"]) for e in receiver.events] == [
        ("product.created", {"product_id": product["id"], "slug": "bag"}),
        ("product.updated", {"product_id": product["id"]}),
        (
            "product.price_changed",
            {"variant_id": variant, "before_minor": 1000, "after_minor": 900, "currency": "USD"},
        ),
        ("product.updated", {"product_id": product["id"]}),
        ("stock.changed", {"variant_id": variant, "delta": 3, "cause": "received"}),
    ]


def _a_product(staff):
    category = call(staff, "GET", "/categories")["items"][0]["id"]
    wish = {
        "name": "Bag", "slug": "bag", "currency": "USD", "category_id": category,
        "variants": [{"sku": "BAG-1", "price": {"amount": 1000, "currency": "USD"}}],
    }  # fmt: skip
    return call(staff, "POST", "/products", wish, 201)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "ftp://hooks.example/"}, "url"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": "https://user:word@hooks.example/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["customer.*"]}, "events"),
        ({"name": ""}, "name"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_what_is_wrong_with_an_endpoint_is_said_by_field(staff, changes, field):
    wish = {"name": "Warehouse", "url": "https://hooks.example/in", "events": ["*"]} | changes
    assert field in call(staff, "POST", "/webhooks", wish, 422)["errors"]


def test_changes_of_two_people_do_not_undo_each_other(staff):
    made = call(staff, "POST", "/webhooks", {"name": "W", "url": "https://hooks.example", "events": ["*"]}, 201)
    path = f"/webhooks/{made['id']}"
    call(staff, "PATCH", path, {"events": ["order.*"], "version": made["version"]})
    assert call(staff, "PATCH", path, {"name": "X", "version": made["version"]}, 409)["code"] == "changed_meanwhile"
    assert call(staff, "GET", path)["events"] == ["order.*"]
    call(staff, "PATCH", path, {"version": 2}, 422)
    call(staff, "POST", f"{path}/rotate", {"hours": 169}, 422)


def test_a_shop_has_fifty_endpoints_at_most(staff):
    wish = {"name": "W", "url": "https://hooks.example", "events": ["*"]}
    made = [call(staff, "POST", "/webhooks", wish, 201) for _ in range(50)]
    assert call(staff, "POST", "/webhooks", wish, 409)["code"] == "too_many_webhooks"
    call(staff, "DELETE", f"/webhooks/{made[0]['id']}", status=204)
    call(staff, "POST", "/webhooks", wish, 201)


def test_an_integration_reads_with_its_key_and_changes_nothing(staff):
    made = call(staff, "POST", "/webhooks", {"name": "W", "url": "https://hooks.example", "events": ["*"]}, 201)
    key = call(staff, "POST", "/api-keys", {"name": "ERP", "scopes": ["webhooks:read"]}, 201)["key"]
    for method, path, status in (
        ("GET", "/webhook-events", 200),
        ("GET", f"/webhooks/{made['id']}/deliveries", 200),
        ("POST", f"/webhooks/{made['id']}/test", 403),
        ("DELETE", f"/webhooks/{made['id']}", 403),
    ):
        answer = staff.client.open(f"/api/v1/admin{path}", method=method, headers={"X-API-Key": key})
        assert answer.status_code == status


def test_no_secret_stands_in_the_audit_log(staff):
    made = call(
        staff, "POST", "/webhooks", {"name": "W", "url": "https://hooks.example/?key=abc", "events": ["*"]}, 201
    )
    new = call(staff, "POST", f"/webhooks/{made['id']}/rotate", {})["secret"]
    entries = str(call(staff, "GET", "/audit-log?limit=50"))
    assert f"webhook:{made['id']}" in entries
    for hidden in (made["secret"], new, "key=abc"):
        assert hidden not in entries
