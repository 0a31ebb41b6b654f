"""Notifications: once per fact, tried again while the mail server is away, never to somebody who was erased."""

import json

import pytest

from quickshop.kernel import db, facts
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.notifications import sending, service
from quickshop.notifications.channels.port import ACCEPTED, Answer, Away
from quickshop.orders import processing
from quickshop.orders.queries import order_view
from quickshop.orders.viewers import Viewer
from tests.factories.racing import together
from tests.factories.shop import (
    a_confirmed_order,
    a_declined_order,
    a_member,
    an_order,
    an_order_on_hold,
    log_of,
    look,
    state_of,
)

pytestmark = pytest.mark.usefixtures("core", "gateway")


class Postman:
    """A channel that keeps what it carried, refuses it for a reason, or is away."""

    def __init__(self):
        self.carried = []
        self.refuses = None
        self.away = None

    def send(self, messages):
        """See Channel.send."""
        if self.away:
            raise Away(self.away)
        for message in messages:
            if self.refuses is None:
                self.carried.append(message)
            yield Answer(self.refuses) if self.refuses else ACCEPTED


@pytest.fixture
def postman(monkeypatch):
    made = Postman()
    monkeypatch.setattr(sending, "carrier", lambda channel: made)
    return made


def kinds():
    return sorted(r.kind for r in look("SELECT kind FROM deliveries"))


def make_due():
    run_unit(lambda: db.run("UPDATE deliveries SET next_run_at = now() WHERE state = 'pending'"))
    run_unit(lambda: db.run("DELETE FROM channel_pauses"))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (a_confirmed_order, ["order.confirmed", "order.placed"]),
        (a_declined_order, ["order.payment_failed", "order.placed"]),
        (an_order_on_hold, ["order.on_hold", "order.placed"]),
    ],
)
def test_each_fact_that_concerns_the_shopper_is_told_once(postman, make, told):
    make(email="robin@quickshop.example")
    assert service.drain() == 2
    assert service.drain() == 0
    assert kinds() == told
    assert {m.to for m in postman.carried} == {"robin@quickshop.example"}
    assert len({m.id for m in postman.carried}) == 2


def test_a_guests_mail_carries_a_link_that_opens_the_order(postman):
    order = an_order()
    service.drain()
    (message,) = postman.carried
    assert order.number in message.subject
    assert f"/orders/{order.number}?token={order.document['token']}" in message.text


def test_a_members_mail_carries_no_token(postman):
    an_order(caller=a_member())
    service.drain()
    assert postman.carried[0].link.endswith(f"/orders/{look('SELECT number FROM orders')[0].number}")


def test_what_is_not_plainly_a_name_is_left_out_of_the_greeting(postman):
    address = {"name": "<b>Robin</b>", "line1": "1", "city": "Leeds", "postal_code": "LS1 4AB", "country": "GB"}
    an_order(shipping_address=address)
    service.drain()
    assert "Robin" not in postman.carried[0].html
    assert ">Hello,</p>" in postman.carried[0].html


def test_several_workers_tell_each_fact_once(core, postman):
    for _ in range(12):
        a_confirmed_order()
    assert sum(together(core, *[service.drain] * 4)) == 24
    assert len({m.id for m in postman.carried}) == len(postman.carried) == 24


def test_a_fact_given_twice_is_told_once(postman):
    an_order()
    (given,) = facts.look("notifications")
    for times in (2, 1):  # beside itself, and after it was told
        for _ in range(times):
            run_unit(lambda: facts.leave("notifications", given.type, given.data))
        service.drain()
    assert len(postman.carried) == 1


def test_a_message_that_is_not_taken_is_tried_again_under_the_same_id(postman):
    an_order()
    postman.refuses = "SMTPDataError"
    assert service.drain() == 0
    assert service.drain() == 0
    (waiting,) = look("SELECT state, attempts, last_error, next_run_at > now() AS later FROM deliveries")
    assert tuple(waiting) == ("pending", 1, "SMTPDataError", True)
    postman.refuses = None
    make_due()
    assert service.drain() == 1
    assert look("SELECT state, last_error FROM deliveries")[0].state == "sent"


def test_a_mail_server_that_is_away_counts_as_no_try_and_is_left_alone(postman):
    an_order()
    postman.away = "ConnectionRefusedError"
    assert service.drain() == service.drain() == 0
    (waiting,) = look("SELECT state, attempts, last_error FROM deliveries")
    assert tuple(waiting) == ("pending", 0, "ConnectionRefusedError")
    (pause,) = look("SELECT channel, failures, reason, try_at > now() AS later FROM channel_pauses")
    assert tuple(pause) == ("email", 1, "ConnectionRefusedError", True)
    postman.away = None
    assert service.drain() == 0  # not before its time
    make_due()
    assert service.drain() == 1
    assert look("SELECT 1 FROM channel_pauses") == []


def test_a_worker_that_dies_while_sending_leaves_the_message_due_again(postman, monkeypatch):
    an_order()

    def die(messages):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(postman, "send", die)
        with pytest.raises(KeyboardInterrupt):
            service.drain()
    make_due()
    assert service.drain() == 1


def test_an_address_that_never_takes_mail_is_given_up_in_the_end(postman):
    an_order()
    postman.refuses = "SMTPRecipientsRefused"
    service.drain()
    run_unit(lambda: db.run("UPDATE deliveries SET attempts = 39"))
    make_due()
    service.drain()
    assert look("SELECT state FROM deliveries")[0].state == "given_up"


# --- erased people -------------------------------------------------------------------------------------


def erase_everybody():
    run_unit(lambda: db.run("UPDATE persons SET wrapped_key = NULL, key_id = NULL, erased_at = now()"))


def test_an_erased_person_is_told_nothing_more(postman):
    an_order()
    erase_everybody()
    service.drain()
    assert postman.carried == []
    assert look("SELECT count(*) AS n FROM pending_facts WHERE consumer = 'notifications'")[0].n == 0


def test_a_message_waiting_for_an_erased_person_is_given_up(postman):
    an_order()
    postman.away = "ConnectionRefusedError"
    service.drain()
    erase_everybody()
    postman.away = None
    make_due()
    service.drain()
    assert postman.carried == []
    assert look("SELECT state FROM deliveries")[0].state == "given_up"


def test_one_erased_person_does_not_hold_up_the_others(postman):
    first = an_order(email="first@quickshop.example")
    an_order(email="second@quickshop.example")
    postman.away = "ConnectionRefusedError"
    service.drain()
    run_unit(
        lambda: db.run(
            "UPDATE persons SET wrapped_key = NULL, key_id = NULL, erased_at = now()"
            " WHERE id = (SELECT person_id FROM orders WHERE id = :id)",
            id=first.id,
        )
    )
    postman.away = None
    make_due()
    service.drain()
    assert [m.to for m in postman.carried] == ["second@quickshop.example"]


def test_an_erased_persons_order_still_comes_to_its_end_and_shows_nothing_personal():
    order = an_order()
    erase_everybody()
    processing.process(order.id)
    assert state_of(order) == ("payment_failed", "failed")
    assert len(log_of(order)) == 3
    with reading():
        seen = order_view(order.number, Viewer(staff=True))
    assert (seen["email"], seen["shipping_address"]) == (None, None)
    assert "Robin" not in json.dumps(seen)
