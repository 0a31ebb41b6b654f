"""Pages of risk: the shopper's word, the staff's decision, and what makes an order risky."""

import re

import pytest

from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import processing
from quickshop.security.fraud import Policy, Rule, Weight
from quickshop.shop import service as shop_settings
from quickshop.shop.queries import risk_policy
from quickshop.shop.rules import RISK, policy_document
from tests.factories import shop
from tests.factories.pages import csrf, submit
from tests.factories.staff_pages import a_staff_client

OFF = {rule: Weight(0, 1, 1, on=False) for rule in Rule}


def a_held_order(app, review_from):
    """A guest's order that is dear for a newcomer, on hold."""
    with app.app_context():
        policy = Policy(OFF | {Rule.NEW_AND_DEAR: Weight(20)}, 10, review_from)
        run_unit(lambda: shop_settings.set_value(RISK, policy_document(policy)))
        order = shop.an_order({shop.a_variant(price=900_000): 1})
        processing.process(order.id)
        assert shop.state_of(order)[0] == "on_hold"
        return order


def state_of(app, order):
    with app.app_context():
        processing.process(order.id)
        return shop.state_of(order)[0]


def test_the_shopper_is_asked_and_their_word_lets_the_order_go_on(client, app, gateway):
    order = a_held_order(app, review_from=100)
    stranger = app.test_client()
    page = client.get(f"/orders/{order.number}?token={order.document['token']}", follow_redirects=True)
    assert "Please confirm this order" in page.text
    assert "Yes, I ordered this" in page.text
    assert stranger.post(f"/orders/{order.number}/confirm", data={"csrf_token": csrf(stranger)}).status_code == 404
    assert state_of(app, order) == "on_hold"
    for _ in range(2):
        assert submit(client, f"/orders/{order.number}/confirm").status_code in (302, 303)
    assert state_of(app, order) == "confirmed"
    assert "Yes, I ordered this" not in client.get(f"/orders/{order.number}").text


@pytest.mark.parametrize(("decision", "state"), [("approve", "confirmed"), ("reject", "cancelled")])
def test_staff_see_the_reasons_and_decide(app, gateway, decision, state):
    order = a_held_order(app, review_from=10)
    client = a_staff_client(app)
    page = client.get("/admin/risk").text
    assert order.number in page
    assert "A new account or a guest, and an order of high value" in page
    assert "20 points" in client.get(f"/admin/orders/{order.number}").text
    assert submit(client, f"/admin/orders/{order.number}/risk/{decision}").status_code in (302, 303)
    assert state_of(app, order) == state
    again = submit(client, f"/admin/orders/{order.number}/risk/{decision}")
    assert again.status_code == 409
    assert "nobody is asked about it" in again.text
    assert "As it was placed" in client.get(f"/admin/orders/{order.number}").text


def test_staff_set_the_rules_and_an_old_form_changes_nothing(app):
    client = a_staff_client(app)
    page = client.get("/admin/settings").text
    form = page[page.index('action="/admin/settings/risk"') :]
    form = form[: form.index("</form>")]
    fields = dict(re.findall(r'name="([a-z_.]+)"[^>]*? value="(\d+)"', form))
    fields |= {"countries_differ.points": "77", "confirm_from": "33"}
    fields.pop("device_velocity.on", None)
    assert submit(client, "/admin/settings/risk", fields).status_code in (302, 303)
    with app.app_context():
        policy = risk_policy()
    assert (policy.weights[Rule.COUNTRIES].points, policy.confirm_from) == (77, 33)
    assert not policy.weights[Rule.DEVICE].on
    assert submit(client, "/admin/settings/risk", fields).status_code == 409
    assert submit(client, "/admin/settings/high-value", {"version": "0", "amounts": "USD 12\nEUR x"}).status_code == 422
    assert submit(client, "/admin/settings/high-value", {"version": "0", "amounts": "USD 12\nEUR 9"}).status_code == 303
    assert "EUR 9" in client.get("/admin/settings").text
