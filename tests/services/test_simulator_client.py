"""The simulated gateway's client against providers that misbehave: nothing raises, nothing doubtful is believed."""

import os
import socket
import struct
import time

import orjson
import pytest

from quickshop.kernel.wire import JsonCaller
from quickshop.payments.gateways.port import AnswerState, ChargeRequest, StoredCard
from quickshop.payments.gateways.registry import UnknownProvider, gateway_for
from quickshop.payments.gateways.simulator import SimulatorGateway, read_event
from tests.factories.gateways import RawServer, free_port, read_request

REQUEST = ChargeRequest("key-1", "QS-1001", 1999, "USD", "tok_approve")
CHARGE = {
    "id": "ch_1",
    "key": "key-1",
    "order": "QS-1001",
    "amount": 1999,
    "currency": "USD",
    "state": "authorized",
    "code": None,
    "captured": 0,
    "refunded": 0,
    "next_action": None,
    "token_fingerprint": "fp_1",
    "at": "2026-07-15T12:00:00.000Z",
}
CALLS = {
    "authorize": lambda g: g.authorize(REQUEST),
    "capture": lambda g: g.capture("ch_1", "key-c", 1999),
    "void": lambda g: g.void("ch_1", "key-v"),
    "refund": lambda g: g.refund("ch_1", "key-r", 100),
    "look_up": lambda g: g.look_up("key-1"),
    "describe": lambda g: g.describe("tok_approve"),
}


def http(status, body, head=b""):
    if not isinstance(body, bytes):
        body = orjson.dumps(body)
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), head, body)


def answering(raw):
    return RawServer(lambda connection, ending: connection.sendall(raw))


def client(server, read_seconds=2.0, in_transaction=lambda: False):
    return SimulatorGateway(server.url, in_transaction, read_seconds=read_seconds)


def hang(connection, ending):
    ending.wait(20)


def reset(connection, ending):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drip_head(connection, ending):
    connection.sendall(b"HTTP/1.1 201 Created\r\n")
    while not ending.wait(0.05):
        connection.sendall(b"X-Drip: 1\r\n")


def drip_body(connection, ending):
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 60000\r\n\r\n")
    while not ending.wait(0.05):
        connection.sendall(b" ")


def endless(connection, ending):
    connection.sendall(b"HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n")
    while not ending.is_set():
        connection.sendall(b" " * 65536)


SILENCES = {
    "hangs": (hang, "timeout"),
    "resets": (reset, "connection_lost"),
    "closes": (lambda connection, ending: connection.close(), "connection_lost"),
    "drips its head": (drip_head, "timeout"),
    "drips its body": (drip_body, "timeout"),
    "never ends": (endless, "reply_too_large"),
    "is huge": (lambda c, e: c.sendall(http(201, b"x" * 70_000)), "reply_too_large"),
    "breaks off": (lambda c, e: (c.sendall(http(201, CHARGE)[:-5]), c.close()), "connection_lost"),
    "is no HTTP": (lambda c, e: c.sendall(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "connection_lost"),
    "sends a thousand headers": (
        lambda c, e: c.sendall(http(201, CHARGE, b"X-A: b\r\n" * 1000)),
        "connection_lost",
    ),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", SILENCES)
def test_a_provider_that_cannot_be_understood_is_unknown(name, call):
    behave, code = SILENCES[name]
    with RawServer(behave) as server:
        started = time.monotonic()
        answer = CALLS[call](client(server, read_seconds=0.4))
        assert time.monotonic() - started < 5
        assert (answer.state, answer.code, answer.retriable) == (AnswerState.UNKNOWN, code, False)
        assert server.calls == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_definite_failure_may_be_retried(status):
    with answering(http(status, b"<html>")) as server:
        for call in CALLS.values():
            answer = call(client(server))
            assert (answer.state, answer.code, answer.retriable) == (
                AnswerState.UNKNOWN,
                f"http_{status}",
                True,
            )
        assert server.calls == len(CALLS)


JUNK = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"{",
    b'{"items": 7}',
    b'{"items": [{}]}',
    b'{"code": 7}',
    b"\xff",
]


@pytest.mark.parametrize("status", [200, 201, 302, 307, 400, 401, 403, 404, 409, 422])
def test_junk_is_unknown_whatever_the_status(status):
    for body in JUNK:
        with answering(http(status, body)) as server:
            for call in CALLS.values():
                answer = call(client(server))
                assert (answer.state, answer.retriable) == (AnswerState.UNKNOWN, False), body


def test_a_redirect_is_not_followed():
    with (
        answering(http(201, CHARGE)) as target,
        answering(http(307, b"{}", b"Location: " + target.url.encode() + b"/v1/charges\r\n")) as server,
    ):
        for call in CALLS.values():
            assert call(client(server)).state is AnswerState.UNKNOWN
        assert target.calls == 0


def test_a_good_answer_is_believed():
    with answering(http(201, CHARGE)) as server:
        answer = client(server).authorize(REQUEST)
    assert (answer.state, answer.provider_ref, answer.card_fingerprint) == (
        AnswerState.AUTHORIZED,
        "ch_1",
        "fp_1",
    )


@pytest.mark.parametrize(
    "lie",
    [
        {"currency": "EUR"},
        {"amount": 1998},
        {"amount": 1999.0},
        {"amount": "1999"},
        {"amount": True},
        {"amount": -1999},
        {"key": "key-2"},
        {"order": "QS-1"},
        {"state": "paid"},
        {"state": "captured"},
        {"state": None},
        {"id": None},
        {"id": ""},
        {"id": "../../etc"},
        {"id": "x" * 65},
        {"captured": 2000},
        {"refunded": 1},
        {"code": 7},
        {"token_fingerprint": 7},
        {"state": "requires_action", "next_action": None},
        {"state": "requires_action", "next_action": {"type": "redirect", "url": "javascript:alert(1)"}},
        {"state": "requires_action", "next_action": {"type": "redirect", "url": "http://[::bad"}},
        {
            "state": "requires_action",
            "next_action": {"type": "redirect", "url": "http://x/\r\nSet-Cookie: a"},
        },
        {"state": "requires_action", "next_action": {"type": "other", "url": "http://x/"}},
    ],
)
def test_an_answer_that_does_not_fit_the_call_is_unknown(lie):
    with answering(http(201, CHARGE | lie)) as server:
        answer = client(server).authorize(REQUEST)
    assert (answer.state, answer.code, answer.retriable) == (AnswerState.UNKNOWN, "bad_reply", False)


@pytest.mark.parametrize(
    ("call", "state", "operation"),
    [
        ("capture", "authorized", {"type": "capture", "key": "key-c", "amount": 1999}),
        ("capture", "captured", {"type": "capture", "key": "key-x", "amount": 1999}),
        ("capture", "captured", {"type": "capture", "key": "key-c", "amount": 1}),
        ("capture", "captured", {"type": "refund", "key": "key-c", "amount": 1999}),
        ("capture", "captured", None),
        ("refund", "captured", {"type": "refund", "key": "key-r", "amount": 100}),
        ("refund", "refunded", {"type": "refund", "key": "key-r", "amount": 1}),
        ("void", "captured", {"type": "void", "key": "key-v", "amount": None}),
    ],
)
def test_an_operation_that_does_not_fit_the_call_is_unknown(call, state, operation):
    document = CHARGE | {"state": state, "captured": 1999, "refunded": 100, "operation": operation}
    with answering(http(200, document)) as server:
        assert CALLS[call](client(server)).code == "bad_reply"
    with answering(http(200, document | {"id": "ch_2"})) as server:
        assert CALLS[call](client(server)).code == "bad_reply"


@pytest.mark.parametrize(
    ("call", "status"), [("authorize", 404), ("authorize", 409), ("look_up", 404), ("look_up", 400)]
)
def test_a_refusal_that_settles_nothing_is_unknown(call, status):
    with answering(http(status, {"code": "some_code"})) as server:
        answer = CALLS[call](client(server))
    assert (answer.state, answer.code, answer.retriable) == (AnswerState.UNKNOWN, "some_code", False)


def test_a_look_up_believes_only_its_own_key_and_at_most_one_charge():
    for items in ([CHARGE | {"key": "key-2"}], [CHARGE, CHARGE], [CHARGE | {"currency": None}]):
        with answering(http(200, {"items": items})) as server:
            assert client(server).look_up("key-1").code == "bad_reply"
    with answering(http(200, {"items": []})) as server:
        assert client(server).look_up("key-1").state is AnswerState.NOT_FOUND


def test_nobody_listening_is_unknown_and_may_be_retried():
    gateway = SimulatorGateway(f"http://127.0.0.1:{free_port()}", lambda: False)
    for call in CALLS.values():
        answer = call(gateway)
        assert (answer.state, answer.code, answer.retriable) == (AnswerState.UNKNOWN, "unreachable", True)


@pytest.mark.parametrize("call", CALLS)
def test_no_call_is_made_inside_a_transaction(call):
    with answering(http(201, CHARGE)) as server:
        with pytest.raises(RuntimeError, match="transaction"):
            CALLS[call](client(server, in_transaction=lambda: True))
        assert server.calls == 0


def test_a_forked_child_opens_its_own_connection():
    def serve(connection, ending):
        connection.sendall(http(201, CHARGE))
        while read_request(connection):
            connection.sendall(http(201, CHARGE))

    with RawServer(serve) as server:
        gateway = client(server)
        assert gateway.authorize(REQUEST).state is AnswerState.AUTHORIZED
        child = os.fork()
        if child == 0:
            good = gateway.authorize(REQUEST).state is AnswerState.AUTHORIZED
            os._exit(0 if good else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert gateway.authorize(REQUEST).state is AnswerState.AUTHORIZED
        assert server.calls == 2


@pytest.mark.parametrize("address", ["https://127.0.0.1:1", "127.0.0.1:8010", "file:///etc/passwd", ""])
def test_an_address_that_is_no_plain_http_is_refused(address):
    with pytest.raises(ValueError, match="http"):
        JsonCaller(address)


class SomeSettings:
    gateway_url = "http://127.0.0.1:9"


def test_one_gateway_per_provider_and_process():
    assert gateway_for("simulator", SomeSettings()) is gateway_for("simulator", SomeSettings())
    with pytest.raises(UnknownProvider):
        gateway_for("nobody", SomeSettings())


def test_an_event_names_the_charge_to_look_up():
    event = read_event(orjson.dumps({"id": "evt_1", "type": "charge.updated", "charge": CHARGE}))
    assert (event.id, event.type, event.provider_ref, event.key) == (
        "evt_1",
        "charge.updated",
        "ch_1",
        "key-1",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"id":"e","type":"t","charge":null}',
        b'{"id":"","type":"t","charge":{"id":"ch_1","key":"k"}}',
        b'{"id":7,"type":"t","charge":{"id":"ch_1","key":"k"}}',
        b'{"id":"e","type":"t","charge":{"id":"ch 1","key":"k"}}',
        b'{"id":"' + b"e" * 256 + b'","type":"t","charge":{"id":"ch_1","key":"k"}}',
    ],
)
def test_a_body_that_is_no_event_is_refused(body):
    with pytest.raises(ValueError, match="not an event"):
        read_event(body)


CARD = {
    "token": "tok_approve",
    "brand": "visa",
    "last4": "4242",
    "exp_month": 4,
    "exp_year": 2031,
    "fingerprint": "fp_1",
}


def test_a_card_is_told_as_it_is():
    with answering(http(200, CARD | {"more": "ignored"})) as server:
        answer = client(server).describe("tok_approve")
    assert answer.state is AnswerState.DESCRIBED
    assert answer.card == StoredCard("visa", "4242", 4, 2031, "fp_1")


@pytest.mark.parametrize(
    "lie",
    [
        {"token": "tok_decline"},
        {"brand": "<b>"},
        {"last4": "4242424242424242"},
        {"last4": 4242},
        {"exp_month": 13},
        {"exp_year": 31},
        {"exp_year": "2031"},
        {"fingerprint": None},
        {"country": "Germany"},
        {"country": 49},
    ],
)
def test_a_card_that_cannot_be_is_unknown(lie):
    with answering(http(200, CARD | lie)) as server:
        answer = client(server).describe("tok_approve")
    assert (answer.state, answer.code, answer.card) == (AnswerState.UNKNOWN, "bad_reply", None)


@pytest.mark.parametrize(
    ("status", "state"), [(400, "not_found"), (404, "not_found"), (409, "unknown"), (503, "unknown")]
)
def test_a_token_that_has_no_card_is_told_from_a_provider_in_trouble(status, state):
    with answering(http(status, {"code": "some_code"})) as server:
        assert client(server).describe("tok_approve").state == AnswerState(state)
