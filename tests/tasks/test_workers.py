"""Real workers: they serve their queues in order, outlive what is no message, and come back when Redis does."""

import pytest

from quickshop.kernel.outbox import TaskHint
from tasks.messages import encode
from tests.factories import shop
from tests.factories.gateways import GatewayProcess
from tests.factories.waiting import eventually

ORDERS = ["orders.vip", "orders.high", "orders.standard"]


def put(broker, queue, name="canary", *args):
    """A message in a queue."""
    broker.lpush(queue, encode(TaskHint(name, queue, args or (queue,))))


def sung(servers):
    """Queues whose canary has sung, in that order."""
    return [row[0] for row in servers.run("SELECT queue FROM worker_canaries ORDER BY seen_at")]


def a_worker(children, *queues, **settings):
    """A worker of these queues, served in this order, one task at a time."""
    return children.start("worker-a", queues=queues, WORKER_A_SLOTS=1, **settings)


@pytest.mark.parametrize("order", [ORDERS, ORDERS[::-1]], ids=["urgent first", "standard first"])
def test_a_worker_empties_its_queues_in_the_order_given(children, broker, servers, order):
    names = [f"{queue} {number}" for queue in order for number in range(4)]
    for number in range(4):
        for queue in sorted(order):
            put(broker, queue, "canary", f"{queue} {number}")
    a_worker(children, *order)
    eventually(lambda: len(sung(servers)) == len(names), within=40)
    # What was taken before the worker knew all of its queues may come early: the first message, no more.
    assert sung(servers)[1:] == [n for n in names if n != sung(servers)[0]]


def test_what_is_no_message_is_dropped_and_the_next_one_served(children, broker, servers):
    good = encode(TaskHint("canary", "system", ("system",)))
    for poison in (
        b"not json",
        b"{}",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"body": "x"}',
        encode(TaskHint("no.such", "system")),
        encode(TaskHint("canary", "system", ("too", "many"))),
        encode(TaskHint("orders.process", "system", ("no-id",))),
        good.replace(b"application/json", b"application/x-python-serialize"),
    ):
        broker.lpush("system", poison)
    broker.lpush("system", good)
    worker = a_worker(children, "system")
    eventually(lambda: sung(servers) == ["system"], within=40)
    assert worker.alive
    eventually(lambda: broker.llen("system") == broker.hlen("unacked") == 0)


def test_a_message_taken_too_late_is_not_run(children, broker, servers):
    broker.lpush("system", encode(TaskHint("canary", "system", ("late",)), expires_in=-1))
    put(broker, "system")
    a_worker(children, "system")
    eventually(lambda: sung(servers), within=40)
    assert sung(servers) == ["system"]


@pytest.fixture
def paying(tmp_path):
    """The simulated gateway; every call to it takes a second."""
    running = GatewayProcess(tmp_path, GATEWAY_LATENCY_MS="1000").start()
    yield running
    running.stop()


def test_an_order_goes_from_placed_to_confirmed_through_relay_and_worker(core, children, paying):
    children.start("relay")
    a_worker(children, *ORDERS, GATEWAY_URL=paying.url)
    order = shop.an_order()
    eventually(lambda: shop.state_of(order) == ("confirmed", "captured"), within=40)
    assert [charge["state"] for charge in paying.ledger(order.number)] == ["captured"]


def test_an_order_whose_worker_and_message_are_gone_is_confirmed_all_the_same_and_charged_once(
    core, children, paying, broker
):
    children.start("relay")
    worker = a_worker(children, *ORDERS, GATEWAY_URL=paying.url, LEASE_SECONDS=3)
    order = shop.an_order()
    eventually(lambda: shop.work_of(order).lease_token, within=40)
    worker.kill()
    broker.flushall()
    a_worker(children, *ORDERS, GATEWAY_URL=paying.url, LEASE_SECONDS=3)
    eventually(lambda: shop.state_of(order) == ("confirmed", "captured"), within=40)
    assert [charge["state"] for charge in paying.ledger(order.number)] == ["captured"]


def test_a_worker_goes_on_after_redis_was_away(children, broker, servers):
    worker = a_worker(children, "system")
    put(broker, "system", "canary", "before")
    eventually(lambda: sung(servers) == ["before"], within=40)
    servers.running.valkey.stop()
    servers.running.valkey.start()
    put(broker, "system", "canary", "after")
    eventually(lambda: sung(servers) == ["before", "after"], within=45)
    assert worker.alive
