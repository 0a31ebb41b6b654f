"""Orders' and accounts' logs written straight and fast: row, frame and counter in one commit, as the shop does it."""

import contextlib
import json
import uuid

from quickshop.kernel.clock import now, rfc3339


class Historian:
    """Writes entries through a connection of its own."""

    def __init__(self, servers):
        self._connection = servers.connect()
        self._connection.autocommit = False

    def close(self):
        """Close the connection."""
        self._connection.close()

    def order_happens(self, order, type_="order.noted", *, size=0, frames=True):
        """One more entry of an order's log; its seq. Without `frames` the bus never hears of it."""
        return self._happens(
            "UPDATE orders SET event_seq = event_seq + 1 WHERE id = %s RETURNING event_seq",
            "INSERT INTO order_events (order_id, seq, type, at, data, request_id) VALUES (%s, %s, %s, %s, %s, %s)",
            order.id,
            f"order:{order.number}",
            type_,
            {"number": order.number, "text": "x" * size},
            frames,
        )

    def account_happens(self, user_id, type_="account.noted"):
        """One more entry of an account's log; its seq."""
        return self._happens(
            "UPDATE users SET event_seq = event_seq + 1 WHERE id = %s RETURNING event_seq",
            "INSERT INTO account_events (user_id, seq, type, at, data, request_id) VALUES (%s, %s, %s, %s, %s, %s)",
            user_id,
            f"account:{user_id}",
            type_,
            {},
            True,
        )

    def _happens(self, count, insert, owner, topic, type_, data, frames):
        at, request_id = now(), str(uuid.uuid4())
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(count, (str(owner),))
            seq = cursor.fetchone()[0]
            cursor.execute(insert, (str(owner), seq, type_, at, json.dumps(data), request_id))
            if frames:
                frame = {"topic": topic, "seq": seq, "type": type_, "at": rfc3339(at), "data": data}
                self._put([frame | {"request_id": request_id}], cursor)
        return seq

    def frame(self, topic, type_, data):
        """A frame of a topic without a log."""
        with self._connection, self._connection.cursor() as cursor:
            frame = {"topic": topic, "seq": None, "type": type_, "at": rfc3339(now()), "data": data}
            self._put([frame], cursor)

    def hint(self, name, queue, *args):
        """A task hint."""
        with self._connection, self._connection.cursor() as cursor:
            self._put([], cursor, [{"name": name, "queue": queue, "args": list(args)}])

    @staticmethod
    def _put(frames, cursor, tasks=()):
        cursor.execute(
            "INSERT INTO outbox (frames, tasks) VALUES (%s, %s)", (json.dumps(frames), json.dumps(list(tasks)))
        )


@contextlib.contextmanager
def historian(servers):
    """A Historian for a block."""
    writer = Historian(servers)
    try:
        yield writer
    finally:
        writer.close()
