"""A hint in the form of Celery's own messages, and what becomes of hints that are worth one."""

import base64

import orjson
import pytest

from quickshop.kernel.outbox import TaskHint
from quickshop.monitoring.sweeping import DueJob
from tasks.app import use_broker
from tasks.coalescing import Coalescer
from tasks.messages import age, encode
from tasks.queues import QueueNames, TaskNames
from tasks.schedule import hints_of

DRAIN = TaskHint("notifications.drain", "notify")


def order_hint(number):
    return TaskHint("orders.process", "orders.vip", (f"0192f0e0-0000-7000-8000-{number:012}",))


@pytest.fixture
def written_by_celery(servers, clean, broker):
    """The message that Celery itself writes for the same hint."""
    app = use_broker(servers.redis)
    hint = order_hint(1)
    with app.producer_pool.acquire(block=True) as producer:
        app.send_task(hint.name, hint.args, queue=hint.queue, producer=producer, ignore_result=True)
    app.pool.force_close_all()
    app.producer_pool.force_close_all()
    return orjson.loads(broker.rpop("orders.vip"))


def test_our_message_has_the_form_of_celerys(written_by_celery):
    ours = orjson.loads(encode(order_hint(1)))
    assert ours.keys() == written_by_celery.keys()
    assert ours["headers"].keys() == written_by_celery["headers"].keys() | {"sent_at"}
    assert ours["properties"].keys() == written_by_celery["properties"].keys()
    for part in ("content-type", "content-encoding"):
        assert ours[part] == written_by_celery[part]
    bodies = [orjson.loads(base64.b64decode(message["body"])) for message in (ours, written_by_celery)]
    assert bodies[0] == bodies[1]
    same = ("task", "lang", "eta", "expires", "retries", "argsrepr", "ignore_result")
    assert {name: ours["headers"][name] for name in same} == {name: written_by_celery["headers"][name] for name in same}
    # Celery writes the limits where it knows the task; without them the worker's own settings hold.
    assert ours["headers"]["timelimit"] == [None, None]


def test_a_message_tells_its_age():
    assert 0 <= age(encode(DRAIN)) < 5
    assert [age(bad) for bad in (b"", b"[]", b'{"headers": {"sent_at": "x"}}')] == [0, 0, 0]


def test_each_message_has_ids_of_its_own():
    ids = {orjson.loads(encode(DRAIN))["headers"]["id"] for _ in range(100)}
    tags = {orjson.loads(encode(DRAIN))["properties"]["delivery_tag"] for _ in range(100)}
    assert (len(ids), len(tags)) == (100, 100)


def test_hints_that_mean_look_at_all_are_sent_once_in_a_gap():
    coalescer = Coalescer(gap=0.1)
    assert coalescer.filter([DRAIN, order_hint(1), DRAIN], now=10.0) == [order_hint(1), DRAIN]
    assert coalescer.filter([DRAIN], now=10.05) == []
    assert coalescer.due(10.09) == []
    assert coalescer.due(10.11) == [DRAIN]
    assert coalescer.due(10.5) == []


def test_orders_are_never_held_back():
    hints = [order_hint(n % 3) for n in range(6)]
    coalescer = Coalescer()
    assert coalescer.filter(hints, now=1.0) == hints
    assert coalescer.filter(hints, now=1.0) == hints


def test_a_job_of_every_queue_becomes_a_hint_in_each_with_its_name():
    timed = hints_of([DueJob("canary", "*", 10)])
    assert [t.hint for t in timed] == [TaskHint("canary", q, (str(q),)) for q in QueueNames]
    assert {t.expires_in for t in timed} == {10.0}


def test_other_jobs_become_one_hint_and_unknown_ones_none():
    jobs = [DueJob("maintenance.prune", "system", 300), DueJob("of.tomorrow", "system", 5), DueJob("canary", "gone", 5)]
    assert [t.hint for t in hints_of(jobs)] == [TaskHint(TaskNames.PRUNE, "system")]
