"""The account's own log: facts in order, each with the next `seq`, and the live frames that tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from quickshop.accounts.errors import SessionEnded
from quickshop.kernel import db, tracing
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.events import Fact, entry
from quickshop.kernel.outbox import TaskHint, dump, write
from quickshop.security import audit


def topic(user_id: UUID) -> str:
    """The frames' topic in the outbox; a client sees and asks for it as `account`."""
    return f"account:{user_id}"


# What these facts tell of guards an account, so it stands in the audit log, too: here and nowhere else.
AUDITED = (
    "account.password_",
    "account.email_change",
    "account.two_factor_",
    "account.recovery_codes_",
    "account.passkey_",
    "account.session_revoked",
    "account.sessions_revoked",
    "account.role_",
    "account.api_key_",
    "account.disabled",
    "account.enabled",
)


def _audit(user_id: UUID, fact: Fact) -> None:
    """Note a fact as the audit log names things: "account.passkey_added" is the action "passkey.added"."""
    noun, _, happened = fact.type.removeprefix("account.").rpartition("_")
    outcome: audit.Outcome = "denied" if happened == "refused" else "done"
    audit.record(f"{noun or 'account'}.{happened}", target=f"user:{user_id}", outcome=outcome, data=dict(fact.data))


def append(user_id: UUID, facts: Sequence[Fact], tasks: Sequence[TaskHint] = ()) -> int:
    """Write facts to the log and their frames (with `tasks`) to the outbox; returns the last seq.

    Takes the user's row lock, which keeps `seq` without gaps. Facts that guard the account go into the audit log, too.
    Raises SessionEnded for an account that was erased meanwhile, so that nothing else of the same unit is kept either.
    """
    for fact in facts:
        if fact.type.startswith(AUDITED):
            _audit(user_id, fact)
    at, request_id = now(), tracing.request_id()
    last = db.scalar(
        "UPDATE users SET event_seq = event_seq + :n WHERE id = :id AND erased_at IS NULL RETURNING event_seq",
        n=len(facts),
        id=user_id,
    )
    if last is None:
        raise SessionEnded
    entries = [
        entry(last - len(facts) + number, fact.type, at, fact.data, request_id)
        for number, fact in enumerate(facts, start=1)
    ]
    db.run_many(
        "INSERT INTO account_events (user_id, seq, type, at, data, request_id)"
        " VALUES (:user, :seq, :type, :at, CAST(:data AS jsonb), :request_id)",
        [
            {
                "user": user_id,
                "seq": e["seq"],
                "type": e["type"],
                "at": at,
                "data": dump(e["data"]),
                "request_id": request_id,
            }
            for e in entries
        ],
    )
    write([{"topic": topic(user_id), **e} for e in entries], tasks)
    return int(last)


_EACH = """
WITH f AS (
    SELECT * FROM jsonb_to_recordset(CAST(:facts AS jsonb)) AS x (k int, user_id uuid, type text, data jsonb)
), n AS (
    SELECT user_id, count(*) AS n FROM f GROUP BY user_id
), u AS (
    UPDATE users SET event_seq = event_seq + n.n FROM n WHERE users.id = n.user_id AND users.erased_at IS NULL
    RETURNING users.id, users.event_seq - n.n AS before
), entries AS (
    SELECT f.*, u.before + row_number() OVER (PARTITION BY f.user_id ORDER BY f.k) AS seq
    FROM f JOIN u ON u.id = f.user_id
), a AS (
    INSERT INTO account_events (user_id, seq, type, at, data, request_id)
    SELECT user_id, seq, type, :at, data, :request_id FROM entries
)
INSERT INTO outbox (frames, tasks)
SELECT jsonb_agg(jsonb_build_object('topic', 'account:' || user_id, 'seq', seq, 'type', type,
                 'at', CAST(:at_text AS text), 'data', data, 'request_id', CAST(:request_id AS text)) ORDER BY k), '[]'
FROM entries HAVING count(*) > 0
"""


def append_each(facts: Sequence[tuple[UUID, Fact]]) -> None:
    """Write facts of many users to their logs, and their frames to the outbox, in one statement.

    For facts that guard nothing: the audit log has none of them. Who was erased meanwhile is passed over.
    """
    if not facts:
        return
    at = now()
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    db.run(
        _EACH,
        facts=dump(
            [{"k": k, "user_id": str(u), "type": f.type, "data": dict(f.data)} for k, (u, f) in enumerate(facts, 1)]
        ),
        at=at,
        at_text=rfc3339(at),
        request_id=tracing.request_id(),
    )


def read(user_id: UUID, after: int, limit: int) -> list[dict[str, Any]]:
    """Entries with a greater seq than `after`, in order."""
    found = db.rows(
        "SELECT seq, type, at, data, request_id FROM account_events"
        " WHERE user_id = :user AND seq > :after ORDER BY seq LIMIT :limit",
        user=user_id,
        after=after,
        limit=limit,
    )
    return [entry(r.seq, r.type, r.at, r.data, r.request_id) for r in found]


def latest(user_id: UUID) -> int:
    """The seq of the last entry, 0 for none."""
    return int(db.scalar("SELECT event_seq FROM users WHERE id = :id", id=user_id) or 0)
