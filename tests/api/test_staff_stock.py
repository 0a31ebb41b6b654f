"""Stock as staff keep it by API: movements with causes, what is promised stays, and what runs low."""

import pytest

from quickshop.factory import create_app
from quickshop.inventory import watching
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications import service as notifications
from tests.factories.accounts import a_staff_account, an_account, execute, is_problem, rows
from tests.factories.pages import stock_shop


@pytest.fixture
def staff(client):
    """A member of staff of a shop with ten red mugs and no blue one."""
    account = a_staff_account(client)
    account.extra["variants"] = {sku: str(i) for sku, i in stock_shop(client.application).items()}
    return account


def move(staff, body, sku="MUG-RED", **headers):
    path = f"/api/v1/admin/variants/{staff.extra['variants'][sku]}/stock-movements"
    return staff.client.post(path, json=body, headers=staff.headers | headers)


def movements(staff, query=""):
    answer = staff.get(f"/admin/variants/{staff.extra['variants']['MUG-RED']}/stock-movements?{query}")
    return answer.json


def on_hand(staff, sku="MUG-RED"):
    return rows(
        staff.client, "SELECT on_hand FROM stock_items WHERE variant_id = :id", id=staff.extra["variants"][sku]
    )[0].on_hand


# --- movements -----------------------------------------------------------------------------------------


def test_each_movement_has_its_cause_and_note_and_their_sum_is_the_stock(staff):
    for delta, cause in [(7, "received"), (1, "returned"), (-2, "damaged"), (-1, "lost"), (-3, "corrected")]:
        answer = move(staff, {"delta": delta, "cause": cause, "note": f"because {cause}"})
        assert answer.status_code == 201
    assert answer.json["stock"] == {"on_hand": 12, "held": 0, "available": 12, "low_at": None}
    told = movements(staff)["items"]
    assert [(m["delta"], m["cause"]) for m in told[:2]] == [(-3, "corrected"), (-1, "lost")]
    assert told[0]["note"] == "because corrected"
    assert (told[0]["sku"], told[0]["name"]) == ("MUG-RED", "Morning Mug")
    assert sum(m["delta"] for m in told) == 12


@pytest.mark.parametrize(
    "body",
    [
        {"delta": 0, "cause": "corrected"},
        {"delta": -1, "cause": "received"},
        {"delta": -1, "cause": "returned"},
        {"delta": 1, "cause": "damaged"},
        {"delta": 1, "cause": "lost"},
        {"delta": -1, "cause": "sold"},
        {"delta": 1, "cause": "found"},
        {"delta": 1.0, "cause": "received"},
        {"delta": 2**40, "cause": "received"},
        {"delta": 1},
        {"delta": 1, "cause": "received", "note": "x" * 301},
    ],
)
def test_what_makes_no_sense_is_refused(staff, body):
    assert is_problem(move(staff, body), 422, "validation_failed")
    assert on_hand(staff) == 10


def test_what_is_promised_stays(staff):
    cart = {"variant_id": staff.extra["variants"]["MUG-RED"], "quantity": 4}
    token = staff.client.post("/api/v1/cart/items", json=cart).json["token"]
    assert staff.client.post("/api/v1/checkout/hold", headers={"X-Cart-Token": token}).status_code == 200
    refused = move(staff, {"delta": -7, "cause": "corrected"})
    assert is_problem(refused, 409, "stock_promised")
    assert (refused.json["on_hand"], refused.json["held"]) == (10, 4)
    assert len(movements(staff)["items"]) == 1
    assert move(staff, {"delta": -6, "cause": "corrected"}).json["stock"]["available"] == 0


def test_what_comes_back_into_stock_is_left_for_those_who_wait(staff):
    def told():
        found = rows(staff.client, "SELECT data FROM pending_facts WHERE type = 'inventory.back_in_stock' ORDER BY id")
        return [fact.data["variant_id"] for fact in found]

    before = told()
    for delta, cause in [(3, "received"), (2, "returned"), (-1, "lost")]:
        move(staff, {"delta": delta, "cause": cause}, sku="MUG-BLUE")
    assert told() == [*before, staff.extra["variants"]["MUG-BLUE"]]


def test_one_key_moves_stock_once(staff):
    body = {"delta": 5, "cause": "received"}
    first, again = (move(staff, body, **{"Idempotency-Key": "delivery-17"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert on_hand(staff) == 15


def test_movements_are_listed_by_cause_and_page_by_page(staff):
    for _ in range(4):
        move(staff, {"delta": 1, "cause": "returned"})
    first = movements(staff, "limit=3")
    rest = movements(staff, f"limit=3&cursor={first['next_cursor']}")
    assert [m["cause"] for m in first["items"] + rest["items"]] == ["returned"] * 4 + ["received"]
    assert rest["next_cursor"] is None
    everywhere = staff.get("/admin/stock/movements?cause=returned").json["items"]
    assert len(everywhere) == 4
    assert is_problem(staff.get("/admin/stock/movements?cause=magic"), 422, "validation_failed")


# --- what runs low -------------------------------------------------------------------------------------


def low(staff, query=""):
    answer = staff.get(f"/admin/stock/low?{query}")
    assert answer.status_code == 200
    return answer.json


@pytest.fixture
def look(staff, settings):
    """What a worker does by the clock; the messages that staff then have."""

    def run():
        with create_app(role="worker", settings=settings).app_context():
            run_unit(watching.watch)
            notifications.drain()
        found = rows(
            staff.client,
            "SELECT context - 'once' AS context FROM deliveries"
            " WHERE kind = 'stock.low_found' AND channel = 'email' ORDER BY id",
        )
        return [delivery.context for delivery in found]

    return run


def set_low_at(staff, units, sku="MUG-RED"):
    path = f"/api/v1/admin/variants/{staff.extra['variants'][sku]}"
    answer = staff.client.patch(path, json={"low_stock_at": units}, headers=staff.headers)
    assert answer.status_code == 200


def test_low_is_what_has_no_more_than_its_threshold_and_is_on_show(staff):
    assert [(v["sku"], v["on_hand"], v["low_at"]) for v in low(staff)["items"]] == [("MUG-BLUE", 0, 5)]
    set_low_at(staff, 10)
    assert [v["sku"] for v in low(staff)["items"]] == ["MUG-BLUE", "MUG-RED"]
    first = low(staff, "limit=1")
    assert first["total"] == 2
    assert [v["sku"] for v in low(staff, f"limit=1&cursor={first['next_cursor']}")["items"]] == ["MUG-RED"]
    execute(staff.client, "UPDATE products SET published_at = NULL")
    assert low(staff) == {"items": [], "next_cursor": None, "total": 0}


def test_staff_are_told_once_of_each_variant_that_crosses_its_threshold(staff, look):
    an_account(staff.client)  # a shopper hears nothing
    a_staff_account(staff.client, "support")  # nor does who may not change stock
    assert look() == [{"count": 1, "items": [{"sku": "MUG-BLUE", "name": "Morning Mug", "on_hand": 0}]}]
    assert len(look()) == 1
    move(staff, {"delta": -6, "cause": "lost"})
    assert [m["items"][0]["sku"] for m in look()] == ["MUG-BLUE", "MUG-RED"]
    move(staff, {"delta": 20, "cause": "received"})
    assert len(look()) == 2
    assert [v["since"] is None for v in low(staff)["items"]] == [False]
    move(staff, {"delta": -20, "cause": "corrected"})
    assert len(look()) == 3


def test_the_message_says_what_is_left(staff, look, settings):
    look()
    mail = settings.mail_file.read_text().splitlines()[-1]
    assert staff.email in mail
    assert "Morning Mug (MUG-BLUE): 0 left" in mail
    assert "/admin/stock" in mail
