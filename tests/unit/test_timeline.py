"""The story of an order, state by state."""

import pytest

from blueprints.storefront.timeline import tell


def order(status, payment="pending", fulfilment="unfulfilled", **more):
    return {
        "status": status,
        "payment_status": payment,
        "fulfilment_status": fulfilment,
        "placed_at": "2026-11-22T10:00:00.000Z",
        **more,
    }


def states(story):
    return {step.key: step.state for step in story.steps}


@pytest.mark.parametrize(
    ("given", "headline", "tone", "expected"),
    [
        (order("placed"), "Placed", "", {"placed": "done", "paid": "now", "confirmed": "todo"}),
        (order("processing"), "Working on it", "", {"paid": "now"}),
        (order("processing", "authorized"), "Working on it", "", {"paid": "done"}),
        (order("processing", "requires_action"), "Your bank wants a word", "", {"paid": "now"}),
        (order("confirmed", "captured"), "Confirmed", "good", {"paid": "done", "confirmed": "done", "shipped": "now"}),
        (order("confirmed", "captured", "shipped"), "On its way", "good", {"shipped": "done", "delivered": "now"}),
        (order("completed", "captured", "delivered"), "Delivered", "good", {"delivered": "done"}),
        (order("on_hold", hold_reason="fraud_review"), "On hold", "", {"paid": "hold"}),
    ],
)
def test_each_state_has_its_story(given, headline, tone, expected):
    story = tell(given, [])
    assert (story.headline, story.tone) == (headline, tone)
    assert states(story).items() >= expected.items()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("card_declined", "The bank declined the card."),
        ("insufficient_funds", "There is not enough money on the card."),
        ("something_new", "The payment could not be taken."),
    ],
)
def test_a_decline_says_why_and_that_nothing_was_charged(code, sentence):
    log = [{"seq": 2, "type": "order.payment_failed", "at": "2026-11-22T10:00:02.000Z", "data": {"code": code}}]
    story = tell(order("payment_failed", "failed"), log)
    assert story.tone == "bad" and sentence in story.detail and "Nothing was charged." in story.detail
    assert states(story)["paid"] == "bad"


def test_a_cancelled_order_ends_where_it_was():
    assert list(states(tell(order("cancelled", "voided"), []))) == ["placed", "cancelled"]


def test_times_come_from_the_log_and_the_last_of_a_kind_counts():
    log = [
        {"seq": n, "type": "order.payment_authorized", "at": f"2026-11-22T10:00:0{n}.000Z", "data": {}} for n in (2, 5)
    ]
    paid = next(step for step in tell(order("confirmed", "captured"), log).steps if step.key == "paid")
    assert paid.at == "2026-11-22T10:00:05.000Z"
