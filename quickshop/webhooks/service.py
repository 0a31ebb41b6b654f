"""The verbs of webhooks that staff use: making and changing endpoints, their secrets, and sending again.

A secret is shown when it is made and never again; it stands sealed under the master key, and signs until another takes
its place, and beside that for as long as its maker said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import clock, db, facts
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.master_keys import keyring
from quickshop.kernel.outbox import TaskHint, write
from quickshop.webhooks import noting, rules, signatures
from quickshop.webhooks.errors import ChangedMeanwhile, EndpointInactive, TooManyEndpoints

MOST_ENDPOINTS = 50
MOST_HOURS_OF_TWO_SECRETS = 168
DRAIN = TaskHint("webhooks.drain", "system")
# Who makes the first endpoint, or removes the last, says whether the shop listens to facts: one at a time.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('quickshop.webhook_endpoints'))"


def secret_place(endpoint_id: UUID) -> str:
    """Where an endpoint's secrets stand sealed, the present and the previous one."""
    return f"webhook_endpoints/secret/{endpoint_id}"


def _private() -> bool:
    return settings().webhook_private_addresses


def _name(wanted: str) -> str:
    name = wanted.strip()
    if not 0 < len(name) <= rules.LONGEST_NAME or not name.isprintable():
        raise Invalid({"name": [f"A name is one line of {rules.LONGEST_NAME} characters at most."]})
    return name


def make(name: str, url: str, events: Sequence[str], by: UUID | None) -> tuple[UUID, str]:
    """A new endpoint, told of what happens from now on: its id, and its secret, which is never shown again.

    Raises Invalid, TooManyEndpoints. Writes; the caller commits.
    """
    db.run(_LOCK)
    if db.scalar("SELECT count(*) FROM webhook_endpoints") >= MOST_ENDPOINTS:
        raise TooManyEndpoints(f"A shop has {MOST_ENDPOINTS} webhooks at most.")
    endpoint_id, secret = new_id(), signatures.new_secret()
    db.run(
        "INSERT INTO webhook_endpoints (id, name, url, events, secret, created_by)"
        " VALUES (:id, :name, :url, CAST(:events AS text[]), :secret, :by)",
        id=endpoint_id,
        name=_name(name),
        url=rules.url(url, _private()),
        events=rules.patterns(events),
        secret=keyring().seal(secret, secret_place(endpoint_id)),
        by=by,
    )
    facts.listen(noting.CONSUMER, DRAIN.name, DRAIN.queue)
    return endpoint_id, secret


def _lock(endpoint_id: UUID) -> Any:
    row = db.row("SELECT * FROM webhook_endpoints WHERE id = :id FOR UPDATE", id=endpoint_id)
    if row is None:
        raise NotFound("webhook")
    return row


def change(endpoint_id: UUID, changes: Mapping[str, Any], versions: frozenset[str] | None = None) -> None:
    """Set some of name, url, events and `enabled`; enabling forgets what failed and sends what waits.

    Raises NotFound, Invalid, and ChangedMeanwhile where `versions` names none that stands. Writes; the caller commits.
    """
    row = _lock(endpoint_id)
    if versions is not None and str(row.version) not in versions:
        raise ChangedMeanwhile(row.version)
    db.run(
        "UPDATE webhook_endpoints SET name = :name, url = :url, events = CAST(:events AS text[]),"
        " version = version + 1 WHERE id = :id",
        id=endpoint_id,
        name=_name(changes["name"]) if "name" in changes else row.name,
        url=rules.url(changes["url"], _private()) if "url" in changes else row.url,
        events=rules.patterns(changes["events"]) if "events" in changes else list(row.events),
    )
    if changes.get("enabled"):
        _enable(endpoint_id)
    elif "enabled" in changes:
        db.run("UPDATE webhook_endpoints SET state = 'disabled' WHERE id = :id", id=endpoint_id)


def _enable(endpoint_id: UUID) -> None:
    """Begin anew: what waited is due at once, so that its order is kept."""
    db.run(
        "UPDATE webhook_endpoints SET state = 'active', failures = 0, failing_since = NULL, open_until = NULL"
        " WHERE id = :id",
        id=endpoint_id,
    )
    db.run(
        "UPDATE webhook_deliveries SET next_run_at = now() WHERE endpoint_id = :id AND state = 'pending'",
        id=endpoint_id,
    )
    write(tasks=[DRAIN])


def remove(endpoint_id: UUID) -> None:
    """Remove an endpoint with its deliveries. Raises NotFound. Writes; the caller commits."""
    db.run(_LOCK)
    if not db.run("DELETE FROM webhook_endpoints WHERE id = :id", id=endpoint_id).rowcount:
        raise NotFound("webhook")
    if not db.scalar("SELECT EXISTS (SELECT FROM webhook_endpoints)"):
        facts.stop_listening(noting.CONSUMER)


def rotate(endpoint_id: UUID, hours: int = 24) -> str:
    """Give an endpoint a new secret, which is never shown again; the one before signs beside it for so many hours.

    A still earlier one is worth nothing from now on. With 0 hours the one before is, too: for a secret that leaked.
    Raises NotFound, Invalid. Writes; the caller commits.
    """
    if not 0 <= hours <= MOST_HOURS_OF_TWO_SECRETS:
        raise Invalid({"hours": [f"From 0 to {MOST_HOURS_OF_TWO_SECRETS} hours."]})
    _lock(endpoint_id)
    secret = signatures.new_secret()
    db.run(
        """
        UPDATE webhook_endpoints SET version = version + 1, secret = :secret,
            previous_secret = CASE WHEN :hours > 0 THEN secret END,
            previous_until = CASE WHEN :hours > 0 THEN now() + make_interval(hours => :hours) END
        WHERE id = :id
        """,
        id=endpoint_id,
        secret=keyring().seal(secret, secret_place(endpoint_id)),
        hours=hours,
    )
    return secret


def send_test(endpoint_id: UUID) -> UUID:
    """Send an event of type webhook.test to one endpoint; its delivery's id.

    Raises NotFound, EndpointInactive. Writes; the caller commits.
    """
    if _lock(endpoint_id).state != "active":
        raise EndpointInactive
    delivery = noting.note_for(endpoint_id, rules.TEST, {"webhook": str(endpoint_id)}, clock.now())
    write(tasks=[DRAIN])
    return delivery


_REDELIVER = """
UPDATE webhook_deliveries d SET state = 'pending', attempts = 0, next_run_at = now(), ended_at = NULL
FROM webhook_endpoints e WHERE d.id = :id AND e.id = d.endpoint_id
RETURNING e.id, e.state
"""


def redeliver(delivery_id: UUID) -> None:
    """Send a delivery again, whatever became of it, with all its tries before it; the event keeps its id.

    Raises NotFound, EndpointInactive. Writes; the caller commits.
    """
    row = db.row(_REDELIVER, id=delivery_id)
    if row is None:
        raise NotFound("delivery")
    if row.state != "active":
        raise EndpointInactive
    write(tasks=[DRAIN])


def recover(endpoint_id: UUID, after: int) -> int:
    """Send an endpoint every event behind `after` that it wants and has not taken; how many are sent.

    Those that were noted while it was disabled are among them, and those given up. Raises NotFound, EndpointInactive.
    Writes; the caller commits.
    """
    row = _lock(endpoint_id)
    if row.state != "active":
        raise EndpointInactive
    sent = db.run(
        f"""
        INSERT INTO webhook_deliveries AS d (id, endpoint_id, event_seq)
        SELECT gen_random_uuid(), e.id, ev.seq FROM webhook_endpoints e JOIN webhook_events ev ON {noting.WANTED}
        WHERE e.id = :id AND ev.seq > :after ORDER BY ev.seq
        ON CONFLICT (endpoint_id, event_seq) DO UPDATE
            SET state = 'pending', attempts = 0, next_run_at = now(), ended_at = NULL WHERE d.state = 'given_up'
        """,
        id=endpoint_id,
        after=after,
    ).rowcount
    write(tasks=[DRAIN])
    return sent


def reseal() -> int:
    """Seal anew what stands under an older master key; how many endpoints' secrets. Writes; the caller commits."""
    keys = keyring()
    found = db.rows("SELECT id, secret, previous_secret FROM webhook_endpoints ORDER BY id FOR UPDATE")
    old = [r for r in found if {keys.key_id_of(s) for s in _sealed(r)} != {keys.current}]
    for row in old:
        place = secret_place(row.id)
        anew = [keys.seal(keys.unseal(value, place), place) for value in _sealed(row)]
        db.run(
            "UPDATE webhook_endpoints SET secret = :secret, previous_secret = :previous WHERE id = :id",
            id=row.id,
            secret=anew[0],
            previous=anew[1] if len(anew) > 1 else None,
        )
    return len(old)


def in_use() -> dict[str, int]:
    """How many secrets stand under each master key."""
    counted: dict[str, int] = {}
    for row in db.rows("SELECT secret, previous_secret FROM webhook_endpoints"):
        for value in _sealed(row):
            key_id = keyring().key_id_of(value)
            counted[key_id] = counted.get(key_id, 0) + 1
    return counted


def _sealed(row: Any) -> list[bytes]:
    return [value for value in (row.secret, row.previous_secret) if value is not None]
