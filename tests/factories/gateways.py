"""The real simulated gateway as a child process, a receiver for its webhooks, and servers that misbehave."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import urllib3

from tests.factories.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "quickshop" / "runtime" / "doubles" / "gunicorn_conf.py"
WEBHOOK_SECRET = "webhook-secret-of-the-tests"


def free_port():
    """A port of the loopback address that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class GatewayProcess:
    """One gateway: `home` is its folder, extra settings by name. Start, kill and start again as wished."""

    def __init__(self, home, **settings):
        self.home = Path(home)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "QUICKSHOP_ENV": "testing",
            "QUICKSHOP_HOME": str(self.home),
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "SHOP_URL": "http://127.0.0.1:1",
            **settings,
        }
        self.process = None
        self.http = urllib3.PoolManager(maxsize=64, retries=False, timeout=urllib3.Timeout(connect=1, read=10))

    @property
    def log(self):
        return self.home / "gateway.log"

    @property
    def journal(self):
        return self.home / "gateway" / "ledger.jsonl"

    def start(self):
        """Start it and wait until it answers; returns self."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "MAIL_"))}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", str(CONFIG)],
                cwd=ROOT,
                env=env | self.settings,
                stdout=log,
                stderr=log,
                start_new_session=True,  # its worker shares its group, and nothing else does
            )
        eventually(self._answers, within=30)
        return self

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.http.request("GET", f"{self.url}/healthz").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def kill(self):
        """End it as a power cut would: SIGKILL to parent and worker at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        """End it politely, then for certain."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def get(self, path, **headers):
        """GET; the urllib3 answer."""
        return self.http.request("GET", self.url + path, headers=headers)

    def post(self, path, document, **headers):
        """POST a JSON document; the urllib3 answer, redirects not followed."""
        return self.http.request(
            "POST",
            self.url + path,
            body=json.dumps(document).encode(),
            headers={"Content-Type": "application/json", **headers},
            redirect=False,
        )

    def charge(self, key, token="tok_approve", amount=1999, order="QS-1001", currency="USD"):
        """Authorise by bare HTTP; the urllib3 answer."""
        body = {"key": key, "order": order, "amount": amount, "currency": currency, "token": token}
        return self.post("/v1/charges", body)

    def ledger(self, order=None):
        """The gateway's own books."""
        return self.get("/charges" + (f"?order={order}" if order else "")).json()


class WebhookReceiver:
    """A tiny shop: keeps every delivery and answers with the given statuses, then 204."""

    def __init__(self, *statuses):
        self.deliveries = []
        self._statuses = list(statuses)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.deliveries.append((self.path, dict(self.headers), body))
                self.send_response(receiver._statuses.pop(0) if receiver._statuses else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def read_request(connection):
    """One whole HTTP request as bytes; empty when the caller has hung up."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        part = connection.recv(65536)
        if not part:
            return b""
        raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    missing = sum(lengths) - len(body)
    while missing > 0:
        part = connection.recv(missing)
        if not part:
            return b""
        raw, missing = raw + part, missing - len(part)
    return raw


class RawServer:
    """A provider that misbehaves: `behave(connection)` is called for each connection after one request was read."""

    def __init__(self, behave):
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = []
        self._ending = threading.Event()
        self.calls = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self):
        while not self._ending.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # shut down
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        connection.settimeout(10)
        try:
            if read_request(connection):
                self.calls += 1
                self._behave(connection, self._ending)
        except OSError:
            return  # the client hung up, which is what it should do

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._ending.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()
        for connection in self._open:
            connection.close()
