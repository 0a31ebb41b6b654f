"""A payment gateway in the test's own process: its token scripts the answer, its ledger says what really happened."""

import hashlib
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from quickshop.kernel import db
from quickshop.payments.gateways.port import Answer, AnswerState, Charges, StoredCard, unknown
from quickshop.payments.gateways.port import Charge as Booked

_DECLINES = {"tok_decline": "card_declined", "tok_insufficient_funds": "insufficient_funds"}
_NEXT_ACTION = {"type": "redirect", "url": "http://127.0.0.1:1/challenge/1"}


@dataclass(frozen=True)
class Charge:
    """One charge as the provider knows it."""

    ref: str
    key: str
    order: str
    amount: int
    currency: str
    state: AnswerState
    captured: int = 0
    capture_key: str | None = None
    refunded: int = 0
    refunds: dict = field(default_factory=dict)  # amounts by key
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class ScriptedGateway:
    """Implements the payment port. `calls` lists (verb, key); `before(verb)` is called ahead of every answer.

    `queue` makes the next calls of a verb answer what it holds: a ready Answer, or an exception to raise.
    """

    def __init__(self):
        self.charges = {}
        self.calls = []  # about money
        self.described = []  # tokens of which the card was asked for
        self.before = lambda verb: None
        self._queued = {}
        self._failed = set()
        self._lock = threading.Lock()
        self.silent = False

    # --- what tests do -----------------------------------------------------------------------------

    def queue(self, verb, *answers):
        """Answers for the next calls of `verb`, instead of what the token says."""
        self._queued.setdefault(verb, []).extend(answers)

    def settle(self, state, order=None):
        """Decide the charges (of one order) that are undecided."""
        with self._lock:
            for key, charge in self.charges.items():
                if order in (None, charge.order) and charge.state in (AnswerState.PENDING, AnswerState.REQUIRES_ACTION):
                    self.charges[key] = replace(charge, state=state)

    def made(self, verb):
        """How many calls of a verb were made."""
        return len(self.described) if verb == "describe" else sum(1 for called, _ in self.calls if called == verb)

    def captured(self):
        """Money taken in all, in minor units."""
        return sum(charge.captured for charge in self.charges.values())

    def refunded(self):
        """Money given back in all, in minor units."""
        return sum(charge.refunded for charge in self.charges.values())

    def reserved(self):
        """Money that is reserved, or may still come to be, in minor units."""
        open_ = (AnswerState.AUTHORIZED, AnswerState.PENDING, AnswerState.REQUIRES_ACTION)
        return sum(charge.amount for charge in self.charges.values() if charge.state in open_)

    # --- the port ----------------------------------------------------------------------------------

    def authorize(self, request):
        """See Gateway.authorize."""
        return self._answer("authorize", request.key, lambda: self._authorize(request))

    def look_up(self, key, ref=None, asked_at=None):
        """See Gateway.look_up."""
        return self._answer("look_up", key, lambda: self._seen(key))

    def capture(self, ref, key, amount_minor):
        """See Gateway.capture."""
        return self._answer("capture", key, lambda: self._capture(ref, key, amount_minor))

    def void(self, ref, key):
        """See Gateway.void."""
        return self._answer("void", key, lambda: self._void(ref, key))

    def refund(self, ref, key, amount_minor):
        """See Gateway.refund."""
        return self._answer("refund", key, lambda: self._refund(ref, key, amount_minor))

    def keep(self, token, beside=None):
        """See Gateway.keep."""
        return self.describe(token)

    def forget(self, token):
        """See Gateway.forget."""
        return self._answer("forget", token, lambda: Answer(AnswerState.VOIDED))

    def books(self, since, until, after=None):
        """See Gateway.books."""
        if self.silent:
            return None
        return Charges(
            [
                Booked(c.ref, c.key, c.order, c.state, c.amount, c.currency, c.captured, c.refunded, c.made_at)
                for c in self.charges.values()
                if since <= c.made_at <= until
            ],
            None,
        )

    def charges_of(self, order):
        """The charges of an order."""
        return [c for c in self.charges.values() if c.order == order.number]

    def describe(self, token):
        """See Gateway.describe. `tok_unknown` is nobody's card, and `tok_down` gets no answer.

        Tokens that differ after a full stop are of one card; `tok_approve:from_DE` is one that was issued there.
        """
        return self._answer("describe", token, lambda: self._card(token))

    # --- inside ------------------------------------------------------------------------------------

    def _answer(self, verb, key, usual):
        assert not db.in_transaction(), f"{verb} was called inside an open transaction"
        self.before(verb)
        with self._lock:
            if verb == "describe":
                self.described.append(key)
            else:
                self.calls.append((verb, key))
            queued = self._queued.get(verb)
            answer = queued.pop(0) if queued else usual()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _authorize(self, request):
        if request.key in self.charges:
            return self._seen(request.key)
        script = request.token.partition(":")[0]
        if script == "tok_timeout_lost":
            return unknown("timeout")
        if script == "tok_down" or (script == "tok_error_once" and request.key not in self._failed):
            self._failed.add(request.key)
            return unknown("http_503", retriable=True)
        if script in _DECLINES:
            return Answer(AnswerState.DECLINED, code=_DECLINES[script])
        state = {"tok_challenge": AnswerState.REQUIRES_ACTION, "tok_late": AnswerState.PENDING}.get(
            script, AnswerState.AUTHORIZED
        )
        ref = f"ch_{len(self.charges) + 1}"
        self.charges[request.key] = Charge(
            ref, request.key, request.order_number, request.amount_minor, request.currency, state
        )
        return unknown("timeout") if script == "tok_timeout_charged" else self._seen(request.key)

    def _card(self, token):
        if token.startswith("tok_unknown"):
            return Answer(AnswerState.NOT_FOUND, code="unknown_token")
        if token.startswith("tok_down"):
            return unknown("unreachable", retriable=True)
        mark = hashlib.sha256(token.partition(".")[0].encode()).hexdigest()
        country = token.partition(":from_")[2][:2] or None
        card = StoredCard("visa", f"{int(mark, 16) % 10_000:04d}", 4, 2031, f"fp_{mark[:16]}", country=country)
        return Answer(AnswerState.DESCRIBED, card=card)

    def _seen(self, key):
        charge = self.charges.get(key)
        if charge is None:
            return Answer(AnswerState.NOT_FOUND)
        return Answer(
            charge.state,
            provider_ref=charge.ref,
            amount_minor=charge.amount,
            currency=charge.currency,
            captured_minor=charge.captured,
            refunded_minor=charge.refunded,
            next_action=_NEXT_ACTION if charge.state is AnswerState.REQUIRES_ACTION else None,
        )

    def _of_ref(self, ref):
        return next(c for c in self.charges.values() if c.ref == ref)

    def _capture(self, ref, key, amount):
        charge = self._of_ref(ref)
        if charge.capture_key not in (None, key) or charge.state not in (AnswerState.AUTHORIZED, AnswerState.CAPTURED):
            return Answer(AnswerState.REFUSED, code="not_authorized")
        self.charges[charge.key] = replace(charge, state=AnswerState.CAPTURED, captured=amount, capture_key=key)
        return Answer(AnswerState.CAPTURED, provider_ref=ref, amount_minor=amount, captured_minor=amount)

    def _void(self, ref, key):
        charge = self._of_ref(ref)
        if charge.captured or charge.state in (AnswerState.DECLINED, AnswerState.CAPTURED):
            return Answer(AnswerState.REFUSED, code="not_voidable")
        self.charges[charge.key] = replace(charge, state=AnswerState.VOIDED)
        return Answer(AnswerState.VOIDED, provider_ref=ref, amount_minor=charge.amount)

    def _refund(self, ref, key, amount):
        charge = self._of_ref(ref)
        if key not in charge.refunds:
            if amount > charge.captured - charge.refunded:
                return Answer(AnswerState.REFUSED, code="amount_too_large")
            self.charges[charge.key] = replace(
                charge,
                state=AnswerState.REFUNDED,
                refunded=charge.refunded + amount,
                refunds={**charge.refunds, key: amount},
            )
        return Answer(AnswerState.REFUNDED, provider_ref=ref, amount_minor=amount)
