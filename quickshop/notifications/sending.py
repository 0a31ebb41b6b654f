"""Sends what is due, channel by channel. To one person nothing overtakes anything that came before it.

A delivery is claimed and committed before it is sent; what fails is tried again with growing pauses. A channel whose
outside world is away is left alone for a while as a whole, and no message of it counts as tried: a mail server that is
dead for days delays, and loses nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from quickshop.accounts.devices import place as device_place
from quickshop.accounts.people import PersonKey, person_key
from quickshop.accounts.quiet import CHANNELS as WAKING
from quickshop.accounts.quiet import quiet_until
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications import unsubscribing
from quickshop.notifications.channels.port import Answer, Away, Channel, Message
from quickshop.notifications.channels.registry import OUTBOUND, carrier
from quickshop.notifications.rendering import render
from quickshop.notifications.taking import sealed_place
from quickshop.orders.viewers import order_token

BATCH = 100
MOST_ATTEMPTS = 40  # with pauses of up to an hour: more than a day of an address that takes nothing
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3600.0
FIRST_CHANNEL_PAUSE, LONGEST_CHANNEL_PAUSE = 5.0, 300.0
LEASE_SECONDS = 120  # longer than a task may run: nobody sends what somebody else has in hand
MOST_SECONDS = 20.0  # that one claim is worked on; what is left then is given back
RECORD_SECONDS = 1.0  # what was accepted is written so often: no more would be sent twice after a death


class _NobodyLeft(Exception):
    """There is nobody, or no device, that the message could go to; the message says why."""


@dataclass(frozen=True)
class _Outcome:
    """A delivery and its answer; None where nothing was tried."""

    delivery: Any
    answer: Answer | None


# Only the first of a person's messages over a channel may go: the rest waits for its turn, whatever becomes of it.
# `|| ''` keeps the planner from looking through a whole channel for one person when it does not know of a backlog yet.
_CLAIM = """
WITH due AS (
    SELECT d.id FROM deliveries d
    WHERE d.state = 'pending' AND d.channel = :channel AND d.next_run_at <= :now
      AND NOT EXISTS (SELECT FROM channel_pauses p WHERE p.channel = :channel AND p.try_at > :now)
      AND NOT EXISTS (
        SELECT FROM deliveries e WHERE e.person_id = d.person_id AND e.channel || '' = d.channel
          AND e.device = d.device AND e.state = 'pending' AND (e.happened_at, e.id) < (d.happened_at, d.id))
    ORDER BY d.happened_at, d.id LIMIT :limit FOR UPDATE OF d SKIP LOCKED
), claimed AS (
    UPDATE deliveries d SET attempts = attempts + 1, next_run_at = :until FROM due WHERE d.id = due.id
    RETURNING d.id, d.fact_key, d.channel, d.device, d.kind, d.sealed, d.context, d.locale, d.attempts, d.person_id,
              d.happened_at
)
SELECT c.*, per.key_id, per.wrapped_key, u.id AS user_id, q.begins, q.ends, q.timezone, pd.token
FROM claimed c JOIN persons per ON per.id = c.person_id
LEFT JOIN users u ON u.person_id = c.person_id
LEFT JOIN quiet_hours q ON q.user_id = u.id
LEFT JOIN push_devices pd ON c.channel = 'push' AND pd.user_id = u.id AND pd.token_index = c.device
ORDER BY c.happened_at, c.id
"""


def deliver_due() -> int:
    """Send every delivery that is due, in order; how many were accepted. Safe to run in parallel."""
    return sum(_serve(channel) for channel in OUTBOUND)


def _serve(channel: str) -> int:
    sent = 0
    while True:
        due = run_unit(lambda: _claim(channel))
        if not due:
            return sent
        accepted, away = _send(carrier(channel), due)
        sent += accepted
        if away is not None:
            run_unit(lambda reason=away: _pause(channel, reason))  # type: ignore[misc]
            return sent


def _claim(channel: str) -> list[Any]:
    at = now()
    until = at + timedelta(seconds=LEASE_SECONDS)
    return db.rows(_CLAIM, channel=channel, now=at, until=until, limit=BATCH)


def _send(channel: Channel, due: Sequence[Any]) -> tuple[int, str | None]:
    """Send a claim; how many were accepted, and why the channel is away, if it is."""
    at = now()
    awake, outcomes = [], []
    for delivery in due:
        later = _later(delivery, at)
        if later is not None:
            outcomes.append((delivery, later))
        else:
            awake.append(delivery)
    ready, gone = _composed(awake)
    run_unit(lambda: _put_off(outcomes, gone))
    accepted, away = 0, None
    for some in _carried(channel, ready):
        away = next((o for o in some if isinstance(o, Away)), None)
        kept = [o for o in some if isinstance(o, _Outcome)]
        run_unit(lambda kept=kept, why=away and away.reason: _record(kept, why))  # type: ignore[misc]
        accepted += sum(1 for o in kept if o.answer is not None and o.answer.error is None)
    return accepted, away.reason if away else None


def _later(delivery: Any, at: datetime) -> datetime | None:
    """When a message that would wake somebody may go, where that is not now."""
    if delivery.channel not in WAKING or delivery.timezone is None:
        return None
    return quiet_until(at, delivery.begins, delivery.ends, delivery.timezone)


def _composed(due: Sequence[Any]) -> tuple[list[tuple[Any, Message]], list[tuple[Any, str]]]:
    """Deliveries with their messages, and those that nobody is left to get, each with the reason."""
    ready, gone = [], []
    for delivery in due:
        try:
            ready.append((delivery, _message(delivery)))
        except _NobodyLeft as reason:
            gone.append((delivery, str(reason)))
    return ready, gone


def _carried(channel: Channel, ready: Sequence[tuple[Any, Message]]) -> Iterator[list[_Outcome | Away]]:
    """Send, and give what became of it in portions to record: the last has what was not tried, and why."""
    if not ready:
        return
    done: list[_Outcome | Away] = []
    begun = noted = time.monotonic()
    waiting = [delivery for delivery, _ in ready]
    try:
        with closing(channel.send([message for _, message in ready])) as answers:  # type: ignore[type-var]
            for answer in answers:
                done.append(_Outcome(waiting.pop(0), answer))
                tick = time.monotonic()
                if tick - begun > MOST_SECONDS:
                    break
                if tick - noted > RECORD_SECONDS:
                    yield done
                    done, noted = [], tick
    except Away as away:
        done.append(away)
        if away.met and waiting:
            done.append(_Outcome(waiting.pop(0), Answer(away.reason)))
    yield [*done, *(_Outcome(delivery, None) for delivery in waiting)]


# --- what is sent ---------------------------------------------------------------------------------------


def _message(delivery: Any) -> Message:
    if delivery.wrapped_key is None:
        raise _NobodyLeft("erased")
    person = person_key(delivery.person_id, delivery.key_id, delivery.wrapped_key)
    personal = person.unseal(delivery.sealed, sealed_place(delivery.fact_key, delivery.channel))
    public_url = settings().public_url
    context = {**delivery.context, **personal, "public_url": public_url}
    if context.get("guest"):
        context["order_token"] = order_token(UUID(context["order_id"]))
    link = None
    if delivery.channel == "email" and delivery.user_id is not None:
        link = unsubscribing.link(delivery.user_id, delivery.kind)
    made = render(delivery.kind, context, delivery.locale, link)
    short = delivery.channel != "email"
    return Message(
        id=delivery.fact_key.replace(":", "."),
        to=_address(delivery, person, personal),
        subject=made.subject,
        text=_short_text(delivery.channel, made.short, made.link) if short else made.text,
        html="" if short else made.html,
        headers=unsubscribing.headers(link) if link else {},
        link=made.link,
    )


def _short_text(channel: str, text: str, link: str) -> str:
    """A push message is a link as a whole; a text message must hold it."""
    return f"QuickShop: {text} {link}" if channel == "sms" else text


def _address(delivery: Any, person: PersonKey, personal: dict[str, Any]) -> str:
    if delivery.channel != "push":
        return str(personal.get("to") or personal["email"])
    if delivery.token is None:
        raise _NobodyLeft("no such device any more")
    return str(person.unseal(delivery.token, device_place(delivery.user_id, bytes(delivery.device))))


# --- what became of it ----------------------------------------------------------------------------------


def _put_off(later: Sequence[tuple[Any, datetime]], gone: Sequence[tuple[Any, str]]) -> None:
    """Let those wait who do not want to be woken, and end what nobody is left to get."""
    db.run_many(
        "UPDATE deliveries SET attempts = attempts - 1, next_run_at = :at, last_error = 'quiet hours' WHERE id = :id",
        [{"id": delivery.id, "at": at} for delivery, at in later],
    )
    db.run_many(
        "UPDATE deliveries SET state = 'given_up', last_error = :why WHERE id = :id",
        [{"id": delivery.id, "why": why} for delivery, why in gone],
    )


def _record(outcomes: Sequence[_Outcome], away: str | None) -> None:
    """Write what became of deliveries; `away` is why the rest was not tried, where the channel is."""
    at = now()
    sent = [o.delivery for o in outcomes if o.answer is not None and o.answer.error is None]
    if sent:
        db.run_along(
            "UPDATE deliveries SET state = 'sent', sent_at = :at, last_error = NULL WHERE id = ANY(:ids)",
            ids=[d.id for d in sent],
            at=at,
        )
        if away is None:
            db.run_along("DELETE FROM channel_pauses WHERE channel = :channel", channel=sent[0].channel)
    untried = [o.delivery.id for o in outcomes if o.answer is None]
    if untried:
        db.run_along(
            "UPDATE deliveries SET attempts = attempts - 1, next_run_at = :at, last_error = coalesce(:away, last_error)"
            " WHERE id = ANY(:ids)",
            ids=untried,
            at=at,
            away=away,
        )
    for o in outcomes:
        if o.answer is not None and o.answer.error is not None:
            _try_later(o.delivery, o.answer, at)


def _try_later(delivery: Any, answer: Answer, at: datetime) -> None:
    over = answer.final or delivery.attempts >= MOST_ATTEMPTS
    seconds = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(delivery.attempts - 1, 10)) * random.uniform(0.8, 1.2)
    db.run_along(
        "UPDATE deliveries SET last_error = :error, state = :state, next_run_at = :next WHERE id = :id",
        id=delivery.id,
        error=answer.error,
        state="given_up" if over else "pending",
        next=at + timedelta(seconds=seconds),
    )


def _pause(channel: str, reason: str) -> None:
    """Leave a channel alone: seconds at first, then minutes, for as long as nobody is there."""
    at = now()
    failures = (db.scalar("SELECT failures FROM channel_pauses WHERE channel = :c FOR UPDATE", c=channel) or 0) + 1
    seconds = min(LONGEST_CHANNEL_PAUSE, FIRST_CHANNEL_PAUSE * 2.0 ** min(failures - 1, 10)) * random.uniform(0.8, 1.2)
    db.run(
        """
        INSERT INTO channel_pauses (channel, failures, since, try_at, reason)
        VALUES (:channel, :failures, :at, :try_at, :reason)
        ON CONFLICT (channel) DO UPDATE SET failures = excluded.failures, reason = excluded.reason,
            try_at = greatest(channel_pauses.since, excluded.try_at)
        """,
        channel=channel,
        failures=failures,
        at=at,
        try_at=at + timedelta(seconds=seconds),
        reason=reason[:200],
    )
