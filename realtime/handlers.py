"""What a client may say: connect, subscribe, unsubscribe, authenticate. Every refusal is a problem document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Flask
from socketio import Server
from socketio.exceptions import ConnectionRefusedError

from quickshop.accounts.permissions import Permission
from quickshop.kernel import tracing
from quickshop.kernel.errors import Forbidden, Invalid, NotFound
from quickshop.kernel.ids import new_id
from realtime import auth
from realtime.connections import Connections
from realtime.cursors import Connection, Cursor
from realtime.frames import Frames
from realtime.problems import (
    TooManyMessages,
    TooManySockets,
    TooManyTopics,
    UnknownMessage,
    as_shop_error,
    problem,
)
from realtime.rooms import ADMIN, PUBLIC, open_room
from realtime.transport import meter_of

MOST_SOCKETS = 2000  # per process
MOST_PER_MEMBER = 100  # per process; a person with many tabs, or a family of scripts
MOST_TOPICS = 200  # per socket
_LONGEST_TOPIC = 200
_LAST_SEQ = 2**53

Answer = dict[str, Any]


class Handlers:
    """The handlers of one namespace."""

    def __init__(
        self,
        app: Flask,
        server: Server,
        namespace: str,
        connections: Connections,
        frames: Frames,
        wake: Callable[[], None],
    ) -> None:
        self._app = app
        self._server = server
        self._namespace = namespace
        self._connections = connections
        self._frames = frames
        self._wake = wake

    def install(self) -> None:
        """Register them."""
        self._server.on("connect", self.connect, namespace=self._namespace)
        self._server.on("disconnect", self.disconnect, namespace=self._namespace)
        for name, verb in (
            ("subscribe", self.subscribe),
            ("unsubscribe", self.unsubscribe),
            ("authenticate", self.authenticate),
        ):
            self._server.on(name, self._guarded(verb), namespace=self._namespace)
        self._server.on("*", self.unknown, namespace=self._namespace)

    def connect(self, sid: str, environ: dict[str, Any], credentials: Any = None) -> None:
        """Let a socket in. A refusal carries the problem document as its data."""
        tracing.set_request_id(str(new_id()))
        try:
            with self._app.app_context():
                principal = auth.by_credentials(credentials, environ)
                self._check_room_for(principal)
        except Exception as error:
            refusal = problem(as_shop_error(error))
            raise ConnectionRefusedError(refusal["title"], refusal) from None
        self._connections.add(Connection(sid, self._namespace, principal, meter_of(environ)))
        self._wake()

    def _check_room_for(self, principal: auth.Principal) -> None:
        if self._namespace == ADMIN:
            principal.caller.require(Permission.METRICS_READ)
        if len(self._connections.all()) >= MOST_SOCKETS:
            raise TooManySockets("This server holds as many sockets as it may; try again in a moment.")
        if principal.caller.signed_in and self._connections.of_user(principal.caller.user_id) >= MOST_PER_MEMBER:
            raise TooManySockets(f"A member may hold {MOST_PER_MEMBER} sockets.")

    def disconnect(self, sid: str, reason: str | None = None) -> None:
        """A socket is gone. One that stopped answering is cut, or its writer would wait for it for ever."""
        connection = self._connections.remove(sid)
        if connection is not None and reason == self._server.reason.PING_TIMEOUT:
            connection.meter.cut()

    def unknown(self, event: str, sid: str, *_: Any) -> Answer:
        """Anything else a client says."""
        return {"ok": False, "problem": problem(UnknownMessage("Say subscribe, unsubscribe or authenticate."))}

    def _guarded(self, verb: Callable[[Connection, Mapping[str, Any]], Answer]) -> Callable[..., Answer]:
        def handler(sid: str, *given: Any) -> Answer:
            tracing.set_request_id(str(new_id()))
            try:
                connection = self._connections.get(sid)
                if connection is None:
                    raise NotFound("connection")
                if not connection.budget.spend():
                    raise TooManyMessages("Send 20 messages a second at most.")
                if len(given) != 1 or not isinstance(given[0], dict):
                    raise Invalid({"message": ["Send one object."]})
                with self._app.app_context():
                    return verb(connection, given[0])
            except Exception as error:
                return {"ok": False, "problem": problem(as_shop_error(error))}

        return handler

    def subscribe(self, connection: Connection, message: Mapping[str, Any]) -> Answer:
        """`{topic, after?}`: follow a topic; with `after`, first get every event since that seq."""
        topic, after = _topic(message, {"after"}), _after(message)
        if topic not in connection.cursors and len(connection.cursors) >= MOST_TOPICS:
            raise TooManyTopics(f"One socket may follow {MOST_TOPICS} topics.")
        room, latest = open_room(self._namespace, connection.principal, topic)
        if latest is None:
            start = 0
        else:
            start = latest if after is None else min(after, latest)
        cursor = Cursor(connection, room, start)
        if not self._connections.follow(cursor):
            raise NotFound("connection")
        # Entries written since `latest` was read may have had their frames already: the first read finds them.
        self._frames.read_on(cursor)
        if room.state is not None:
            self._frames.show_state(cursor)
        return {"ok": True, "latest": latest}

    def unsubscribe(self, connection: Connection, message: Mapping[str, Any]) -> Answer:
        """`{topic}`: follow it no longer."""
        self._connections.unfollow(connection, _topic(message, set()))
        return {"ok": True}

    def authenticate(self, connection: Connection, message: Mapping[str, Any]) -> Answer:
        """`{token}`: a new access token for the open socket, of the same member."""
        errors = _unknown(message, {"token"})
        token = message.get("token")
        if not isinstance(token, str) or not token:
            errors["token"] = ["Not a token."]
        if errors:
            raise Invalid(errors)
        renewed = auth.by_token(str(token))
        present = connection.principal
        if present.caller.signed_in and present.caller.user_id != renewed.caller.user_id:
            raise Forbidden("This socket belongs to another member; open a new one.")
        if self._namespace == ADMIN:
            renewed.caller.require(Permission.METRICS_READ)
        connection.principal = replace(renewed, order_token=present.order_token)
        return {"ok": True, "expires_at": renewed.expires_at}


def install(app: Flask, server: Server, connections: Connections, frames: Frames, wake: Callable[[], None]) -> None:
    """Register the handlers of both namespaces; `wake` is called at each connection."""
    for namespace in (PUBLIC, ADMIN):
        Handlers(app, server, namespace, connections, frames, wake).install()


def _unknown(message: Mapping[str, Any], known: set[str]) -> dict[str, list[str]]:
    return {str(name): ["Unknown field."] for name in message if name not in known}


def _topic(message: Mapping[str, Any], others: set[str]) -> str:
    errors = _unknown(message, {"topic"} | others)
    topic = message.get("topic")
    if not isinstance(topic, str) or not 0 < len(topic) <= _LONGEST_TOPIC:
        errors["topic"] = ["Not a topic."]
    if errors:
        raise Invalid(errors)
    return str(topic)


def _after(message: Mapping[str, Any]) -> int | None:
    after = message.get("after")
    if after is None:
        return None
    if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < _LAST_SEQ:
        raise Invalid({"after": ["Not a seq: a whole number from 0."]})
    return after
