"""The same races as shoppers run them: over HTTP, through the whole edge."""

import itertools
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.factories.shop import ADDRESS, a_variant, look, stock_of

_numbers = itertools.count(1)
_PATIENCE = 20


class Shopper:
    """A guest with a client of their own, and a cart."""

    def __init__(self, app, variant_id, quantity=1):
        self.client = app.test_client()
        self.number = next(_numbers)
        cart = self.call("POST", "/cart/items", {"variant_id": str(variant_id), "quantity": quantity})
        assert cart.status_code == 200, cart.text
        self.cart = cart.json["token"]
        quote = self.call("POST", "/checkout/quote", {"shipping_address": ADDRESS, "shipping_method": "standard"})
        assert quote.status_code == 200, quote.text
        self.total = quote.json["totals"]["total"]

    def call(self, method, path, body=None, **headers):
        """One call of the API; the answer."""
        if hasattr(self, "cart"):
            headers["X-Cart-Token"] = self.cart
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers=headers)

    def order(self, key=None, **more):
        """Place the order."""
        body = {
            "shipping_address": ADDRESS,
            "shipping_method": "standard",
            "payment": {"token": "tok_approve"},
            "expected_total": self.total,
            "email": f"guest{self.number}@quickshop.example",
        }
        key = key or f"key-{self.number}"
        for _ in range(_PATIENCE):
            answer = self.call("POST", "/orders", body | more, **{"Idempotency-Key": key})
            if answer.status_code != 503:
                break
            assert answer.headers["Retry-After"]  # a machine busy with other tests asks to come again
        return answer


def at_once(functions):
    """Run all functions at one moment, each in a thread of its own; what they returned."""
    start = threading.Barrier(len(functions))

    def one(function):
        start.wait(30)
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(one, functions))


@pytest.fixture
def mug(app):
    """A product of which there are ten units."""
    with app.app_context():
        return a_variant(stock=10)


def test_a_hundred_shoppers_of_ten_units_hear_202_ten_times_and_out_of_stock_ninety_times(app, mug):
    shoppers = [Shopper(app, mug) for _ in range(100)]
    answers = at_once([shopper.order for shopper in shoppers])
    assert Counter(a.status_code for a in answers) == {202: 10, 409: 90}
    refusals = [a for a in answers if a.status_code == 409]
    assert {a.json["code"] for a in refusals} == {"out_of_stock"}
    assert {a.content_type for a in refusals} == {"application/problem+json"}
    assert len({a.json["number"] for a in answers if a.status_code == 202}) == 10
    with app.app_context():
        assert stock_of(mug) == (10, 10)
        assert look("SELECT count(*) AS n FROM orders")[0].n == 10
        assert look("SELECT count(*) AS n FROM idempotency_keys")[0].n == 10


def test_fifty_posts_with_one_key_make_one_order(app, mug):
    shopper = Shopper(app, mug, 2)
    others = [app.test_client() for _ in range(50)]

    def post(client):
        twin = object.__new__(Shopper)
        twin.__dict__ = shopper.__dict__ | {"client": client}
        return twin.order("one-key")

    answers = at_once([lambda client=client: post(client) for client in others])
    counted = Counter(a.status_code for a in answers)
    assert set(counted) <= {202, 409}
    placed = [a for a in answers if a.status_code == 202]
    assert len({a.data for a in placed}) == 1
    assert sum("Idempotent-Replayed" not in a.headers for a in placed) == 1
    assert {a.json["code"] for a in answers if a.status_code == 409} <= {"idempotency_in_progress"}
    again = post(app.test_client())
    assert again.data == placed[0].data
    assert again.headers["Idempotent-Replayed"] == "true"
    with app.app_context():
        assert look("SELECT count(*) AS n FROM orders")[0].n == 1
        assert stock_of(mug) == (10, 2)


def test_a_key_that_comes_with_another_body_is_refused_and_changes_nothing(app, mug):
    shopper = Shopper(app, mug)
    first = shopper.order("one-key")
    other = shopper.order("one-key", email="other@quickshop.example")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert json.loads(shopper.order("one-key").data) == first.json


def test_a_refused_order_frees_its_key(app, mug):
    shopper = Shopper(app, mug, 4)
    rivals = [Shopper(app, mug, 4) for _ in range(2)]
    for rival in rivals:
        assert rival.order().status_code == 202
    assert shopper.order("one-key").json["code"] == "out_of_stock"
    with app.app_context():
        assert look("SELECT key FROM idempotency_keys WHERE key = 'one-key'") == []
    shopper.call("DELETE", "/cart")
    assert shopper.order("one-key").json["code"] == "cart_empty"
