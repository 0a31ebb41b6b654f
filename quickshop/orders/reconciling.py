"""Comparing the payment providers' books with our payments and with the orders, every five minutes.

Each charge is looked at soon after it was made and once more a day later; beside that, whatever was worked on a
moment ago though it is older, and what stood open before. A difference is asked about once more before it becomes
a break. What can be mended without a person is: reservations that nothing waits for are let go, and an order that
was cancelled but paid after all begins its way back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from quickshop.extensions import settings
from quickshop.kernel import db, outbox
from quickshop.kernel.events import Fact
from quickshop.kernel.money import money
from quickshop.kernel.outbox import TaskHint
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import steps
from quickshop.orders.books import CHARGE_KINDS, Difference, Ours, compare, order_differs
from quickshop.orders.steps import TOLD
from quickshop.orders.undoing import tell_refund
from quickshop.payments import breaks
from quickshop.payments import service as payments
from quickshop.payments.breaks import Break
from quickshop.payments.gateways.port import Answer, AnswerState, Charge, Gateway
from quickshop.payments.gateways.registry import UnknownProvider, gateway_for

log = logging.getLogger(__name__)

BUDGET_SECONDS = 30.0
SLICE = timedelta(seconds=60)
# What was touched a moment ago may be on its way; what was touched so long ago is looked at by itself.
SETTLED = timedelta(seconds=60)
TOUCHED = timedelta(minutes=12)
FIRST_LOOK = timedelta(minutes=15)
SECOND_LOOK = timedelta(hours=24)
MOST_LOOKS = 200

_OURS = """
SELECT a.key, p.order_id, p.round, p.provider_ref, a.created_at AS asked_at, o.status, o.payment_status,
       p.round = o.payment_round AS current,
       w.step = 'done' AND w.ended_at < now() - make_interval(secs => :settled) AS settled,
       p.currency, p.amount_minor, p.captured_minor, p.refunded_minor, p.refunding_minor
FROM payments p JOIN orders o ON o.id = p.order_id JOIN order_processing w ON w.order_id = p.order_id
JOIN payment_attempts a ON a.order_id = p.order_id AND a.round = p.round AND a.kind = 'authorize'
WHERE p.provider = :provider AND {which}
"""


def reconcile() -> None:
    """Compare what is due, provider by provider. Runs its own units around the calls."""
    ends = time.monotonic() + BUDGET_SECONDS
    with reading():
        names = {r.provider for r in db.rows("SELECT DISTINCT provider FROM payment_books")}
        now: datetime = db.scalar("SELECT now()")
    for name in sorted(names | {settings().payment_provider}):
        try:
            Comparison(name, gateway_for(name, settings()), now, ends).run()
        except UnknownProvider:
            log.warning("nobody answers for the payments of %s", name)
    run_unit(lambda: _compare_orders(now))


@dataclass(frozen=True)
class Comparison:
    """One provider's books against ours. `ends` is monotonic seconds; what is left over comes next time."""

    provider: str
    gateway: Gateway
    now: datetime
    ends: float
    looked: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Look at new charges, at those of a day ago, at what was touched, and at what stood open."""
        self._walk("first", self.now - FIRST_LOOK, self.now - 2 * SETTLED)
        self._walk("second", self.now - SECOND_LOOK - FIRST_LOOK, self.now - SECOND_LOOK)
        with reading():
            touched = [*self._touched(), *self._stood_open()]
        for ours in touched:
            self._look(ours)

    # --- whole books -------------------------------------------------------------------------------

    def _walk(self, look: str, start: datetime, until: datetime) -> None:
        with reading():
            since = self._checked_until(look) or start
        while since < until and time.monotonic() < self.ends:
            end = min(since + SLICE, until)
            if not self._slice(since, end):
                log.warning("%s does not tell of its charges now", self.provider)
                return
            run_unit(lambda end=end: self._note_checked(look, end))  # type: ignore[misc]
            since = end

    def _slice(self, since: datetime, until: datetime) -> bool:
        """Compare the charges of a minute; False where the provider does not answer."""
        seen: set[str] = set()
        after: str | None = None
        while True:
            page = self.gateway.books(since, until, after)
            if page is None:
                return False
            seen |= {charge.key for charge in page.items if charge.key}
            self._compare(page.items)
            after = page.after
            if after is None:
                break
        with reading():
            found = self._ours("p.created_at >= :since AND p.created_at < :until", since=since, until=until)
        # Clocks differ: what the page of the minute did not show is asked for by itself.
        for ours in [o for o in found if o.captured_minor and o.key not in seen][:MOST_LOOKS]:
            self._look(ours)
        return True

    def _compare(self, charges: Iterable[Charge]) -> None:
        with reading():
            keys = [charge.key for charge in charges if charge.key]
            ours = {o.key: o for o in self._ours("a.key = ANY(:keys)", keys=keys)}
        for charge in charges:
            known = ours.get(charge.key or "")
            if not compare(charge, known):
                continue
            if known is None:
                self._note(charge.key or charge.ref, compare(charge, None), charge, None)
            else:
                self._look(known)

    # --- one charge --------------------------------------------------------------------------------

    def _look(self, known: Ours) -> None:
        """Ask for one charge now, once, read ours after it, and act on what differs."""
        if known.key in self.looked or time.monotonic() > self.ends:
            return
        self.looked.add(known.key)
        answer = self.gateway.look_up(known.key, known.provider_ref, known.asked_at)
        if answer.state is AnswerState.UNKNOWN:
            return
        with reading():
            ours = next(self._ours("a.key = ANY(:keys)", keys=[known.key]), None)
        if ours is None or not ours.settled:
            return
        charge = _charge(known, answer, self.now)
        self._act(_with_refunds_settled(ours, charge), charge)

    def _act(self, ours: Ours, charge: Charge | None) -> None:
        found = compare(charge, ours)
        if charge is not None and any(d.kind == "still_reserved" for d in found) and self._void(ours, charge):
            found = [d for d in found if d.kind != "still_reserved"]
        self._note(ours.key, found, charge, ours)
        if charge is not None and _paid_though_cancelled(charge, ours):
            run_unit(lambda: _begin_undoing(ours))

    def _void(self, ours: Ours, charge: Charge) -> bool:
        """Let go a reservation that nothing waits for. It stands among the breaks, closed when it worked."""
        difference = [Difference("still_reserved", 0, charge.amount_minor)]
        run_unit(lambda: self._write(ours.key, difference, charge, ours))
        run_unit(lambda: payments.begin(ours.order_id, ours.round, "void", ours.amount_minor, ours.currency))
        answer = self.gateway.void(charge.ref, payments.attempt_key(ours.order_id, ours.round, "void"))
        run_unit(lambda: payments.record_void(ours.order_id, ours.round, answer))
        return answer.state is AnswerState.VOIDED

    def _note(self, subject: str, found: list[Difference], charge: Charge | None, ours: Ours | None) -> None:
        run_unit(lambda: self._write(subject, found, charge, ours))

    def _write(self, subject: str, found: list[Difference], charge: Charge | None, ours: Ours | None) -> None:
        for difference in found:
            breaks.note(
                Break(
                    difference.kind,
                    self.provider,
                    subject,
                    ours.currency if ours else (charge.currency if charge else settings().base_currency),
                    difference.expected_minor,
                    difference.found_minor,
                    ours.order_id if ours else None,
                    charge.ref if charge else None,
                    str(charge.state) if charge else None,
                )
            )
        breaks.gone(subject, *(kind for kind in CHARGE_KINDS if kind not in {d.kind for d in found}))

    # --- what we know ------------------------------------------------------------------------------

    def _ours(self, which: str, **params: Any) -> Iterator[Ours]:
        sql = _OURS.format(which=which)
        rows = db.rows(sql, provider=self.provider, settled=SETTLED.total_seconds(), **params)
        return iter([Ours(**row._asdict()) for row in rows])

    def _touched(self) -> list[Ours]:
        """Payments of orders that ended a moment ago, but were still being worked on when their books were read."""
        which = (
            "w.ended_at >= :touched AND (w.ended_at > p.created_at + make_interval(secs => :settled / 2)"
            f" OR p.round <> o.payment_round) ORDER BY w.ended_at LIMIT {MOST_LOOKS}"
        )
        return list(self._ours(which, touched=self.now - TOUCHED))

    def _stood_open(self) -> list[Ours]:
        which = (
            "(a.key IN (SELECT subject FROM payment_breaks WHERE state = 'open')"
            f" OR p.refunding_minor > 0 AND w.step = 'done') LIMIT {MOST_LOOKS}"
        )
        return list(self._ours(which))

    def _checked_until(self, look: str) -> datetime | None:
        found: datetime | None = db.scalar(
            "SELECT checked_until FROM payment_books WHERE provider = :p AND look = :look", p=self.provider, look=look
        )
        return found

    def _note_checked(self, look: str, until: datetime) -> None:
        db.run(
            "INSERT INTO payment_books (provider, look, checked_until) VALUES (:p, :look, :until)"
            " ON CONFLICT (provider, look) DO UPDATE SET checked_until = EXCLUDED.checked_until",
            p=self.provider,
            look=look,
            until=until,
        )


def _charge(known: Ours, answer: Answer, now: datetime) -> Charge | None:
    """What a look-up says, as a charge of the books; None where the provider never heard of it."""
    if answer.state is AnswerState.NOT_FOUND:
        return None
    return Charge(
        ref=str(answer.provider_ref),
        key=known.key,
        order_number=None,
        state=answer.state,
        amount_minor=answer.amount_minor or 0,
        currency=answer.currency or known.currency,
        captured_minor=answer.captured_minor,
        refunded_minor=answer.refunded_minor,
        made_at=now,
    )


def _with_refunds_settled(ours: Ours, charge: Charge | None) -> Ours:
    return ours if charge is None or not ours.refunding_minor else run_unit(lambda: _settle_refunds(ours, charge))


def _settle_refunds(ours: Ours, charge: Charge) -> Ours:
    """Decide refunds that were given up by what the provider's books say now, made or not; ours as it is then."""
    db.run("SELECT 1 FROM order_processing WHERE order_id = :id FOR UPDATE", id=ours.order_id)
    given_up = db.rows(
        "SELECT key, amount_minor FROM payment_attempts WHERE order_id = :id AND round = :round AND kind = 'refund'"
        " AND state = 'given_up' ORDER BY number",
        id=ours.order_id,
        round=ours.round,
    )
    made, refunded, refunding = charge.refunded_minor - ours.refunded_minor, ours.refunded_minor, ours.refunding_minor
    for refund in given_up:
        happened = made >= refund.amount_minor
        state = AnswerState.REFUNDED if happened else AnswerState.REFUSED
        payments.record_refund(refund.key, Answer(state, code=None if happened else "not_made"))
        breaks.gone(refund.key, "refund_unknown")
        refunding -= refund.amount_minor
        amount = money(refund.amount_minor, ours.currency)
        if happened:
            made, refunded = made - refund.amount_minor, refunded + refund.amount_minor
            tell_refund(ours.order_id, Fact("order.refunded", {"amount": amount}, consumers=TOLD), refund.amount_minor)
        else:
            tell_refund(ours.order_id, Fact("order.refund_failed", {"amount": amount, "code": "not_made"}))
    return replace(ours, refunded_minor=refunded, refunding_minor=refunding)


def _paid_though_cancelled(charge: Charge, ours: Ours) -> bool:
    held = charge.captured_minor > charge.refunded_minor + ours.refunding_minor
    return held and ours.current and ours.status == "cancelled"


def _begin_undoing(ours: Ours) -> None:
    # The work first, then the order, as everybody locks them.
    step = db.scalar("SELECT step FROM order_processing WHERE order_id = :id FOR UPDATE", id=ours.order_id)
    if step == "done":
        steps.waited(ours.order_id, "released")
        queue = steps.start(ours.order_id, "void")
        outbox.write(tasks=[TaskHint("orders.process", queue, (str(ours.order_id),))])


# --- orders against payments -------------------------------------------------------------------------------

# Nearly all add up, and are left in the database.
_ORDERS = """
SELECT o.id, o.payment_status, o.currency, o.total_minor - o.credit_minor AS due_minor, p.captured,
       p.refunded, p.provider
FROM order_processing w JOIN orders o ON o.id = w.order_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(captured_minor), 0)::bigint AS captured, coalesce(sum(refunded_minor), 0)::bigint AS refunded,
           coalesce(max(provider), '-') AS provider
    FROM payments WHERE order_id = o.id
) p
WHERE w.step = 'done' AND w.ended_at < :settled AND {which}
"""
_ENDED_LATELY = """w.ended_at >= :touched
  AND (o.payment_status, p.captured, p.refunded)
      IS DISTINCT FROM ('captured', o.total_minor - o.credit_minor, 0::bigint)
  AND (p.captured > 0 OR o.payment_status IN ('captured', 'partially_refunded', 'refunded'))"""
_STOOD_OPEN = "o.id IN (SELECT order_id FROM payment_breaks WHERE state = 'open' AND kind = 'order_differs')"


def _compare_orders(now: datetime) -> None:
    """Compare orders that ended a moment ago, and those that did not add up before, with their payments."""
    lately = db.rows(_ORDERS.format(which=_ENDED_LATELY), touched=now - TOUCHED, settled=now - SETTLED)
    for order in [*lately, *db.rows(_ORDERS.format(which=_STOOD_OPEN), settled=now - SETTLED)]:
        found = order_differs(
            order.payment_status,
            due_minor=order.due_minor,
            captured_minor=order.captured,
            refunded_minor=order.refunded,
        )
        if found is None:
            breaks.gone(str(order.id), "order_differs")
            continue
        amounts = (order.currency, found.expected_minor, found.found_minor, order.id, None, order.payment_status)
        breaks.note(Break(found.kind, order.provider, str(order.id), *amounts))
