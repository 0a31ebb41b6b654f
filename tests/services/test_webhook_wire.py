"""The one place that opens a connection to strangers: resolved once, judged, pinned, bounded; names stay names."""

import socket
import ssl
import threading

import pytest

from quickshop.webhooks import wire
from quickshop.webhooks.wire import NotSent, post
from tests.factories.receivers import a_receiver, certificate

NAME = "hooks.example"


class Resolver:
    """Looks up what it is told; each time the next of its answers."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, host, port):
        """See `wire.resolve`."""
        self.asked.append((host, port))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def sent(url, resolver, private=True, **more):
    return post(url, b"{}", {"webhook-id": "1"}, private=private, look_up=resolver, **{"total_seconds": 1.0, **more})


def test_a_name_is_resolved_once_and_stands_in_the_host_header():
    with a_receiver() as receiver:
        changes_its_mind = Resolver(["127.0.0.1"], ["169.254.169.254"])
        assert sent(f"http://{NAME}:{receiver.port}/in?a=1", changes_its_mind) == 204
        assert changes_its_mind.asked == [(NAME, receiver.port)]
        [(headers, body)] = receiver.taken
        assert headers["Host"] == f"{NAME}:{receiver.port}"
        assert headers["path"] == "/in?a=1"
        assert (headers["User-Agent"], headers["webhook-id"], body) == (wire.USER_AGENT, "1", b"{}")


@pytest.mark.parametrize(
    ("addresses", "private"),
    [
        (["127.0.0.1"], False),
        (["8.8.8.8", "127.0.0.1"], False),  # one of them is enough
        (["::ffff:127.0.0.1"], False),
        (["127.0.0.1", "169.254.169.254"], True),
        ([], True),
    ],
)
def test_nothing_is_sent_where_any_address_of_the_name_is_refused(addresses, private):
    with a_receiver() as receiver:
        with pytest.raises(NotSent, match="private_address"):
            sent(f"http://{NAME}:{receiver.port}/", Resolver(addresses), private)
        assert receiver.taken == []


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]"])
def test_other_ways_to_write_this_machine_lead_nowhere(host):
    with a_receiver() as receiver:
        with pytest.raises(NotSent, match=r"private_address|name_not_found"):
            post(f"http://{host}:{receiver.port}/", b"{}", {}, private=False, total_seconds=2)
        assert receiver.taken == []


def test_the_next_address_is_tried_where_one_does_not_answer():
    with a_receiver() as receiver:
        assert sent(f"http://{NAME}:{receiver.port}/", Resolver(["127.0.0.9", "::1", "127.0.0.1"])) == 204


def test_tls_is_proved_for_the_name_and_not_for_the_address(tmp_path, monkeypatch):
    file, context = certificate(NAME, tmp_path)
    trusting = ssl.create_default_context(cafile=file)
    trusting.sslsocket_class = wire._Tls
    monkeypatch.setattr(wire, "tls_context", lambda: trusting)
    asked = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    with a_receiver(tls=context) as receiver:
        assert sent(f"https://{NAME}:{receiver.port}/", Resolver(["127.0.0.1"])) == 204
        assert asked == [NAME]
        assert receiver.taken[0][0]["Host"] == f"{NAME}:{receiver.port}"
        with pytest.raises(NotSent, match="tls"):
            sent(f"https://other.example:{receiver.port}/", Resolver(["127.0.0.1"]))
        receiver.does = "drip"
        with pytest.raises(NotSent, match="timeout"):
            sent(f"https://{NAME}:{receiver.port}/", Resolver(["127.0.0.1"]), total_seconds=0.3)


def test_a_certificate_that_nobody_signed_is_refused(tmp_path):
    _, context = certificate(NAME, tmp_path)
    with a_receiver(tls=context) as receiver, pytest.raises(NotSent, match="tls"):
        sent(f"https://{NAME}:{receiver.port}/", Resolver(["127.0.0.1"]))


def test_a_handshake_that_hangs_ends_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(NotSent, match="timeout"):
        sent(f"https://{NAME}:{silent.getsockname()[1]}/", Resolver(["127.0.0.1"]), total_seconds=0.3)


@pytest.mark.parametrize(("does", "code"), [("hang", "timeout"), ("drip", "timeout"), ("junk", "bad_answer")])
def test_what_is_no_answer_ends_in_a_word(does, code):
    with a_receiver(does) as receiver, pytest.raises(NotSent, match=code):
        sent(f"http://{NAME}:{receiver.port}/", Resolver(["127.0.0.1"]), total_seconds=0.3)


def test_headers_without_end_are_not_read():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def flood():
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                try:
                    peer.sendall(b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(100_000)))
                except OSError:
                    return

        thread = threading.Thread(target=flood, daemon=True)
        thread.start()
        with pytest.raises(NotSent, match="bad_answer"):
            sent(f"http://{NAME}:{server.getsockname()[1]}/", Resolver(["127.0.0.1"]))
        thread.join(5)


def test_a_name_that_does_not_exist_is_a_word():
    with pytest.raises(NotSent, match="name_not_found"):
        post("http://no-such-host.invalid/", b"{}", {}, private=True, total_seconds=2)
