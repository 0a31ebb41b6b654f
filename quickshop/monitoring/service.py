"""Signs of life that processes write for one another: which queues are served, and that the relay runs."""

from __future__ import annotations

from quickshop.kernel import db

_CANARY = (
    "INSERT INTO worker_canaries (queue, seen_at) VALUES (:queue, now())"
    " ON CONFLICT (queue) DO UPDATE SET seen_at = now()"
)


def record_canary(queue: str) -> None:
    """Note that somebody consumes this queue now."""
    db.run(_CANARY, queue=queue)


def record_canary_aside(queue: str) -> None:
    """The same in the middle of a long unit of work, so that whoever does it is not taken for dead."""
    db.run_aside(_CANARY, queue=queue)


def record_relay_beat(name: str = "relay") -> None:
    """Note that the leading relay works now."""
    db.run(
        "INSERT INTO relay_beats (name, seen_at) VALUES (:name, now())"
        " ON CONFLICT (name) DO UPDATE SET seen_at = now()",
        name=name,
    )
