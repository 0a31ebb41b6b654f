"""Receivers of webhooks as other people run them: good ones, and those that fail, hang, drip, redirect or go away."""

import contextlib
import datetime
import re
import ssl
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.webhooks import delivering, service, wire
from tests.factories.gateways import ROOT

QUICK = partial(wire.post, total_seconds=0.4)  # nobody waits ten seconds for a receiver that hangs on purpose


def documented_verify():
    """The example of docs/webhooks.md, as an integrator copies it."""
    text = (ROOT / "docs" / "webhooks.md").read_text()
    example = {}
    exec(re.search(r"```python\n(.*?)```", text, re.S)[1], example)
    return example["verify"]


@dataclass
class Receiver:
    """A receiver at `url`; `does` is what it does next (a status, `hang`, `drip`, or a URL to redirect to)."""

    server: ThreadingHTTPServer
    does: object = 204
    taken: list = field(default_factory=list)  # (headers, body) of every request
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self):
        """Where it listens."""
        return self.server.server_address[1]

    @property
    def url(self):
        """Its address."""
        return f"http://127.0.0.1:{self.port}/in?from=shop"

    @property
    def events(self):
        """What it was sent, in the order in which it came."""
        return [orjson.loads(body) for _, body in self.taken]

    @property
    def seqs(self):
        """The numbers of what it was sent."""
        return [event["seq"] for event in self.events]


def _handler(receiver):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            does = receiver.does
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.taken.append(({**self.headers, "path": self.path}, body))
            if does == "hang":
                receiver.let_go.wait(20)
                return
            if does == "drip":
                with contextlib.suppress(OSError):
                    while not receiver.let_go.wait(0.05):
                        self.wfile.write(b"H")
                return
            if does == "junk":
                self.wfile.write(b"220 mail.example ESMTP\r\n")
                return
            self.send_response(302 if isinstance(does, str) else does)
            if isinstance(does, str):
                self.send_header("Location", does)
            self.end_headers()

        def do_GET(self):
            receiver.taken.append((dict(self.headers), b"{}"))

        def log_message(self, *_):
            """Tests read what was taken."""

    return Handler


@contextlib.contextmanager
def a_receiver(does=204, tls=None):
    """A receiver on a port of its own; with `tls` (an SSLContext) it speaks that."""
    receiver = Receiver(None, does)
    receiver.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    receiver.server.daemon_threads = True
    receiver.server.handle_error = lambda *_: None
    if tls is not None:
        receiver.server.socket = tls.wrap_socket(receiver.server.socket, server_side=True)
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()


def certificate(name, folder):
    """A certificate for `name` that signs itself: its file, and a server's context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return file, context


# --- endpoints and time: needs an active application context ---------------------------------------------


def an_endpoint(url, *events, name="Warehouse"):
    """An endpoint that is told of these events (all, where none are named): its id and its secret."""
    return run_unit(lambda: service.make(name, url, list(events) or ["*"], None))


def send(post=QUICK):
    """Do all that is due now; how many messages were taken."""
    return delivering.drain(post)


def let_pass(seconds):
    """Let so much time pass for deliveries, breakers, claims and the second secret."""

    def older():
        for table, columns in {
            "webhook_deliveries": ("next_run_at",),
            "webhook_endpoints": ("open_until", "failing_since", "lease_until", "previous_until"),
        }.items():
            changes = ", ".join(f"{c} = {c} - make_interval(secs => :s)" for c in columns)
            db.run(f"UPDATE {table} SET {changes}", s=float(seconds))

    run_unit(older)
