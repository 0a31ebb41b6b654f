"""Sending deliveries that are due, and what follows from the answers: done, tried again, given up, breaker open.

An endpoint is claimed for a short while and sent to in the order of events, outside of any transaction, by a thread of
its own: one that hangs holds up nobody else. The first failure ends a batch, so that what follows is not sent into the
same trouble. What a dying worker had claimed is due again when the claim runs out, so a message may come twice.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import clock, db, facts
from quickshop.kernel.ids import new_id
from quickshop.kernel.master_keys import keyring
from quickshop.kernel.outbox import TaskHint, write
from quickshop.kernel.unit_of_work import run_unit
from quickshop.security import audit
from quickshop.webhooks import noting, rules, signatures, wire
from quickshop.webhooks.service import secret_place

log = logging.getLogger(__name__)

GIVEN_UP = "webhook.endpoint_given_up"
NOTED_AT_ONCE = 500
MOST_AT_ONCE = 16  # endpoints that are sent to at the same moment, by all workers
BATCH = 20  # deliveries of one endpoint until others have their turn
BEGUN_WITHIN = 10.0  # seconds in which a batch still begins another delivery
LEASE_SECONDS = 60
TURN_SECONDS = 15.0  # a task takes no endpoint after that
LONGEST_SECONDS = TURN_SECONDS + BEGUN_WITHIN + wire.TOTAL_SECONDS + 3.0  # all has ended by then, unless it hangs
_NOTIFY = TaskHint("notifications.drain", "notify")


class Post(Protocol):
    """How a message is sent (`wire.post`)."""

    def __call__(self, url: str, body: bytes, headers: dict[str, str], *, private: bool) -> int: ...


@dataclass(frozen=True)
class Message:
    """A delivery to make: the event as it is sent, and how often it was tried in this run."""

    delivery_id: UUID
    event_id: UUID
    body: bytes
    attempts: int


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt: a status, or the word for why there is none."""

    message: Message
    at: datetime
    milliseconds: int
    status: int | None
    error: str | None

    @property
    def delivered(self) -> bool:
        """Whether the endpoint has taken it."""
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Turn:
    """An endpoint claimed, with what is sent to it now and what became of that so far."""

    endpoint_id: UUID
    lease: UUID
    url: str
    secrets: Sequence[str] = field(repr=False)
    messages: Sequence[Message]
    outcomes: list[Outcome] = field(default_factory=list)


# The one that has waited longest first. Who is claimed already counts against what may be sent to at the same moment.
_CLAIM = """
WITH due AS (
    SELECT e.id FROM webhook_endpoints e
    CROSS JOIN LATERAL (SELECT min(d.next_run_at) AS first_at FROM webhook_deliveries d
                        WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_run_at <= now()) d
    WHERE e.state = 'active' AND (e.lease_until IS NULL OR e.lease_until < now())
      AND (e.open_until IS NULL OR e.open_until <= now()) AND d.first_at IS NOT NULL
    ORDER BY d.first_at
    LIMIT greatest(0, :most - (SELECT count(*) FROM webhook_endpoints WHERE lease_until >= now()))
    FOR UPDATE OF e SKIP LOCKED
)
UPDATE webhook_endpoints e SET lease_token = :lease, lease_until = now() + make_interval(secs => :seconds)
FROM due WHERE e.id = due.id
RETURNING e.id, e.lease_token, e.url, e.secret,
    CASE WHEN e.previous_until > now() THEN e.previous_secret END AS previous, e.failures
"""

_DUE = """
SELECT d.id, d.attempts, ev.id AS event_id, ev.seq, ev.type, ev.at, ev.data
FROM webhook_deliveries d JOIN webhook_events ev ON ev.seq = d.event_seq
WHERE d.endpoint_id = :id AND d.state = 'pending' AND d.next_run_at <= now() ORDER BY ev.seq LIMIT :limit
"""


def drain(post: Post = wire.post) -> int:
    """Make events of all facts that wait and send all that is due; how many messages were taken.

    Safe to run in parallel, and at any time.
    """
    while run_unit(lambda: noting.note(NOTED_AT_ONCE)) == NOTED_AT_ONCE:
        pass
    return deliver_due(post)


def deliver_due(post: Post = wire.post) -> int:
    """Send what is due, several endpoints at the same time; how many messages were taken."""
    ended: queue.SimpleQueue[Turn] = queue.SimpleQueue()
    going: dict[UUID, Turn] = {}
    delivered, began = 0, time.monotonic()
    private = settings().webhook_private_addresses
    while True:
        if time.monotonic() - began < TURN_SECONDS:
            for turn in run_unit(_claim):
                going[turn.endpoint_id] = turn
                _start(lambda turn=turn: _send(turn, post, private), turn, ended)  # type: ignore[misc]
        if not going:
            return delivered
        try:
            turn = ended.get(timeout=max(0.0, began + LONGEST_SECONDS - time.monotonic()))
        except queue.Empty:
            turn = _abandoned(next(iter(going.values())))
        del going[turn.endpoint_id]
        run_unit(lambda turn=turn: _record(turn))  # type: ignore[misc]
        delivered += sum(outcome.delivered for outcome in turn.outcomes)


def _abandoned(turn: Turn) -> Turn:
    """A turn whose thread is not waited for any more, as the looking up of its name hangs, which nothing can bound."""
    outcomes = list(turn.outcomes)
    if len(outcomes) < len(turn.messages):
        outcomes.append(
            Outcome(turn.messages[len(outcomes)], clock.now(), int(wire.TOTAL_SECONDS * 1000), None, "timeout")
        )
    return replace(turn, outcomes=outcomes)


def _claim() -> list[Turn]:
    """Endpoints that are due, with a batch each; only one delivery while an endpoint's breaker tries it."""
    turns = []
    for row in db.rows(_CLAIM, lease=new_id(), seconds=float(LEASE_SECONDS), most=MOST_AT_ONCE):
        place = secret_place(row.id)
        secrets = [keyring().unseal(value, place) for value in (row.secret, row.previous) if value is not None]
        probing = row.failures >= rules.OPENS_AFTER
        due = db.rows(_DUE, id=row.id, limit=1 if probing else BATCH)
        messages = [
            Message(d.id, d.event_id, rules.body(d.event_id, d.seq, d.type, d.at, d.data), d.attempts) for d in due
        ]
        turns.append(Turn(row.id, row.lease_token, row.url, secrets, messages))
    return turns


def _start(work: Callable[[], None], turn: Turn, ended: queue.SimpleQueue[Turn]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            ended.put(turn)

    threading.Thread(target=run, name="webhook", daemon=True).start()


def _send(turn: Turn, post: Post, private: bool) -> None:
    """Send a batch until one is refused, or its time is over."""
    began = time.monotonic()
    for message in turn.messages:
        outcome = _attempt(turn, message, post, private)
        turn.outcomes.append(outcome)
        if not outcome.delivered or time.monotonic() - began > BEGUN_WITHIN:
            return


def _attempt(turn: Turn, message: Message, post: Post, private: bool) -> Outcome:
    at, began = clock.now(), time.monotonic()
    signed = signatures.headers(str(message.event_id), int(at.timestamp()), message.body, turn.secrets)
    status, error = None, None
    try:
        status = post(turn.url, message.body, {**signed, "Content-Type": "application/json"}, private=private)
        error = "redirect" if 300 <= status < 400 else None
    except wire.NotSent as silence:
        error = silence.code
    except Exception:
        log.exception("sending a webhook failed by a fault of ours")
        error = "fault"
    return Outcome(message, at, int((time.monotonic() - began) * 1000), status, error)


_KEEP = """
WITH d AS (
    UPDATE webhook_deliveries SET attempts = attempts + 1, state = :state,
        next_run_at = CASE WHEN :state = 'pending' THEN now() + make_interval(secs => :pause) END,
        ended_at = CASE WHEN :state <> 'pending' THEN clock_timestamp() END
    WHERE id = :id AND state = 'pending' RETURNING id
)
INSERT INTO webhook_attempts (delivery_id, at, status, error, milliseconds)
SELECT id, :at, CAST(:status AS smallint), CAST(:error AS text), :milliseconds FROM d
"""


def _record(turn: Turn) -> None:
    """Keep what became of a turn and give the endpoint back."""
    for outcome in turn.outcomes:
        pause = None if outcome.delivered else rules.pause_after(outcome.message.attempts + 1)
        db.run(
            _KEEP,
            id=outcome.message.delivery_id,
            state="delivered" if outcome.delivered else "given_up" if pause is None else "pending",
            pause=(pause or 0) * random.uniform(0.9, 1.1),
            at=outcome.at,
            status=outcome.status,
            error=outcome.error,
            milliseconds=outcome.milliseconds,
        )
    _give_back(turn)


_GIVE_BACK = """
UPDATE webhook_endpoints SET lease_token = NULL, lease_until = NULL,
    failures = CASE WHEN :failed THEN CASE WHEN :taken THEN 1 ELSE failures + 1 END
                    WHEN :taken THEN 0 ELSE failures END,
    failing_since = CASE WHEN :failed THEN CASE WHEN :taken THEN now() ELSE coalesce(failing_since, now()) END
                         WHEN NOT :taken THEN failing_since END,
    open_until = CASE WHEN NOT :failed AND NOT :taken THEN open_until END
WHERE id = :id AND lease_token = :lease
RETURNING id, name, state, failures, failing_since < now() - make_interval(secs => :long) AS long
"""


def _give_back(turn: Turn) -> None:
    """Note how the endpoint fares: a success forgets all failures before it, a failure ends a batch."""
    last = turn.outcomes[-1] if turn.outcomes else None
    row = db.row(
        _GIVE_BACK,
        id=turn.endpoint_id,
        lease=turn.lease,
        failed=last is not None and not last.delivered,
        taken=any(outcome.delivered for outcome in turn.outcomes),
        long=float(rules.GIVES_UP_AFTER_SECONDS),
    )
    if row is None or last is None or last.delivered:
        return
    if row.state == "active" and (last.status == rules.GONE or (row.failures >= rules.OPENS_AFTER and row.long)):
        _give_up(row, last)
        return
    db.run(
        "UPDATE webhook_endpoints SET open_until = now() + make_interval(secs => :pause) WHERE id = :id",
        id=row.id,
        pause=rules.breaker_pause(row.failures) * random.uniform(0.9, 1.1),
    )


def _give_up(row: Any, last: Outcome) -> None:
    """Send nothing more to an endpoint that has failed for long, or asked for it, and have staff told."""
    db.run("UPDATE webhook_endpoints SET state = 'given_up', version = version + 1 WHERE id = :id", id=row.id)
    why = {"failures": row.failures, "status": last.status, "error": last.error}
    audit.record("webhook.given_up", target=f"webhook:{row.id}", outcome="failed", data=why, chain="staff")
    facts.leave("notifications", GIVEN_UP, {"webhook_id": str(row.id), "items": [row.name], **why})
    write(tasks=[_NOTIFY])
