"""Being told that something is back or costs less: who asked, once, at an address that is proven, and never in vain."""

import base64
from datetime import timedelta
from uuid import UUID

import pytest

from quickshop.accounts.errors import LinkInvalid
from quickshop.accounts.mailing import place
from quickshop.accounts.people import load_person
from quickshop.inventory import service as inventory
from quickshop.kernel import clock, db, facts
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import money
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.notifications import sending
from quickshop.notifications import service as notifications
from quickshop.notifications.channels.port import ACCEPTED
from quickshop.wishlists import alerts, service, telling
from quickshop.wishlists.errors import InStock, TooManyAlerts
from tests.factories import reviews as r
from tests.factories.shop import a_confirmed_order, a_declined_order, a_member, an_order, look, set_price

pytestmark = pytest.mark.usefixtures("core", "gateway")
GUEST = "guest@quickshop.example"


@pytest.fixture
def shelf():
    """A product that is sold out."""
    return r.a_product(stock=0, price=2000)


def receive(shelf, units=1):
    run_unit(lambda: inventory.receive({shelf.variant_id: units}))


def waits(shelf, member=None):
    member = member or a_member().user_id
    run_unit(lambda: alerts.ask_as_member(member, shelf.product_id, shelf.variant_id))
    return member


def guest_asks(shelf, email=GUEST):
    run_unit(lambda: alerts.ask_as_guest(email, shelf.product_id, shelf.variant_id))


def mails(kind=None):
    """What is to be mailed, opened, and taken away."""
    opened = []
    for fact in run_unit(lambda: facts.take("notifications", 1000)):
        if "sealed" in fact.data:
            with reading():
                person = load_person(UUID(fact.data["person_id"]))
            content = person.unseal(base64.b64decode(fact.data["sealed"]), place(UUID(fact.data["subject"])))
            opened.append({"type": fact.type, **content})
    return [m for m in opened if kind in (None, m["type"])]


def restocked():
    """The variants that the wishlists are told came back; the facts are taken away."""
    return [f.data["variant_id"] for f in run_unit(lambda: facts.take("wishlists", 1000))]


# --- what the stock leaves -----------------------------------------------------------------------------


def test_units_that_arrive_where_there_were_none_are_a_fact_and_more_of_them_are_not(shelf):
    receive(shelf)
    receive(shelf, 5)
    assert restocked() == [str(shelf.variant_id)]


def test_a_first_stock_is_a_fact_for_those_variants_alone_that_had_none(shelf):
    other = r.a_product(stock=3)
    restocked()
    run_unit(lambda: inventory.receive({shelf.variant_id: 2, other.variant_id: 2}))
    assert restocked() == [str(shelf.variant_id)]


def test_what_a_declined_payment_frees_is_back():
    shelf = r.a_product(stock=1)
    restocked()
    a_declined_order(items={shelf.variant_id: 1})
    assert restocked() == [str(shelf.variant_id)]


def test_units_freed_where_others_were_left_are_no_news():
    shelf = r.a_product(stock=2)
    restocked()
    a_declined_order(items={shelf.variant_id: 1})
    assert restocked() == []


def test_sold_units_that_are_put_back_are_back():
    shelf = r.a_product(stock=1)
    restocked()
    order = a_confirmed_order(items={shelf.variant_id: 1})
    assert restocked() == []
    run_unit(lambda: inventory.put_back(order.id))
    assert restocked() == [str(shelf.variant_id)]


def test_buying_leaves_nothing_and_costs_no_statement_more():
    shelf = r.a_product(stock=2)
    restocked()
    order, seen = new_id(), []
    db.watchers.append(seen.append)
    try:
        run_unit(lambda: inventory.reserve(order, {shelf.variant_id: 2}))
        run_unit(lambda: inventory.commit(order))
    finally:
        db.watchers.remove(seen.append)
    assert len(seen) == 2
    assert not any("pending_facts" in sql for sql in seen)
    assert restocked() == []


# --- members -------------------------------------------------------------------------------------------


def test_a_member_is_told_once_by_log_and_mail(shelf):
    member = waits(shelf)
    waits(shelf, member)
    assert telling.drain() == 0
    receive(shelf)
    assert telling.drain() == 1
    (mail,) = mails("wishlist.back_in_stock")
    assert mail["email"].endswith("@quickshop.example") and mail["first_name"] == "Robin"
    assert (mail["product"], mail["slug"]) == (f"Product {shelf.slug.removeprefix('product-').upper()}", shelf.slug)
    (event,) = look("SELECT type, data FROM account_events WHERE user_id = :u", u=member)
    assert (event.type, event.data["variant_id"]) == ("account.back_in_stock", str(shelf.variant_id))
    assert "quickshop.example" not in str(event.data)
    an_order({shelf.variant_id: 1})
    receive(shelf)
    assert telling.drain() == 0


def test_who_wants_to_hear_again_asks_again(shelf):
    member = waits(shelf)
    receive(shelf)
    telling.drain()
    an_order({shelf.variant_id: 1})
    waits(shelf, member)
    receive(shelf)
    assert telling.drain() == 1


def test_nobody_is_told_of_what_is_gone_again_and_the_alert_goes_on(shelf):
    waits(shelf)
    receive(shelf)
    an_order({shelf.variant_id: 1})
    assert telling.drain() == 0
    receive(shelf)
    assert telling.drain() == 1


def test_an_address_that_is_not_proven_is_not_written_to_until_it_is(shelf):
    member = waits(shelf, a_member(verified=False).user_id)
    receive(shelf)
    assert telling.drain() == 0
    run_unit(lambda: db.run("UPDATE users SET email_verified_at = now() WHERE id = :id", id=member))
    an_order({shelf.variant_id: 1})
    receive(shelf)
    assert telling.drain() == 1


def test_what_is_in_stock_needs_no_alert(shelf):
    receive(shelf)
    with pytest.raises(InStock):
        waits(shelf)
    with pytest.raises(InStock):
        guest_asks(shelf)


def test_a_member_has_room_for_so_many(shelf, monkeypatch):
    monkeypatch.setattr(alerts, "MOST_OF_MEMBER", 1)
    member = waits(shelf)
    waits(shelf, member)
    with pytest.raises(TooManyAlerts):
        waits(r.a_product(stock=0), member)


def test_more_people_than_one_transaction_takes_are_all_told(shelf, monkeypatch):
    monkeypatch.setattr(telling, "MOST", 2)
    for _ in range(5):
        waits(shelf)
    receive(shelf)
    assert telling.drain() == 5
    assert len(mails("wishlist.back_in_stock")) == 5
    assert telling.drain() == 0


# --- guests --------------------------------------------------------------------------------------------


def test_a_guest_waits_only_after_following_the_link(shelf):
    guest_asks(shelf)
    (asked,) = mails("wishlist.alert_asked")
    assert asked["email"] == GUEST
    receive(shelf)
    assert telling.drain() == 0
    run_unit(lambda: db.run("UPDATE stock_items SET on_hand = 0"))
    assert run_unit(lambda: alerts.confirm(asked["token"]))["slug"] == shelf.slug
    receive(shelf)
    assert telling.drain() == 1
    (mail,) = mails("wishlist.back_in_stock")
    assert mail["email"] == GUEST and "first_name" not in mail


def test_an_address_stands_sealed_and_in_no_fact(shelf):
    guest_asks(shelf)
    (row,) = look("SELECT * FROM stock_alerts")
    (fact,) = look("SELECT data FROM pending_facts WHERE type = 'wishlist.alert_asked'")
    assert GUEST not in str(fact.data)
    assert not any(GUEST.encode() in bytes(v) for v in row if isinstance(v, (bytes, memoryview)))


def test_a_guest_who_confirms_after_it_came_back_is_told_at_once(shelf):
    guest_asks(shelf)
    (asked,) = mails("wishlist.alert_asked")
    receive(shelf)
    telling.drain()
    run_unit(lambda: alerts.confirm(asked["token"]))
    assert telling.drain() == 1


def test_a_link_works_once_and_for_two_days(shelf):
    guest_asks(shelf)
    (asked,) = mails("wishlist.alert_asked")
    run_unit(lambda: db.run("UPDATE stock_alerts SET asked_at = now() - interval '49 hours'"))
    with pytest.raises(LinkInvalid):
        run_unit(lambda: alerts.confirm(asked["token"]))
    run_unit(lambda: db.run("UPDATE stock_alerts SET asked_at = now()"))
    run_unit(lambda: alerts.confirm(asked["token"]))
    for token in (asked["token"], "x"):
        with pytest.raises(LinkInvalid):
            run_unit(lambda t=token: alerts.confirm(t))


def test_asking_twice_in_a_minute_sends_one_mail_and_later_a_new_link(shelf):
    guest_asks(shelf)
    (first,) = mails()
    guest_asks(shelf, f" {GUEST.upper()} ")
    assert mails() == []
    run_unit(lambda: db.run("UPDATE stock_alerts SET asked_at = now() - interval '2 minutes'"))
    guest_asks(shelf)
    (second,) = mails()
    with pytest.raises(LinkInvalid):
        run_unit(lambda: alerts.confirm(first["token"]))
    run_unit(lambda: alerts.confirm(second["token"]))
    guest_asks(shelf)
    assert mails() == []


def test_nobody_can_fill_a_strangers_mailbox(monkeypatch):
    monkeypatch.setattr(alerts, "MOST_LINKS_A_DAY", 3)
    for _ in range(5):
        guest_asks(r.a_product(stock=0))
    assert len(mails("wishlist.alert_asked")) == 3


def test_old_alerts_are_pruned(shelf):
    guest_asks(shelf)
    waits(shelf)
    assert run_unit(alerts.prune) == 0
    receive(shelf)
    telling.drain()
    later = clock.now() + timedelta(days=31)
    before = clock.use(lambda: later)
    try:
        assert run_unit(alerts.prune) == 2
    finally:
        clock.use(before)
    assert look("SELECT count(*) AS n FROM stock_alerts")[0].n == 0


def test_a_guest_can_be_forgotten_by_address(shelf):
    guest_asks(shelf)
    guest_asks(shelf, "other@quickshop.example")
    assert run_unit(lambda: alerts.forget_guest(GUEST)) == 1
    assert look("SELECT count(*) AS n FROM stock_alerts")[0].n == 1
    assert look("SELECT count(*) AS n FROM persons WHERE wrapped_key IS NULL")[0].n == 1


# --- prices --------------------------------------------------------------------------------------------


def changed(shelf, before, after, *, now=None, currency="USD"):
    """A price changed, as the catalogue says it."""
    set_price(shelf.variant_id, after if now is None else now)
    data = {"variant_id": str(shelf.variant_id), "before_minor": before, "after_minor": after, "currency": currency}
    run_unit(lambda: facts.leave("wishlists", "catalog.price_changed", data))


def wishes(shelf, *, alerted=True, caller=None):
    member = (caller or a_member()).user_id

    def make():
        wishlist = service.default_list(member)
        service.put(member, wishlist, shelf.variant_id)
        service.change(member, wishlist, {"price_alerts": alerted})

    run_unit(make)
    return member


def test_a_fallen_price_is_told_to_those_who_asked_for_it_on_their_list(shelf):
    member = wishes(shelf)
    wishes(shelf, alerted=False)
    wishes(r.a_product())
    changed(shelf, 2000, 1500)
    assert telling.drain() == 1
    (mail,) = mails("wishlist.price_dropped")
    assert (mail["before"], mail["price"]) == (money(2000, "USD"), money(1500, "USD"))
    (event,) = look("SELECT type, data FROM account_events")
    assert (event.type, event.data["price"]["amount"]) == ("account.price_dropped", 1500)
    assert look("SELECT user_id FROM account_events")[0].user_id == member


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [(2000, 2500, {}), (2000, 2000, {}), (2000, 1500, {"now": 2000}), (2000, 1500, {"currency": "EUR"})],
    ids=["risen", "the same", "risen again", "another currency"],
)
def test_other_changes_are_told_to_nobody(shelf, before, after, more):
    wishes(shelf)
    changed(shelf, before, after, **more)
    assert telling.drain() == 0
    assert look("SELECT count(*) AS n FROM pending_facts WHERE consumer = 'wishlists'")[0].n == 0


def test_two_lists_with_the_same_thing_make_one_message(shelf):
    member = wishes(shelf)

    def second():
        other = service.create(member, "Other")
        service.put(member, other, shelf.variant_id)
        service.change(member, other, {"price_alerts": True})

    run_unit(second)
    changed(shelf, 2000, 1500)
    assert telling.drain() == 1


def test_a_price_that_many_wait_for_is_told_to_all_of_them_once(shelf, monkeypatch):
    monkeypatch.setattr(telling, "MOST", 2)
    for _ in range(5):
        wishes(shelf)
    other = r.a_product(price=900)
    wishes(other)
    changed(shelf, 2000, 1500)
    changed(other, 900, 800)
    assert telling.drain() == 6
    told = mails("wishlist.price_dropped")
    assert len({m["email"] for m in told}) == len(told) == 6


def test_facts_of_other_kinds_are_passed_over(shelf):
    run_unit(lambda: facts.leave("wishlists", "catalog.renamed", {}))
    waits(shelf)
    receive(shelf)
    assert telling.drain() == 1
    assert look("SELECT count(*) AS n FROM pending_facts WHERE consumer = 'wishlists'")[0].n == 0


# --- mail ----------------------------------------------------------------------------------------------


def test_the_mails_say_what_is_to_be_known(shelf, monkeypatch):
    carried = []

    class Postman:
        def send(self, messages):
            carried.extend(messages)
            yield from [ACCEPTED] * len(messages)

    monkeypatch.setattr(sending, "carrier", lambda channel: Postman())
    guest_asks(shelf)
    waits(shelf)
    receive(shelf)
    wishes(shelf)
    changed(shelf, 2000, 1250)
    telling.drain()
    notifications.drain()
    asked, back, cheaper = sorted(carried, key=lambda m: ("Shall" not in m.subject, "back in stock" not in m.subject))
    assert asked.to == GUEST and "/stock-alerts/confirm?token=" in asked.text
    assert f"/products/{shelf.slug}?variant={shelf.variant_id}" in back.text and "Hello Robin," in back.text
    assert "USD 12.50 instead of USD 20.00" in cheaper.text and "/account/wishlists" in cheaper.text
