"""The replay's HTTP client against a server that is busy, breaks off, or refuses."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from quickshop.demo.replay.client import Client, Refused, ShopUnreachable


class Scripted(BaseHTTPRequestHandler):
    """Answers with the server's script, one entry a request; None hangs up."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.path, dict(self.headers)))
        entry = self.server.script.pop(0)
        if entry is None:
            self.close_connection = True
            self.connection.close()
            return
        status, body, headers = entry
        content = orjson.dumps(body)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    """A server with a `script` to fill; `seen` are the requests, `client` calls it."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    http.daemon_threads = True
    http.script, http.seen = [], []
    http.client = Client(f"http://127.0.0.1:{http.server_port}", 2, patience=2.0)
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    yield http
    http.shutdown()
    http.server_close()


FINE = (200, {"fine": True}, {})


@pytest.mark.parametrize(
    "trouble",
    [
        (503, {"code": "busy"}, {"Retry-After": "0.1"}),
        (429, {"code": "rate_limited"}, {"Retry-After": "0.1"}),
        (409, {"code": "idempotency_in_progress"}, {"Retry-After": "0.1"}),
        (502, {}, {}),
        None,
    ],
)
def test_what_passes_is_waited_for(server, trouble):
    server.script += [trouble, trouble, FINE]
    assert server.client.api("POST", "/orders", {}, headers={"Idempotency-Key": "k"}).json() == {"fine": True}
    assert len(server.seen) == 3
    assert {headers["Idempotency-Key"] for _, headers in server.seen} == {"k"}


def test_retry_after_is_kept_to(server):
    server.script += [(503, {"code": "busy"}, {"Retry-After": "1"}), FINE]
    began = time.monotonic()
    server.client.api("GET", "/cart")
    assert time.monotonic() - began >= 0.8


def test_a_refusal_is_told_at_once_with_its_problem(server):
    server.script += [(409, {"code": "client_reference_used", "detail": "before"}, {})]
    with pytest.raises(Refused) as refusal:
        server.client.api("POST", "/orders", {})
    assert (refusal.value.status, refusal.value.code) == (409, "client_reference_used")
    assert refusal.value.problem["detail"] == "before"


def test_a_server_error_is_no_reason_to_ask_again(server):
    server.script += [(500, {"code": "internal_error"}, {})]
    with pytest.raises(Refused):
        server.client.api("GET", "/cart")


def test_patience_has_an_end(server):
    server.script += [(503, {"code": "busy"}, {"Retry-After": "0.5"})] * 20
    with pytest.raises(ShopUnreachable, match="busy"):
        server.client.api("GET", "/cart")


def test_a_shop_that_is_not_there_is_said_to_be_so():
    with pytest.raises(ShopUnreachable, match="NewConnectionError"):
        Client("http://127.0.0.1:9", 1, patience=0.3).api("GET", "/cart")


def test_the_connection_is_kept(server):
    server.script += [FINE] * 5
    for _ in range(5):
        server.client.api("GET", "/cart", token="access")
    assert {headers["Authorization"] for _, headers in server.seen} == {"Bearer access"}
    assert server.client._pool.num_connections == 1
