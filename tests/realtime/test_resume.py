"""A client that comes and goes sees 1, 2, 3 … n of its order, once each, in order, while frames keep coming."""

import random
import threading

from quickshop.kernel.unit_of_work import reading
from quickshop.orders import queries
from tests.factories import shop
from tests.factories.sockets import Screen

EVENTS = 250
CLIENTS = 4
CUTS = 5


def a_guests_order(core):
    """An order, and the token of the guest who placed it."""
    order = shop.an_order()
    return order, order.document["token"]


def entries_of(core, order):
    """The order's whole log, as REST gives it."""
    found = []
    with reading():
        while page := queries.order_log(order.id, len(found)):
            found += page
    return found


class Shopper:
    """Follows an order through cuts; `seen` is every event in the order it came."""

    def __init__(self, order, token, webs, seed):
        self._order, self._token, self._webs = order, token, webs
        self._random = random.Random(seed)
        self.seen = []

    def follow_until(self, last):
        """Follow, be cut at random moments, come back to any web process, until `last` was seen."""
        for _ in range(CUTS):
            goal = min(last, self._seq() + self._random.randint(0, 2 * last // CUTS))
            self._look(goal)
        self._look(last)

    def _seq(self):
        return self.seen[-1]["seq"] if self.seen else 0

    def _look(self, goal):
        screen = Screen(self._random.choice(self._webs).url, {"order_token": self._token})
        screen.follow(self._order_topic, after=self._seq())
        screen.wait_for(lambda events: self._seq() >= goal or (events and events[-1]["seq"] >= goal), within=60)
        screen.cut()
        self.seen += screen.events

    @property
    def _order_topic(self):
        return f"order:{self._order.number}"


def test_random_cuts_and_resumes_lose_nothing_and_repeat_nothing(core, history, web, second_web, relay):
    order, token = a_guests_order(core)
    first = len(entries_of(core, order))
    shoppers = [Shopper(order, token, [web, second_web], seed) for seed in range(CLIENTS)]
    threads = [threading.Thread(target=s.follow_until, args=(first + EVENTS,), daemon=True) for s in shoppers]
    for thread in threads:
        thread.start()
    for number in range(EVENTS):
        # Some entries never make a frame that arrives: the next one, or the regular check, shows the gap.
        history.order_happens(order, frames=number % 10 != 3)
    for thread in threads:
        thread.join(90)
    log = entries_of(core, order)
    for shopper in shoppers:
        assert [e["seq"] for e in shopper.seen] == list(range(1, first + EVENTS + 1))
        assert [{k: v for k, v in e.items() if k != "topic"} for e in shopper.seen] == log


def test_without_after_only_what_happens_from_now_on_is_sent(core, history, web, relay):
    order, token = a_guests_order(core)
    topic = f"order:{order.number}"
    latest = history.order_happens(order)
    with Screen(web.url, {"order_token": token}) as screen:
        assert screen.subscribe(topic) == {"ok": True, "latest": latest}
        history.order_happens(order)
        screen.wait_for(lambda events: events and events[-1]["seq"] == latest + 1)
        assert screen.seqs(topic) == [latest + 1]


def test_subscribing_again_starts_again_where_asked(core, history, web, relay):
    order, token = a_guests_order(core)
    topic = f"order:{order.number}"
    for _ in range(3):
        history.order_happens(order)
    with Screen(web.url, {"order_token": token}) as screen:
        screen.follow(topic, after=0)
        screen.wait_for(lambda events: len(events) == 4)
        screen.follow(topic, after=2)
        screen.wait_for(lambda events: len(events) == 6)
        assert screen.seqs(topic) == [1, 2, 3, 4, 3, 4]


def test_nothing_more_comes_after_unsubscribe(core, history, web, relay):
    order, token = a_guests_order(core)
    other, others_token = a_guests_order(core)
    with Screen(web.url, {"order_token": token}) as screen, Screen(web.url, {"order_token": others_token}) as witness:
        screen.follow(f"order:{order.number}")
        assert screen.call("unsubscribe", {"topic": f"order:{order.number}"}) == {"ok": True}
        witness.follow(f"order:{other.number}")
        history.order_happens(order)
        history.order_happens(other)
        witness.wait_for(lambda events: events)
        assert screen.events == []


def test_a_seq_from_the_future_is_taken_as_the_latest(core, history, web, relay):
    order, token = a_guests_order(core)
    topic = f"order:{order.number}"
    with Screen(web.url, {"order_token": token}) as screen:
        assert screen.subscribe(topic, after=10**6)["latest"] == 1
        history.order_happens(order)
        screen.wait_for(lambda events: events)
        assert screen.seqs(topic) == [2]


def test_a_long_history_arrives_whole_by_pages(core, history, web, relay):
    order, token = a_guests_order(core)
    for _ in range(1200):
        history.order_happens(order, frames=False)
    with Screen(web.url, {"order_token": token}) as screen:
        screen.follow(f"order:{order.number}", after=0)
        screen.wait_for(lambda events: len(events) >= 1201, within=30)
        assert screen.seqs(f"order:{order.number}") == list(range(1, 1202))
