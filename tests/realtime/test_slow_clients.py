"""Clients that do not read: what waits for them is bounded, they are closed, and nobody else notices."""

import json

import psutil
import pytest

from quickshop.accounts.callers import ANONYMOUS
from realtime.auth import Principal
from realtime.connections import Connections
from realtime.cursors import Connection, Cursor
from realtime.frames import MOST_WAITING, Frames
from realtime.rooms import LOGS, Log, Room
from realtime.transport import Meter
from tests.factories import shop
from tests.factories.sockets import RawSocket, Screen
from tests.factories.waiting import eventually


class ServerInHand:
    """A Socket.IO server whose clients read when the test says so. Background work runs when the test says so."""

    def __init__(self):
        self.sent, self.closed, self.waiting = [], [], []
        self.on_sleep = lambda: None

    def emit(self, event, data, *, to, namespace):
        self.sent += [(sid, data) for sid in to]

    def disconnect(self, sid, namespace=None):
        self.closed.append(sid)

    def start_background_task(self, work, *args):
        self.waiting.append((work, args))

    def sleep(self, seconds):
        self.on_sleep()

    def work(self):
        """Run what waits in the background."""
        while self.waiting:
            work, args = self.waiting.pop(0)
            work(*args)


@pytest.fixture
def server():
    return ServerInHand()


@pytest.fixture
def connections():
    return Connections()


@pytest.fixture
def frames(edge_app, server, connections):
    return Frames(edge_app, server, connections)


def joined(connections, room, *, last=0, sid="s"):
    """A connection that follows a room and has caught up."""
    connection = Connection(sid, "/", Principal(ANONYMOUS), Meter())
    connections.add(connection)
    cursor = Cursor(connection, room, last)
    assert connections.follow(cursor)
    assert cursor.settle(0)
    return connection


def frame(topic, seq):
    return {"topic": topic, "seq": seq, "type": "x", "at": "", "data": {}}


def seqs(server):
    return [data["seq"] for _, data in server.sent]


def test_a_client_that_falls_behind_gets_the_rest_from_the_log_when_it_reads(server, connections, frames, monkeypatch):
    log = [{"seq": n, "type": "x", "at": "", "data": {}} for n in range(1, 1001)]
    monkeypatch.setitem(LOGS, "order", Log(lambda _id, after, limit: log[after : after + limit], dict))
    connection = joined(connections, Room("order:1", "order:1", "order", id(log)))
    frames.take([frame("order:1", n) for n in range(1, 1001)])
    assert seqs(server) == list(range(1, MOST_WAITING + 1))
    assert connection.meter.backlog == MOST_WAITING
    assert len(server.waiting) == 1

    def read_a_little():
        assert connection.meter.backlog <= MOST_WAITING
        for _ in range(50):
            connection.meter.wrote()

    server.on_sleep = read_a_little
    server.work()
    assert seqs(server) == list(range(1, 1001))
    assert server.closed == []


def test_a_client_that_never_reads_is_closed_as_a_slow_consumer(server, connections, frames, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("realtime.transport.time.monotonic", lambda: now[0])
    log = [{"seq": n, "type": "x", "at": "", "data": {}} for n in range(1, 1001)]
    monkeypatch.setitem(LOGS, "order", Log(lambda _id, after, limit: log[after : after + limit], dict))
    joined(connections, Room("order:1", "order:1", "order", id(log)))
    server.on_sleep = lambda: now.__setitem__(0, now[0] + 1)
    frames.take([frame("order:1", n) for n in range(1, 1001)])
    server.work()
    assert server.closed == ["s"]
    assert 30 < now[0] < 35
    assert server.sent[-1][1]["data"]["code"] == "slow_consumer"
    assert connections.followers("order:1") == ()


def test_what_has_no_log_closes_a_slow_client_at_once_and_reaches_the_others(server, connections, frames):
    room = Room("product:1", "product:1")
    slow, fast = joined(connections, room, sid="slow"), joined(connections, room, sid="fast")
    for _ in range(MOST_WAITING):
        slow.meter.queue()
    frames.take([frame("product:1", None)])
    assert server.closed == ["slow"]
    assert ("fast", {**frame("product:1", None)}) in server.sent
    assert fast.meter.backlog == 1


# --- real sockets --------------------------------------------------------------------------------------

STALLED = 20
TEXT = 900
EVENTS = 2500


def memory_of(child):
    process = psutil.Process(child.process.pid)
    return sum(p.memory_info().rss for p in [process, *process.children(recursive=True)])


def connections_of(child):
    """How many client connections a web process holds."""
    process = psutil.Process(child.process.pid)
    held = [c for p in [process, *process.children(recursive=True)] for c in p.net_connections("tcp")]
    return sum(1 for c in held if c.status == psutil.CONN_ESTABLISHED and c.laddr.port == child.port)


def stalled(url, order):
    """A client that follows an order's log and never reads again."""
    raw = RawSocket(url).join({"order_token": order.document["token"]})
    raw.socket.send("42" + json.dumps(["subscribe", {"topic": f"order:{order.number}", "after": 0}]))
    return raw


def test_stalled_sockets_cost_little_memory_and_are_ended_while_others_see_everything(core, history, children, relay):
    web = children.start("web")
    order = shop.an_order()
    with Screen(web.url, {"order_token": order.document["token"]}) as screen:
        screen.follow(f"order:{order.number}", after=0)
        before = memory_of(web)
        raws = [stalled(web.url, order) for _ in range(STALLED)]
        for _ in range(EVENTS):
            last = history.order_happens(order, size=TEXT)
        screen.wait_for(lambda events: events and events[-1]["seq"] == last, within=60)
        assert screen.seqs(f"order:{order.number}") == list(range(1, last + 1))
        # Unbounded, twenty clients with 2,500 events of 1 KB each would hold 50 MB and more.
        assert memory_of(web) - before < 30 * 2**20
        # They keep their connections open and read nothing; only the server can end it.
        eventually(lambda: connections_of(web) == 1, within=45, every=0.5)
        assert not screen.ended.is_set()
        for raw in raws:
            raw.close()
