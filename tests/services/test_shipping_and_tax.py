"""Shipping and tax as a checkout meets them: by address, weight and value, read anew, in one statement."""

from datetime import UTC, date, datetime, time

import pytest

from quickshop.accounts.places import Place, place_of
from quickshop.accounts.standing import set_tax_exempt
from quickshop.catalog.changing import change_product
from quickshop.checkout.errors import PriceChanged
from quickshop.checkout.service import quote
from quickshop.kernel import clock, db
from quickshop.kernel.errors import Invalid
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import backlog
from quickshop.orders.queries import order_view_by_id
from quickshop.orders.viewers import Viewer
from quickshop.shipping import queries as shipping_queries
from quickshop.shipping import service as shipping
from quickshop.shipping.errors import PlaceTaken, ZoneInUse
from quickshop.shipping.rules import Band, Method
from quickshop.tax import service as tax
from quickshop.tax.errors import TaxClassInUse, TaxRateExists
from tests.factories.shop import a_cart, a_member, a_variant, a_wish, an_order, look, order_cart

pytestmark = pytest.mark.usefixtures("core")

SUMS = ("subtotal", "discount", "shipping", "tax", "tax_included", "total")
US = {"line1": "1 Main Street", "city": "Town", "name": "Robin Ashdown"}
ALBANY = US | {"region": "New York", "postal_code": "12207", "country": "US"}
PORTLAND = US | {"region": "OR", "postal_code": "97201", "country": "US"}
TORONTO = US | {"region": "Ontario", "postal_code": "M5V 2T6", "country": "CA"}
MONTREAL = US | {"region": "Québec", "postal_code": "H2X 1Y4", "country": "CA"}
SHOP_DAY = {
    "timezone": "UTC", "cut_off": time(14), "handling_days": 0, "working_days": [1, 2, 3, 4, 5],
    "orders_per_day": None, "home_country": "US", "home_region": "NY",
}  # fmt: skip


def a_rate(country, region, name, percent, tax_class="standard", replaces=False):
    """A rate; its id."""
    return run_unit(
        lambda: tax.set_rate(
            None,
            tax_class=tax_class,
            country=country,
            region=region,
            name=name,
            millionths=int(percent * 10_000),
            replaces=replaces,
        )
    )


def prices_without_tax():
    run_unit(lambda: tax.set_tax_settings(prices_include_tax=False, shipping_class="standard"))


def priced(ref, address=None, method="standard"):
    """The quote for an address."""
    with reading():
        return quote(ref, method, place_of(address) if address else None)


def amounts(document):
    """The sums, before credit."""
    return {name: document["totals"][name]["amount"] for name in SUMS}


def codes(document):
    return [method["code"] for method in document["shipping_methods"]]


@pytest.fixture
def clock_at():
    """Sets the clock; it is put back afterwards."""
    before = clock.use(clock.now)

    def set_to(*moment):
        clock.use(lambda: datetime(*moment, tzinfo=UTC))

    yield set_to
    clock.use(before)


# --- where it goes ------------------------------------------------------------------------------------


@pytest.fixture
def zones():
    """A zone for the east of Canada, one for the rest of it, one for everywhere else, each with a method."""

    def make():
        for code, places in (("east", ["CA-ON", "CA-Quebec"]), ("canada", ["CA"]), ("world", ["*"])):
            shipping.set_zone(code, code.title(), places)
            shipping.set_method(Method(f"to-{code}", code.title(), "USD", 700, None, 1, 2, zone=code), 5)

    run_unit(make)


def test_an_address_lies_in_the_zone_of_its_region_else_of_its_country_else_of_the_world(zones):
    ref = a_cart({a_variant(): 1})
    assert codes(priced(ref, TORONTO)) == ["standard", "to-east"]
    assert codes(priced(ref, MONTREAL)) == ["standard", "to-east"]
    assert codes(priced(ref, TORONTO | {"region": "AB", "postal_code": "T5J 0N3"})) == ["standard", "to-canada"]
    assert codes(priced(ref, ALBANY)) == ["standard", "to-world"]


def test_without_an_address_the_shops_home_is_quoted_and_said_to_be(zones):
    run_unit(lambda: shipping.set_shop_day(**SHOP_DAY | {"home_country": "CA", "home_region": "ON"}))
    ref = a_cart({a_variant(): 1})
    found = priced(ref)
    assert codes(found) == ["standard", "to-east"]
    assert found["destination"] == {"country": "CA", "region": "ON", "assumed": True}
    assert priced(ref, ALBANY)["destination"] == {"country": "US", "region": "NY", "assumed": False}


def test_a_method_that_does_not_serve_the_address_or_the_cart_is_refused_in_quote_and_order(zones):
    ref = a_cart({a_variant(): 1})
    with pytest.raises(Invalid) as refusal:
        priced(ref, ALBANY, "to-east")
    assert refusal.value.errors["shipping_method"] == ["Not offered for this cart; possible: standard, to-world."]
    with pytest.raises(Invalid):
        order_cart(ref, shipping_address=ALBANY, shipping_method="to-east", expected_total=Money(1700, "USD"))
    assert order_cart(ref, shipping_address=TORONTO, shipping_method="to-east", expected_total=Money(1700, "USD"))


def test_where_nothing_goes_the_quote_says_so():
    variant = a_variant(ships=False)
    run_unit(lambda: shipping.set_zone("east", "East", ["CA-ON"]))
    run_unit(lambda: shipping.set_method(Method("x", "X", "USD", 1, None, 1, 1, zone="east"), 0))
    ref = a_cart({variant: 1})
    found = priced(ref, ALBANY, None)
    assert found["shipping_methods"] == []
    assert {"code": "no_shipping"} in found["warnings"]


def test_weight_and_value_of_the_cart_decide_the_price_and_who_serves_it():
    heavy, light = a_variant(price=1000), a_variant(price=1000)
    run_unit(lambda: db.run("UPDATE variants SET weight_grams = 900 WHERE id = :id", id=heavy))

    def make():
        bands = (Band(1_000, 1500), Band(2_000, 2500))
        shipping.set_method(
            Method("by-weight", "W", "USD", 500, None, 1, 1, priced_by="weight", bands=bands, max_weight_grams=3_000),
            2,
        )
        shipping.set_method(Method("small", "S", "USD", 100, None, 1, 1, max_value_minor=2_000), 3)

    run_unit(make)
    by_units = {}
    for units in (1, 2, 3, 4):
        found = priced(a_cart({heavy: units, light: 1}))
        by_units[units] = {
            m["code"]: m["price"]["amount"] for m in found["shipping_methods"] if m["code"] != "standard"
        }
    assert by_units == {1: {"by-weight": 500, "small": 100}, 2: {"by-weight": 1500}, 3: {"by-weight": 2500}, 4: {}}


def test_a_change_by_staff_is_in_the_next_quote_and_a_method_put_aside_is_gone():
    ref = a_cart({a_variant(): 1})
    assert amounts(priced(ref))["shipping"] == 500
    standard = Method("standard", "Standard", "USD", 650, None, 2, 4)
    run_unit(lambda: shipping.set_method(standard, 1))
    assert amounts(priced(ref))["shipping"] == 650
    run_unit(lambda: shipping.set_method(standard, 1, active=False))
    assert priced(ref, None, None)["shipping_methods"] == []


def test_a_place_lies_in_one_zone_and_a_zone_that_is_served_stays(zones):
    with pytest.raises(PlaceTaken):
        run_unit(lambda: shipping.set_zone("other", "Other", ["US", "CA"]))
    with pytest.raises(Invalid):
        run_unit(lambda: shipping.set_zone("other", "Other", ["XX"]))
    with pytest.raises(Invalid):
        run_unit(lambda: shipping.set_zone("other", "Other", ["CA-Bavaria"]))
    with pytest.raises(ZoneInUse):
        run_unit(lambda: shipping.remove_zone("east"))
    run_unit(lambda: shipping.remove_method("to-east"))
    run_unit(lambda: shipping.remove_zone("east"))
    assert [zone["code"] for zone in shipping_queries.list_zones()] == ["canada", "world"]


# --- when it arrives ----------------------------------------------------------------------------------


def window(document):
    return document["shipping_methods"][0]["delivery"]


def test_holidays_handling_and_the_queue_move_the_window(clock_at):
    clock_at(2026, 12, 23, 9)  # a Wednesday
    ref = a_cart({a_variant(): 1})
    assert window(priced(ref)) == {"from": "2026-12-25", "to": "2026-12-29"}
    run_unit(lambda: shipping.set_holiday(date(2026, 12, 25), "Christmas Day"))
    assert window(priced(ref)) == {"from": "2026-12-28", "to": "2026-12-30"}
    run_unit(lambda: shipping.set_shop_day(**SHOP_DAY | {"handling_days": 1, "orders_per_day": 2}))
    assert window(priced(ref))["from"] == "2026-12-29"
    run_unit(lambda: db.run("UPDATE shipping_settings SET waiting_orders = 5"))
    assert window(priced(ref))["from"] == "2026-12-31"


def test_orders_that_wait_are_counted_where_staff_say_what_a_day_packs():
    an_order()
    assert run_unit(backlog.measure) is None
    run_unit(lambda: shipping.set_shop_day(**SHOP_DAY | {"orders_per_day": 1}))
    an_order()
    assert run_unit(backlog.measure) == 2
    run_unit(
        lambda: db.run("UPDATE orders SET fulfilment_status = 'shipped' WHERE id IN (SELECT id FROM orders LIMIT 1)")
    )
    run_unit(backlog.measure)
    found = shipping_queries.shop_day()
    assert (found["waiting_orders"], found["queue_days"]) == (1, 1)


@pytest.mark.parametrize(
    "wrong", [{"timezone": "Mars/Olympus"}, {"working_days": []}, {"working_days": [8]}, {"home_country": "XX"}]
)
def test_a_working_day_that_cannot_be_is_refused(wrong):
    with pytest.raises(Invalid):
        run_unit(lambda: shipping.set_shop_day(**SHOP_DAY | wrong))


# --- tax ----------------------------------------------------------------------------------------------


@pytest.fixture
def rates():
    """Sales tax in New York; in Canada a federal tax that Ontario replaces and Quebec adds to; food without."""
    run_unit(lambda: tax.set_class("food", "Food"))
    return {
        "NY": a_rate("US", "New York", "Sales tax", 8.875),
        "GST": a_rate("CA", "", "GST", 5),
        "HST": a_rate("CA", "ON", "HST", 13, replaces=True),
        "QST": a_rate("CA", "QC", "QST", 9.975),
    }


def test_tax_follows_the_address_and_is_added_where_prices_are_without(rates):
    prices_without_tax()
    ref = a_cart({a_variant(price=1000): 1})
    assert amounts(priced(ref, ALBANY)) == {
        "subtotal": 1000, "discount": 0, "shipping": 500, "tax": 133, "tax_included": 0, "total": 1633,
    }  # fmt: skip
    assert amounts(priced(ref, PORTLAND))["tax"] == 0
    assert amounts(priced(ref, TORONTO))["tax"] == 195
    told = priced(ref, MONTREAL)
    assert amounts(told)["tax"] == 150 + 75  # each line is rounded on its own: 149.75 and 74.875
    assert [(t["name"], t["rate"], t["taxable"]["amount"], t["tax"]["amount"]) for t in told["tax_lines"]] == [
        ("GST", "5", 1500, 75),
        ("QST", "9.975", 1500, 150),
    ]


def test_prices_that_include_tax_move_no_total_and_tell_what_they_contain(rates):
    ref = a_cart({a_variant(price=1000): 1})
    assert amounts(priced(ref, TORONTO)) == {
        "subtotal": 1000, "discount": 0, "shipping": 500, "tax": 0, "tax_included": 173, "total": 1500,
    }  # fmt: skip
    assert priced(ref, TORONTO)["prices_include_tax"] is True


def test_a_class_of_its_own_is_taxed_by_its_own_rates(rates):
    prices_without_tax()
    bread = a_variant(price=1000)
    product = look("SELECT product_id FROM variants WHERE id = :id", id=bread)[0].product_id
    run_unit(lambda: change_product(product, {"tax_class": "food"}))
    ref = a_cart({bread: 1})
    assert amounts(priced(ref, ALBANY))["tax"] == 44  # of shipping alone
    a_rate("US", "NY", "Food", 1, "food")
    assert amounts(priced(ref, ALBANY))["tax"] == 44 + 10
    with pytest.raises(TaxClassInUse):
        run_unit(lambda: tax.remove_class("food"))
    with pytest.raises(TaxClassInUse):
        run_unit(lambda: tax.remove_class("standard"))


def test_what_is_fetched_is_taxed_at_the_shop(rates):
    prices_without_tax()
    run_unit(lambda: shipping.set_shop_day(**SHOP_DAY))
    run_unit(lambda: shipping.set_method(Method("pickup", "Pick up", "USD", 0, None, 0, 1, kind="pickup"), 9))
    ref = a_cart({a_variant(price=1000): 1})
    assert amounts(priced(ref, TORONTO, "pickup"))["tax"] == 89


@pytest.mark.parametrize("included", [True, False])
def test_an_exempt_member_pays_no_tax_and_the_order_says_so(rates, included):
    if not included:
        prices_without_tax()
    member = a_member()
    ref = a_cart({a_variant(price=1000): 3}, member)
    usual = amounts(priced(ref, TORONTO))
    run_unit(lambda: set_tax_exempt(member.user_id, True))
    found = priced(ref, TORONTO)
    exempt = amounts(found)
    assert exempt["total"] == usual["total"] - usual["tax"] - usual["tax_included"]
    assert (exempt["tax"], exempt["tax_included"], found["tax_lines"]) == (0, 0, [])
    assert found["tax_exemption"]["amount"] == exempt["discount"] == usual["tax_included"]
    order = order_cart(ref, member, shipping_address=TORONTO, expected_total=Money(exempt["total"], "USD"))
    assert amounts(order.document) == exempt
    kept = look("SELECT rule, amount_minor FROM order_discounts WHERE order_id = :id", id=order.id)
    assert {row.rule for row in kept} == ({"tax_exemption"} if included else set())
    assert sum(row.amount_minor for row in kept) == exempt["discount"]


def test_an_order_keeps_its_tax_by_line_and_rate_whatever_becomes_of_the_rates(rates):
    prices_without_tax()
    order = order_cart(
        a_cart({a_variant(price=1000): 1, a_variant(price=333): 2}),
        shipping_address=MONTREAL,
        expected_total=Money(2166 + 75 + 150 + 100, "USD"),
    )
    run_unit(lambda: tax.remove_rate(rates["QST"]))
    with reading():
        kept = order_view_by_id(order.id, Viewer(staff=True))
    assert {**kept, "token": 0} == {**order.document, "token": 0}
    assert [line["tax_rate"] for line in kept["items"]] == ["14.975", "14.975"]
    total = sum(line["tax"]["amount"] for line in kept["items"]) + kept["shipping_tax"]["amount"]
    assert total == amounts(kept)["tax"] == sum(line["tax"]["amount"] for line in kept["tax_lines"])


def test_a_rate_that_changed_since_the_quote_is_told_and_nothing_is_bought(rates):
    prices_without_tax()
    ref = a_cart({a_variant(price=1000): 1})
    seen = Money(amounts(priced(ref, TORONTO))["total"], "USD")
    run_unit(
        lambda: tax.set_rate(
            rates["HST"], tax_class="standard", country="CA", region="ON", name="HST", millionths=150_000, replaces=True
        )
    )
    with pytest.raises(PriceChanged) as refusal:
        order_cart(ref, shipping_address=TORONTO, expected_total=seen)
    assert refusal.value.extra["actual_total"]["amount"] == seen.amount + 30
    assert order_cart(ref, shipping_address=TORONTO, expected_total=Money(seen.amount + 30, "USD")).total == 1725


def test_another_address_than_the_quotes_is_a_price_of_its_own(rates):
    prices_without_tax()
    ref = a_cart({a_variant(price=1000): 1})
    seen = Money(amounts(priced(ref, PORTLAND))["total"], "USD")
    with pytest.raises(PriceChanged):
        order_cart(ref, shipping_address=TORONTO, expected_total=seen)


def test_a_place_has_one_rate_of_a_name_and_only_regions_replace(rates):
    with pytest.raises(TaxRateExists):
        a_rate("CA", "Ontario", "HST", 12)
    with pytest.raises(Invalid):
        a_rate("CA", "", "HST", 12, replaces=True)
    with pytest.raises(Invalid):
        a_rate("CA", "Bavaria", "HST", 12)
    with pytest.raises(Invalid):
        a_rate("XX", "", "HST", 12)
    with pytest.raises(Invalid):
        a_rate("CA", "", "X", 12, "unknown")


@pytest.mark.parametrize(
    ("spelt", "place"),
    [
        (("US", "New York"), Place("US", "NY")),
        (("US", "ny"), Place("US", "NY")),
        (("CA", "Québec"), Place("CA", "QC")),
        (("US", "Nowhere"), Place("US", "")),
        (("DE", "Bayern"), Place("DE", "")),
    ],
)
def test_a_regions_spellings_lead_to_one_place(spelt, place):
    assert place_of({"country": spelt[0], "region": spelt[1]}) == place


def test_shipping_tax_and_exemption_cost_one_statement_of_a_quote_and_of_an_order(rates, zones, monkeypatch):
    member = a_member()
    ref = a_cart({a_variant(): 1}, member)
    wish = a_wish(ref)
    seen: list[str] = []
    monkeypatch.setattr(db, "watchers", [seen.append])

    tables = (
        " holidays ",
        " tax_rates ",
        " tax_settings ",
        " shipping_methods ",
        " shipping_zone_places ",
        "tax_exempt",
    )

    def ours():
        found = [sql for sql in seen if any(table in sql for table in tables)]
        seen.clear()
        return found

    with reading():
        quote(ref, "standard", Place("CA", "ON"))
    assert len(ours()) == 1
    order_cart(ref, member, expected_total=wish.expected_total)
    assert len(ours()) == 1
