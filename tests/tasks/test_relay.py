"""The relay as a process: what it sends, who leads, and what happens when Redis or a leader goes away."""

import time

import orjson
import pytest

from tests.factories import shop
from tests.factories.waiting import eventually


def hints_in(broker, queue="orders.high"):
    """The arguments of the orders' hints in a queue, oldest first. (Canaries sing there too.)"""
    headers = [orjson.loads(m)["headers"] for m in reversed(broker.lrange(queue, 0, -1))]
    return [h["argsrepr"].strip("(',)") for h in headers if h["task"] == "orders.process"]


def leads(relay):
    """Whether this relay has said that it leads."""
    return "leads now" in relay.text()


def a_second(children):
    """Another relay, which waits."""
    second = children.start("relay")
    eventually(lambda: "this one waits" in second.text(), within=30)
    return second


@pytest.fixture
def relay(children):
    """A relay that leads."""
    started = children.start("relay")
    eventually(lambda: leads(started), within=30)
    return started


def sent(servers):
    """Whether everything in the outbox was sent."""
    return servers.run("SELECT count(*) FROM outbox WHERE sent_at IS NULL")[0][0] == 0


def test_hints_arrive_in_their_queues_in_order(relay, history, broker, servers):
    for number in range(30):
        history.hint("orders.process", "orders.high", f"{number:02}")
    eventually(lambda: hints_in(broker) == [f"{number:02}" for number in range(30)])
    eventually(lambda: sent(servers))


def test_a_hint_of_nothing_we_know_stops_nobody(relay, history, broker):
    history.hint("no.such", "orders.high", "1")
    history.hint("orders.process", "no-such-queue", "2")
    history.hint("orders.process", "orders.high", "3")
    eventually(lambda: hints_in(broker) == ["3"])


def test_it_gives_a_sign_of_life(relay, servers):
    fresh = "SELECT count(*) FROM relay_beats WHERE seen_at > now() - interval '5 s'"
    eventually(lambda: servers.run(fresh)[0][0] == 1)


def test_it_sends_periodic_jobs(relay, servers, broker):
    servers.run("UPDATE periodic_jobs SET next_run_at = now()")
    eventually(lambda: all(broker.llen(q) for q in ("orders.vip", "orders.standard", "notify", "system")))


def test_what_redis_lost_is_hinted_again(core, relay, broker, servers):
    orders = [shop.an_order() for _ in range(5)]
    wanted = {str(order.id) for order in orders}
    eventually(lambda: wanted <= set(hints_in(broker, "orders.standard")))
    servers.run(
        "UPDATE periodic_jobs SET next_run_at = now() + interval '1 day'"
    )  # or a canary would look like a queue
    broker.flushall()
    eventually(lambda: wanted <= set(hints_in(broker, "orders.standard")), within=15)


def test_only_one_of_two_leads_and_the_other_takes_over_from_a_killed_one(relay, children, history, broker):
    second = a_second(children)
    history.hint("orders.process", "orders.high", "1")
    eventually(lambda: hints_in(broker) == ["1"])
    assert not leads(second)
    relay.kill()
    killed_at = time.monotonic()
    history.hint("orders.process", "orders.high", "2")
    eventually(lambda: "2" in hints_in(broker), within=10)
    assert time.monotonic() - killed_at < 10


def test_a_frozen_leader_is_replaced_within_10_s_and_steps_back_when_it_thaws(relay, children, history, broker):
    second = a_second(children)
    history.hint("orders.process", "orders.high", "0")
    eventually(lambda: hints_in(broker) == ["0"])
    relay.freeze()
    try:
        history.hint("orders.process", "orders.high", "1")
        eventually(lambda: "1" in hints_in(broker), within=10)
        assert leads(second)
    finally:
        relay.thaw()
    for number in range(20):
        history.hint("orders.process", "orders.high", f"after {number}")
    eventually(lambda: {f"after {n}" for n in range(20)} <= set(hints_in(broker)))
    eventually(lambda: "away" in relay.text())
    assert relay.alive
    second.kill()
    history.hint("orders.process", "orders.high", "last")
    eventually(lambda: "last" in hints_in(broker), within=10)


def test_it_ends_at_once_when_asked(relay):
    relay.process.terminate()
    assert relay.process.wait(5) == 0
