"""The way from the outbox to Redis: in log order, at least once, and nothing lost when Redis or the relay goes."""

import orjson
import pytest
from redis.exceptions import ConnectionError

from tasks.feed import MOST, Feed
from tasks.pump import BATCH, Pump
from tests.factories import shop


class OutletInHand:
    """Keeps what is sent; fails as often as the test says."""

    def __init__(self):
        self.frames, self.hints, self.failures = [], [], 0

    def send(self, frames, hints):
        if self.failures:
            self.failures -= 1
            raise ConnectionError("away")
        self.frames += frames
        self.hints += hints


@pytest.fixture
def outlet():
    return OutletInHand()


@pytest.fixture
def pump(core, outlet):
    return Pump(outlet.send, Feed())


def unsent():
    return shop.look("SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL")[0].n


def written(history, count):
    for number in range(count):
        history.frame("product:1", "stock.updated", {"n": number})
    return list(range(count))


def seen(outlet):
    return [frame["data"]["n"] for frame in outlet.frames]


def test_frames_leave_in_log_order_and_are_marked_with_the_next_claim(pump, outlet, history):
    numbers = written(history, 5)
    assert pump.move_batch() == 5
    assert pump.busy
    assert pump.move_batch() == 0
    assert not pump.busy
    assert seen(outlet) == numbers
    assert unsent() == 0


def test_a_big_outbox_is_sent_by_batches_in_order(pump, outlet, history):
    numbers = written(history, BATCH + 30)
    assert pump.move_batch() == BATCH
    assert pump.move_batch() == 30
    assert seen(outlet) == numbers


def test_what_could_not_be_sent_is_kept_and_sent_first(pump, outlet, history):
    numbers = written(history, 3)
    outlet.failures = 2
    for _ in range(2):
        with pytest.raises(ConnectionError):
            pump.move_batch()
    history.frame("product:1", "stock.updated", {"n": 3})
    pump.move_batch()
    pump.move_batch()
    pump.move_batch()
    assert seen(outlet) == [*numbers, 3]
    assert unsent() == 0


def test_a_crash_between_sending_and_marking_sends_again_and_loses_nothing(pump, outlet, history):
    written(history, 2)
    pump.move_batch()
    run = Pump(outlet.send, Feed())
    assert run.move_batch() == 0  # the claim of the dead one still holds
    with shop.reading():
        shop.db.run("UPDATE outbox SET lease_until = clock_timestamp() - interval '1 ms' WHERE sent_at IS NULL")
    assert run.move_batch() == 2
    run.move_batch()
    assert seen(outlet) == [0, 1, 0, 1]
    assert unsent() == 0


def test_two_relays_at_once_share_the_rows(core, history):
    written(history, 20)
    first, second = OutletInHand(), OutletInHand()
    pumps = [Pump(first.send, Feed()), Pump(second.send, Feed())]
    for pump in pumps * 2:
        pump.move_batch()
    assert sorted(seen(first) + seen(second)) == list(range(20))


def test_an_order_and_its_hint_leave_together(pump, outlet):
    order = shop.an_order()
    pump.move_batch()
    (frame,) = [f for f in outlet.frames if f["topic"] == f"order:{order.number}"]
    assert (frame["seq"], frame["type"]) == (1, "order.placed")
    assert ("orders.process", "orders.standard", (str(order.id),)) in [(h.name, h.queue, h.args) for h in outlet.hints]
    assert orjson.dumps(frame)


def test_the_feed_keeps_the_latest_orders_once_each():
    feed = Feed()
    feed.note([{"topic": f"order:QS-{n}"} for n in range(MOST + 10)] + [{"topic": "account:x"}])
    feed.note([{"topic": "order:QS-20"}])
    taken = feed.take()
    assert len(taken) == MOST
    assert taken[-1] == "QS-20"
    assert taken.count("QS-20") == 1
    assert feed.take() == []
