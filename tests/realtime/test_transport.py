"""What reaches Socket.IO from a client, and how a client that does not read is counted."""

import socket
import threading

import pytest
from socketio.packet import Packet

from realtime.cursors import Budget
from realtime.transport import Meter, _WholeWrites, well_formed
from tests.factories.sockets import RawSocket, Screen

GOOD = [
    "3",
    "3probe",
    "1",
    "40",
    '40{"token":"x"}',
    '40/admin,{"token":"x"}',
    "41",
    '42["subscribe",{"topic":"x"}]',
    '4212["subscribe"]',
    "431[]",
]
BAD = [
    "",
    "x",
    "0",
    "7",
    "9",
    "4",
    "4x",
    "47",
    "42",
    "42{}",
    "42[]",
    "42[1]",
    '42["subscribe"',
    '42["connect",{}]',
    '42["disconnect"]',
    '42["*"]',
    '451-["subscribe",{"_placeholder":true,"num":0}]',
    "461-[]",
    '44{"message":"x"}',
    "43",
    "431{}",
    "42[" + "[" * 5000,
    "b" + "!" * 8,
    b"\x00\x01",
    None,
    7,
]


@pytest.mark.parametrize("message", GOOD)
def test_a_clients_messages_pass(message):
    assert well_formed(Packet, message)


@pytest.mark.parametrize("message", BAD, ids=repr)
def test_everything_else_ends_the_connection(message):
    assert not well_formed(Packet, message)


@pytest.mark.parametrize("message", [m for m in BAD if isinstance(m, str) and m], ids=lambda m: m[:20])
def test_a_malformed_message_ends_its_own_socket_without_a_trace(web, clean, message):
    with Screen(web.url) as neighbour:
        with RawSocket(web.url) as raw:
            raw.join().socket.send(message)
            assert raw.ended()
        assert neighbour.call("unsubscribe", {"topic": "x"}) == {"ok": True}
    assert "Traceback" not in web.text()


def test_binary_and_oversized_messages_end_the_socket(web, clean):
    for send in (lambda s: s.send_binary(b"\x00" * 10), lambda s: s.send("4" * 70_000)):
        with RawSocket(web.url) as raw:
            send(raw.join().socket)
            assert raw.ended()
    assert "Traceback" not in web.text()


def test_compression_is_not_offered(web, clean):
    with RawSocket(web.url, header={"Sec-WebSocket-Extensions": "permessage-deflate"}) as raw:
        assert "sec-websocket-extensions" not in {name.lower() for name in raw.socket.getheaders()}
        assert raw.opening["upgrades"] == []
        assert raw.opening["maxPayload"] == 64 * 1024


def test_a_short_write_is_continued_and_two_writers_do_not_mix():
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    whole = _WholeWrites(ours)
    messages = [bytes([65 + number]) * 200_000 for number in range(2)]
    writers = [threading.Thread(target=whole.send, args=(m,), daemon=True) for m in messages]
    with ours, theirs:
        for writer in writers:
            writer.start()
        got = b""
        while len(got) < 400_000:
            got += theirs.recv(65536)
        for writer in writers:
            writer.join(10)
    assert got in (messages[0] + messages[1], messages[1] + messages[0])


def test_a_meter_counts_what_waits_and_how_long_nothing_moved(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("realtime.transport.time.monotonic", lambda: now[0])
    meter = Meter()
    now[0] += 60
    assert meter.stalled_for() == 0
    meter.queue()
    meter.queue()
    now[0] += 10
    assert (meter.backlog, meter.stalled_for()) == (2, 10)
    meter.wrote()
    now[0] += 5
    assert (meter.backlog, meter.stalled_for()) == (1, 5)
    meter.wrote()
    now[0] += 60
    assert (meter.backlog, meter.stalled_for()) == (0, 0)


def test_twenty_messages_a_second_are_allowed(monkeypatch):
    now = [5.0]
    monkeypatch.setattr("realtime.cursors.time.monotonic", lambda: now[0])
    budget = Budget()
    assert [budget.spend() for _ in range(25)] == [True] * 20 + [False] * 5
    now[0] += 0.5
    assert [budget.spend() for _ in range(12)] == [True] * 10 + [False] * 2
