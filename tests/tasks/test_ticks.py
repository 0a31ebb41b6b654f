"""The live page's figures: their shapes, and that nothing is computed while nobody watches."""

import threading

import pytest

from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.monitoring import presence, queries
from quickshop.monitoring.presence import Presence
from tasks.chores import Chores
from tasks.feed import Feed
from tasks.queues import QueueNames
from tasks.ticks import Ticks
from tests.factories import shop

CLASSES = {"vip", "high", "standard"}


@pytest.fixture
def feed():
    return Feed()


def frames(core, broker, feed, seen=Presence(7, 1)):  # noqa: B008 - frozen
    with reading():
        return {f["type"]: f for f in Ticks(broker, feed).frames(seen)}


def end(order, status):
    """End an order's processing as if its worker had, 2 s after it was placed and 0.5 s after it was begun."""
    run_unit(
        lambda: db.run(
            "UPDATE order_processing SET step = 'done', next_run_at = NULL, ended_at = now(),"
            " waiting_since = now() - interval '2 s', started_at = now() - interval '0.5 s' WHERE order_id = :id",
            id=order.id,
        )
    )
    run_unit(lambda: db.run("UPDATE orders SET status = 'processing' WHERE id = :id", id=order.id))
    run_unit(lambda: db.run("UPDATE orders SET status = :s WHERE id = :id", s=status, id=order.id))


def test_the_ticks_have_the_agreed_shapes(core, broker, feed):
    confirmed, failed, waiting = shop.an_order(), shop.an_order(), shop.an_order()
    end(confirmed, "confirmed")
    end(failed, "payment_failed")
    feed.note([{"topic": f"order:{waiting.number}"}])
    made = frames(core, broker, feed)
    assert {f["topic"] for f in made.values()} == {"admin:orders", "admin:queues", "admin:metrics"}
    assert all(f["seq"] is None and f["at"].endswith("Z") for f in made.values())

    (row,) = made["order.feed"]["data"]["orders"]
    assert row.keys() == {"number", "status", "priority", "total", "country", "at"}
    assert (row["number"], row["total"]) == (waiting.number, {"amount": waiting.total, "currency": "USD"})

    queues = made["queue.tick"]["data"]
    assert [q["name"] for q in queues["queues"]] == [str(q) for q in QueueNames]
    assert all(q.keys() == {"name", "depth", "oldest_seconds"} for q in queues["queues"])
    assert queues["waiting"].keys() == CLASSES
    assert queues["waiting"]["standard"]["count"] == 1

    metrics = made["metrics.tick"]["data"]
    assert (metrics["placed_per_s"], metrics["confirmed_per_s"], metrics["failed_per_s"]) == (0.3, 0.1, 0.1)
    assert (metrics["orders_today"], metrics["sockets"]) == (3, 7)
    assert metrics["revenue_today"] == {"amount": confirmed.total, "currency": "USD"}
    assert metrics["wait_ms"].keys() == CLASSES
    assert metrics["wait_ms"]["standard"] == {"p50": 1500.0, "p95": 1500.0}
    assert metrics["wait_ms"]["vip"] == {"p50": None, "p95": None}
    assert metrics["processing_ms"] == {"p50": 500.0, "p95": 500.0}
    assert metrics["workers"].keys() == {str(q) for q in QueueNames}


def test_without_news_there_is_no_feed(core, broker, feed):
    assert frames(core, broker, feed).keys() == {"queue.tick", "metrics.tick"}


def test_nothing_is_computed_while_nobody_watches(core, broker, feed, monkeypatch):
    sent = []
    chores = Chores(core, lambda frames=(), **_: sent.append(frames), broker, feed, lambda: True, threading.Event())
    asked = []
    monkeypatch.setattr(queries, "rates", lambda: asked.append(1) or {})
    presence.note(broker, "web-1", Presence(5, 0))
    chores.tick()
    assert (sent, asked) == ([], [])
    presence.note(broker, "web-2", Presence(2, 1))
    chores.tick()
    assert len(sent) == len(asked) == 1
    assert [f["data"]["sockets"] for f in sent[0] if f["type"] == "metrics.tick"] == [7]


def test_the_note_of_a_process_that_is_gone_stops_counting(core, broker, monkeypatch):
    presence.note(broker, "web-1", Presence(5, 1))
    assert presence.look(broker) == Presence(5, 1)
    monkeypatch.setattr(presence, "time", lambda: 4e9)
    assert presence.look(broker) == Presence(0, 0)
    assert broker.hlen(presence.KEY) == 0
