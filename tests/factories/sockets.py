"""Clients of the socket: a shopper's screen that may be cut and come back, and a socket spoken to byte by byte."""

import contextlib
import json
import threading

import websocket

from benchmarks.sockets import LiveClient, Refused

__all__ = ["RawSocket", "Refused", "Screen"]


class Screen:
    """A Socket.IO client that keeps what it saw, in the order it came: `events`; `ended` is set when it is closed.

    Raises Refused where the server does not let it in. (The python-socketio client handles each event in a thread
    of its own, so it cannot say in which order they came.)
    """

    def __init__(self, url, auth=None, *, namespace="/", headers=None):
        self.events = []
        self.ended = threading.Event()
        self._changed = threading.Condition()
        self._live = True
        self._client = LiveClient(url, auth, self._saw, namespace=namespace, headers=headers, on_end=self.ended.set)

    def _saw(self, event):
        with self._changed:
            if self._live:
                self.events.append(event)
                self._changed.notify_all()

    def call(self, name, *message):
        """Say something; the answer."""
        return self._client.call(name, *message)

    def subscribe(self, topic, **more):
        """Ask for a topic; the answer."""
        return self.call("subscribe", {"topic": topic, **more})

    def follow(self, topic, **more):
        """Follow a topic, which must be allowed; returns self."""
        answer = self.subscribe(topic, **more)
        assert answer["ok"], answer
        return self

    def seqs(self, topic):
        """The seqs seen of a topic, in the order of arrival."""
        return [e["seq"] for e in list(self.events) if e["topic"] == topic]

    def wait_for(self, probe, within=15):
        """Wait until `probe(events)` is true; its value."""
        with self._changed:
            assert self._changed.wait_for(lambda: probe(self.events), within), self.events[-5:]
            return probe(self.events)

    def cut(self):
        """Lose the connection as in a tunnel: nothing is said, and nothing more is seen."""
        with self._changed:
            self._live = False
        self._client.cut()

    def close(self):
        """Leave."""
        with self._changed:
            self._live = False
        self._client.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class RawSocket:
    """A WebSocket to the Socket.IO path without a client's manners."""

    def __init__(self, url, **options):
        address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self.socket = websocket.create_connection(address, timeout=10, **options)
        self.opening = json.loads(self.socket.recv()[1:])

    def join(self, auth=None):
        """Connect to the default namespace."""
        self.socket.send("40" + (json.dumps(auth) if auth else ""))
        assert self.socket.recv().startswith("40{")
        return self

    def ended(self, within=10):
        """Whether the server ends the connection; what it still says is read and dropped."""
        self.socket.settimeout(within)
        try:
            while self.socket.recv():
                pass
        except websocket.WebSocketTimeoutException:
            return False
        except (OSError, websocket.WebSocketException):
            return True
        return True

    def close(self):
        """Leave."""
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self.socket.close(timeout=1)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
