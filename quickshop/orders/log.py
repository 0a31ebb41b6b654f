"""The order's log and the one statement that moves an order: state, log, live frames and hints change together.

Sequence numbers are allocated under the order's row lock, the account's under the user's, so both count
1, 2, 3 … without a gap. Nothing else writes an order's status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import clock, db
from quickshop.kernel.errors import Conflict
from quickshop.kernel.events import Fact
from quickshop.kernel.facts import WAKES
from quickshop.kernel.outbox import TaskHint, dump
from quickshop.orders.states import FULFILMENT_STATUS, PAYMENT_STATUS, STATUS

# Who listens to all facts gets those of the order, and a hint: where nobody does, nothing is written for them.
# Follows a CTE `o (id, number, user_id, event_seq, currency)`: the order whose event_seq has already been raised by :n.
TAIL = (
    """
, f AS (
    SELECT * FROM jsonb_to_recordset(CAST(:facts AS jsonb)) AS x (k int, type text, data jsonb, consumers jsonb)
), u AS (
    UPDATE users SET event_seq = users.event_seq + :n, order_count = order_count + :orders,
                     spent_minor = greatest(0, spent_minor + CASE WHEN o.currency = :base THEN :spent ELSE 0 END),
                     spent = CASE WHEN :spent = 0 THEN spent ELSE spent || jsonb_build_object(o.currency,
                         greatest(0, coalesce(CAST(spent ->> o.currency AS bigint), 0) + :spent)) END
    FROM o WHERE users.id = o.user_id AND users.erased_at IS NULL RETURNING users.id, users.event_seq
), entries AS (
    SELECT f.k, f.type, f.consumers, f.data || jsonb_build_object('number', o.number) AS data, o.id AS order_id,
           o.number, o.event_seq - :n + f.k AS seq, u.id AS user_id, u.event_seq - :n + f.k AS account_seq
    FROM o CROSS JOIN f LEFT JOIN u ON true
), e AS (
    INSERT INTO order_events (order_id, seq, type, at, data, request_id)
    SELECT order_id, seq, type, :at, data, :request_id FROM entries
), a AS (
    INSERT INTO account_events (user_id, seq, type, at, data, request_id)
    SELECT user_id, account_seq, type, :at, data, :request_id FROM entries WHERE user_id IS NOT NULL
), c AS (
    INSERT INTO pending_facts (consumer, type, data)
    SELECT taker, type, jsonb_build_object('order_id', order_id, 'seq', seq)
    FROM entries CROSS JOIN LATERAL (
        SELECT jsonb_array_elements_text(consumers) UNION ALL SELECT consumer FROM fact_listeners
    ) AS t (taker) ORDER BY k
), frames AS (
    SELECT k, 1 AS part, 'order:' || number AS topic, seq, type, data FROM entries
    UNION ALL
    SELECT k, 2, 'account:' || user_id, account_seq, type, data FROM entries WHERE user_id IS NOT NULL
), b AS (
    INSERT INTO outbox (frames, tasks)
    SELECT jsonb_agg(jsonb_build_object('topic', topic, 'seq', seq, 'type', type, 'at', CAST(:at_text AS text),
                     'data', data, 'request_id', CAST(:request_id AS text)) ORDER BY k, part),
           CAST(:tasks AS jsonb) || """
    + WAKES
    + """
    FROM frames HAVING count(*) > 0
)
SELECT o.id, o.number, o.event_seq FROM o
"""
)

NOTIFY = TaskHint("notifications.drain", "notify")


class Overtaken(Conflict):
    """Somebody else moved the order, or owns the step: this write hits no row and all of its unit is undone."""

    code, title = "order_changed", "The order has changed meanwhile"


@dataclass(frozen=True)
class Move:
    """A change of an order: from which states, to which, and what the log says of it."""

    was: tuple[str, str]  # status, payment_status the order must have
    status: str
    payment_status: str
    facts: Sequence[Fact]
    hold_reason: str | None = None
    failure_code: str | None = None
    next_action: Mapping[str, Any] | None = None
    confirmed: bool = False
    tasks: Sequence[TaskHint] = ()
    # Added to the member's lifetime spend in the order's currency and their count of orders: at the confirmation; taken
    # off when it is undone.
    spent_minor: int = 0
    orders: int = 0
    goods: Goods | None = None


@dataclass(frozen=True)
class Goods:
    """What becomes of an order's goods: from which fulfilment status to which, whether any of it is packed, and when
    the whole is expected by now (None: as it was).
    """

    was: str
    status: str
    packed: bool = True
    expected: tuple[date, date] | None = None


@dataclass(frozen=True)
class StepChange:
    """What becomes of the processing row. `lease` is the fence: with another token nothing is written.

    Another step than before ends a stage, of which `outcome` tells; `stopped` says why a person has to act from now on.
    """

    lease: UUID
    step: str
    lease_seconds: int | None = None  # None gives the step back
    run_in_seconds: float = 0.0
    reset_attempts: bool = True
    error: str | None = None
    outcome: str = "passed"
    stopped: str | None = None


_MOST_RETRIES_TOLD = 20

# The row as it was, which a stage that ends is written from.
WAS = """
WITH was AS (
    SELECT order_id, step, position, entered_at, taken_at, tries, retries, clock_timestamp() AS moment
    FROM order_processing WHERE {which} FOR UPDATE
)"""
# Follows a CTE `p (order_id, step)`: the row as it is now.
PASSED = """, passed AS (
    INSERT INTO order_stages (order_id, position, stage, entered_at, started_at, ended_at, attempts, outcome, error,
        retries)
    SELECT was.order_id, was.position, was.step, was.entered_at, was.taken_at, was.moment, was.tries, :outcome,
        :error, was.retries
    FROM was JOIN p USING (order_id) WHERE was.step NOT IN ('done', p.step)
)"""

_STEP = (
    WAS.format(which="order_id = :id AND lease_token = :lease")
    + """, p AS (
    UPDATE order_processing t SET step = :step,
        attempt = CASE WHEN :reset_attempts THEN 0 ELSE attempt END,
        lease_token = CASE WHEN CAST(:lease_seconds AS int) IS NULL THEN NULL ELSE lease_token END,
        lease_until = now() + make_interval(secs => CAST(:lease_seconds AS int)),
        next_run_at = CASE WHEN :step = 'done' THEN NULL ELSE now() + make_interval(secs => :run_in) END,
        ended_at = CASE WHEN :step = 'done' THEN clock_timestamp() END,
        last_error = :error,
        position = CASE WHEN t.step = :step THEN t.position ELSE t.position + 1 END,
        entered_at = CASE WHEN t.step = :step THEN t.entered_at ELSE clock_timestamp() END,
        taken_at = CASE WHEN t.step = :step THEN t.taken_at
            WHEN CAST(:lease_seconds AS int) IS NOT NULL THEN clock_timestamp() END,
        tries = CASE WHEN t.step = :step THEN t.tries WHEN CAST(:lease_seconds AS int) IS NULL THEN 0 ELSE 1 END,
        retries = CASE WHEN t.step <> :step THEN '[]'
            WHEN CAST(:error AS text) IS NULL OR jsonb_array_length(t.retries) >= :most_told THEN t.retries
            ELSE t.retries || jsonb_build_object('at', clock_timestamp(), 'error', CAST(:error AS text)) END,
        stopped_at = CASE WHEN CAST(:stopped AS text) IS NULL THEN stopped_at
            ELSE coalesce(stopped_at, clock_timestamp()) END,
        stopped_why = coalesce(:stopped, stopped_why)
    FROM was WHERE t.order_id = was.order_id AND t.lease_token = :lease
    RETURNING t.order_id, t.step
)"""
    + PASSED
)

_MOVE = """ o AS (
    UPDATE orders SET status = :status, payment_status = :payment_status, hold_reason = :hold_reason,
        failure_code = :failure_code, next_action = CAST(:next_action AS jsonb),
        confirmed_at = CASE WHEN :confirmed THEN :at ELSE confirmed_at END, event_seq = event_seq + :n{goods}
    WHERE id = {which} AND status = :was_status AND payment_status = :was_payment_status{still}
    RETURNING id, number, user_id, event_seq, currency
)"""

_GOODS = """,
        fulfilment_status = :fulfilment_status, packing_at = CASE WHEN :packed THEN coalesce(packing_at, :at) END,
        delivered_at = CASE WHEN :arrived THEN coalesce(delivered_at, :at) END,
        expected_from = coalesce(CAST(:expected_from AS date), expected_from),
        expected_to = coalesce(CAST(:expected_to AS date), expected_to)"""

_FREE = "WITH" + _MOVE.format(which=":id", goods="", still="") + TAIL
_FENCED = _STEP + "," + _MOVE.format(which="(SELECT order_id FROM p)", goods="", still="") + TAIL
_OF_GOODS = (
    "WITH" + _MOVE.format(which=":id", goods=_GOODS, still=" AND fulfilment_status = :was_fulfilment_status") + TAIL
)
_ARRIVED = ("delivered", "partially_returned", "returned")


def tail_params(
    facts: Sequence[Fact],
    at: datetime,
    request_id: str | None,
    tasks: Sequence[TaskHint],
    spent_minor: int = 0,
    orders: int = 0,
) -> dict[str, Any]:
    """The parameters of TAIL."""
    wakes = [*tasks, NOTIFY] if any("notifications" in f.consumers for f in facts) else list(tasks)
    return {
        "facts": dump(
            [
                {"k": k, "type": f.type, "data": dict(f.data), "consumers": list(f.consumers)}
                for k, f in enumerate(facts, 1)
            ]
        ),
        "n": len(facts),
        "at": at,
        "at_text": clock.rfc3339(at),
        "request_id": request_id,
        "tasks": dump([t.as_dict() for t in wakes]),
        "orders": orders,
        "spent": spent_minor,
        "base": settings().base_currency,
    }


def now_in_log() -> datetime:
    """The present moment as the log keeps it: to the millisecond, so that frames and REST agree."""
    moment = clock.now()
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def move(order_id: UUID, change: Move, *, request_id: str | None, step: StepChange | None = None) -> int:
    """Move an order and write its log; the new last seq.

    Raises WrongState for a move that is not in the tables, Overtaken where the order is not in the expected
    state or the step belongs to somebody else.
    """
    was_status, was_payment = change.was
    if change.status != was_status:
        STATUS.check(was_status, change.status)
    if change.payment_status != was_payment:
        PAYMENT_STATUS.check(was_payment, change.payment_status)
    if change.goods is not None and change.goods.status != change.goods.was:
        FULFILMENT_STATUS.check(change.goods.was, change.goods.status)
    params = {
        "id": order_id,
        "status": change.status,
        "payment_status": change.payment_status,
        "was_status": was_status,
        "was_payment_status": was_payment,
        "hold_reason": change.hold_reason,
        "failure_code": change.failure_code,
        "next_action": dump(dict(change.next_action)) if change.next_action else None,
        "confirmed": change.confirmed,
        **tail_params(change.facts, now_in_log(), request_id, change.tasks, change.spent_minor, change.orders),
    }
    sql = _FREE
    if step is not None:
        sql, params = _FENCED, params | _step_params(step)
    elif change.goods is not None:
        sql, params = _OF_GOODS, params | _goods_params(change.goods)
    moved = db.row(sql, **params)
    if moved is None:
        raise Overtaken("The order has changed meanwhile.")
    return int(moved.event_seq)


def _goods_params(goods: Goods) -> dict[str, Any]:
    first, last = goods.expected or (None, None)
    return {
        "was_fulfilment_status": goods.was,
        "fulfilment_status": goods.status,
        "packed": goods.packed,
        "arrived": goods.status in _ARRIVED,
        "expected_from": first,
        "expected_to": last,
    }


_TELL = """
WITH o AS (
    UPDATE orders SET event_seq = event_seq + :n WHERE id = :id RETURNING id, number, user_id, event_seq, currency
)"""


def tell(order_id: UUID, *facts: Fact, request_id: str | None = None) -> None:
    """Write facts into an order's log that leave the order as it is; the caller holds its lock. Costs no round trip."""
    db.run_along(_TELL + TAIL, id=order_id, **tail_params(facts, now_in_log(), request_id, ()))


def change_step(order_id: UUID, step: StepChange) -> None:
    """Change only the processing row. Raises Overtaken where the step belongs to somebody else."""
    done = db.row(_STEP + " SELECT order_id FROM p", id=order_id, **_step_params(step))
    if done is None:
        raise Overtaken("This step belongs to another worker.")


def _step_params(step: StepChange) -> dict[str, Any]:
    return {
        "lease": step.lease,
        "step": step.step,
        "lease_seconds": step.lease_seconds,
        "run_in": step.run_in_seconds,
        "reset_attempts": step.reset_attempts,
        "error": step.error,
        "outcome": step.outcome,
        "stopped": step.stopped,
        "most_told": _MOST_RETRIES_TOLD,
    }
