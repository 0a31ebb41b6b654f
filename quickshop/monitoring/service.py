"""Signs of life that processes write for one another: which queues are served, and that the relay runs."""

from __future__ import annotations

from quickshop.kernel import db


def record_canary(queue: str) -> None:
    """Note that somebody consumes this queue now."""
    db.run(
        "INSERT INTO worker_canaries (queue, seen_at) VALUES (:queue, now())"
        " ON CONFLICT (queue) DO UPDATE SET seen_at = now()",
        queue=queue,
    )


def record_relay_beat(name: str = "relay") -> None:
    """Note that the leading relay works now."""
    db.run(
        "INSERT INTO relay_beats (name, seen_at) VALUES (:name, now())"
        " ON CONFLICT (name) DO UPDATE SET seen_at = now()",
        name=name,
    )
