"""Stripe behind the payment port, by its official library: payment intents with manual capture (docs/payments.md).

A charge is a payment intent, created and confirmed in one call under our key, which also stands in its metadata.
The library repeats nothing by itself. An answer is believed only where its fields fit the call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
import stripe

from quickshop.kernel.wire import READ_SECONDS
from quickshop.payments.gateways.port import (
    Answer,
    AnswerState,
    Charge,
    ChargeRequest,
    Charges,
    StoredCard,
    WebhookEvent,
    unknown,
)
from quickshop.payments.gateways.stripe_wire import NoAnswer, OnceClient

BAD_REPLY = "bad_reply"
PAGE_OF_INTENTS = 100
# A charge that we know by its key alone is looked for among those made about then.
_BEFORE, _AFTER, _MOST_PAGES = timedelta(seconds=60), timedelta(seconds=120), 50
_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_CODE = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_LAST4 = re.compile(r"[0-9]{4}", re.ASCII)
_LONGEST_URL = 2048

_STATES = {
    "requires_capture": AnswerState.AUTHORIZED,
    "requires_action": AnswerState.REQUIRES_ACTION,
    "processing": AnswerState.PENDING,
    "requires_confirmation": AnswerState.PENDING,
    "requires_payment_method": AnswerState.DECLINED,
    "canceled": AnswerState.VOIDED,
    "succeeded": AnswerState.CAPTURED,
}
_EXPANDED = ["latest_charge"]


class _Unbelievable(Exception):
    """An answer whose shape or content does not fit the call."""


def _demand(fits: object) -> None:
    if not fits:
        raise _Unbelievable


def _text(document: Mapping[str, Any], name: str, pattern: re.Pattern[str] = _ID) -> str:
    value = document.get(name)
    _demand(isinstance(value, str) and pattern.fullmatch(value))
    return str(value)


def _count(document: Mapping[str, Any], name: str) -> int:
    value = document.get(name, 0)
    _demand(type(value) is int and value >= 0)
    return int(value)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _plain(found: Any) -> dict[str, Any]:
    """A library object as plain data."""
    document = found.to_dict()
    _demand(isinstance(document, dict))
    return dict(document)


def _next_action(intent: Mapping[str, Any]) -> dict[str, str] | None:
    """Where the shopper must go; None where Stripe wants its own script to ask, which this shop does not load."""
    url = _dict(_dict(intent.get("next_action")).get("redirect_to_url")).get("url")
    if url is None:
        return None
    _demand(isinstance(url, str) and len(url) <= _LONGEST_URL and url.isprintable())
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _Unbelievable from None
    _demand(parts.scheme == "https" and parts.hostname)
    return {"type": "redirect", "url": url}


def _captured(intent: Mapping[str, Any], charge: Mapping[str, Any]) -> int:
    if intent.get("status") != "succeeded":
        return 0
    for holder, name in ((intent, "amount_received"), (charge, "amount_captured")):
        if name in holder:
            return _count(holder, name)
    return _count(intent, "amount")


def _decline_code(error: Mapping[str, Any]) -> str:
    code = error.get("decline_code") if error.get("decline_code") == "insufficient_funds" else error.get("code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else "card_declined"


def _answer(intent: Mapping[str, Any]) -> Answer:
    """The answer that an intent stands for. Raises _Unbelievable."""
    state = _STATES.get(str(intent.get("status")))
    _demand(state is not None and intent.get("object") == "payment_intent")
    charge = _dict(intent.get("latest_charge"))
    captured, refunded = _captured(intent, charge), _count(charge, "amount_refunded")
    amount = _count(intent, "amount")
    # Of an intent that was let go the charge says "refunded": nothing was ever taken.
    refunded = min(refunded, captured) if state is AnswerState.VOIDED else refunded
    _demand(refunded <= captured <= amount)
    currency = _text(intent, "currency")
    card = _dict(_dict(charge.get("payment_method_details")).get("card"))
    fingerprint = card.get("fingerprint")
    declined = state is AnswerState.DECLINED
    return Answer(
        state=AnswerState.REFUNDED if captured and refunded else state or AnswerState.UNKNOWN,
        provider_ref=_text(intent, "id"),
        code=_decline_code(_dict(intent.get("last_payment_error"))) if declined else None,
        amount_minor=amount,
        next_action=_next_action(intent) if state is AnswerState.REQUIRES_ACTION else None,
        currency=currency.upper(),
        captured_minor=captured,
        refunded_minor=refunded,
        card_fingerprint=fingerprint if isinstance(fingerprint, str) else None,
    )


def _booked(intent: Mapping[str, Any]) -> Charge:
    """An intent of the books. Raises _Unbelievable."""
    answer, named = _answer(intent), _dict(intent.get("metadata"))
    key, order = named.get("key"), named.get("order")
    return Charge(
        ref=str(answer.provider_ref),
        key=key if isinstance(key, str) else None,
        order_number=order if isinstance(order, str) else None,
        state=answer.state,
        amount_minor=answer.amount_minor or 0,
        currency=str(answer.currency),
        captured_minor=answer.captured_minor,
        refunded_minor=answer.refunded_minor,
        made_at=datetime.fromtimestamp(_count(intent, "created"), UTC),
    )


def _card(method: Mapping[str, Any], token: str | None = None) -> StoredCard:
    card = _dict(method.get("card"))
    month, year = _count(card, "exp_month"), _count(card, "exp_year")
    _demand(method.get("type") == "card" and 1 <= month <= 12 and 2000 <= year <= 2199)
    return StoredCard(
        brand=_text(card, "brand", _CODE),
        last4=_text(card, "last4", _LAST4),
        exp_month=month,
        exp_year=year,
        fingerprint=_text(card, "fingerprint"),
        token=token,
        country=None if card.get("country") is None else _text(card, "country", _COUNTRY),
    )


def _parts(token: str) -> tuple[str, str | None]:
    """The payment method of a token, and the customer it is kept for: `pm_1`, or `pm_1:cus_1` once it is kept."""
    method, _, customer = token.partition(":")
    return method, customer or None


def _failure(error: Any, definite: Mapping[int, AnswerState]) -> Answer:
    """What an error of the library means; `definite` says which statuses settle the matter.

    A 5xx settles nothing and is kept by Stripe under its key: the charge is looked up, not asked for again.
    """
    if isinstance(error, NoAnswer):
        return unknown(error.word, retriable=not error.sent)
    status = error.http_status or 0
    told = _dict(_dict(error.json_body).get("error"))
    if status in (401, 403, 429):
        return unknown(f"http_{status}", retriable=True)
    if told.get("type") == "idempotency_error" or status == 409:
        return unknown("key_in_use")
    state = definite.get(status)
    if state is None or not told:
        return unknown(f"http_{status}" if status >= 500 else BAD_REPLY)
    ref = _dict(told.get("payment_intent")).get("id")
    return Answer(state, provider_ref=ref if isinstance(ref, str) else None, code=_decline_code(told))


class StripeGateway:
    """The payment port over Stripe. One per process is enough; it may be made before a fork.

    `return_url` takes an order's number in place of `{order}`; the bank sends the shopper back there. Without it a
    bank's question has no address. `in_transaction` tells whether the caller holds a database transaction.
    """

    def __init__(
        self,
        secret_key: str,
        in_transaction: Callable[[], bool],
        *,
        return_url: str | None = None,
        api_url: str | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        addresses: Any = {"api": api_url} if api_url else {}
        client = stripe.StripeClient(
            secret_key,
            http_client=OnceClient(read_seconds),
            max_network_retries=0,
            base_addresses=addresses,
        )
        self._api: Any = client.v1
        self._return_url = return_url
        self._in_transaction = in_transaction

    def _ask(self, call: Callable[[], Answer], definite: Mapping[int, AnswerState]) -> Answer:
        if self._in_transaction():
            raise RuntimeError("a payment call inside an open database transaction")
        try:
            return call()
        except stripe.StripeError as error:
            return _failure(error, definite)
        except (_Unbelievable, ValueError, AttributeError):
            return unknown(BAD_REPLY)

    # --- money -------------------------------------------------------------------------------------

    def authorize(self, request: ChargeRequest) -> Answer:
        """See Gateway.authorize. A refused request (a bad card or amount) is a decline: nothing was reserved."""
        method, customer = _parts(request.token)
        wanted: dict[str, Any] = {
            "amount": request.amount_minor,
            "currency": request.currency.lower(),
            "payment_method": method,
            "payment_method_types": ["card"],
            "capture_method": "manual",
            "confirm": True,
            "metadata": {"key": request.key, "order": request.order_number},
            "expand": _EXPANDED,
        }
        if customer:
            wanted["customer"] = customer
        if self._return_url:
            wanted["return_url"] = self._return_url.replace("{order}", quote(request.order_number, safe=""))

        def call() -> Answer:
            intent = _plain(self._api.payment_intents.create(wanted, {"idempotency_key": request.key}))
            answer = _answer(intent)
            _demand(_dict(intent.get("metadata")).get("key") == request.key)
            _demand((answer.amount_minor, answer.currency) == (request.amount_minor, request.currency))
            return answer

        declined = AnswerState.DECLINED
        return self._ask(call, {400: declined, 402: declined, 404: declined})

    def capture(self, ref: str, key: str, amount_minor: int) -> Answer:
        """See Gateway.capture."""

        def call() -> Answer:
            wanted = {"amount_to_capture": amount_minor, "expand": _EXPANDED}
            return self._taken(
                _plain(self._api.payment_intents.capture(ref, wanted, {"idempotency_key": key})), amount_minor
            )

        answer = self._ask(call, {400: AnswerState.REFUSED, 402: AnswerState.REFUSED, 404: AnswerState.NOT_FOUND})
        if answer.state is not AnswerState.REFUSED:
            return answer
        # It may have been this very call, made before: what was taken says so.
        return self._as_it_stands(ref, answer, lambda intent: self._taken(intent, amount_minor))

    def _taken(self, intent: Mapping[str, Any], amount_minor: int) -> Answer:
        found = _answer(intent)
        _demand(intent.get("status") == "succeeded" and found.captured_minor == amount_minor)
        return Answer(
            AnswerState.CAPTURED,
            provider_ref=found.provider_ref,
            amount_minor=amount_minor,
            currency=found.currency,
            captured_minor=found.captured_minor,
            refunded_minor=found.refunded_minor,
        )

    def void(self, ref: str, key: str) -> Answer:
        """See Gateway.void."""

        def call() -> Answer:
            return self._let_go(_plain(self._api.payment_intents.cancel(ref, {}, {"idempotency_key": key})))

        answer = self._ask(call, {400: AnswerState.REFUSED, 402: AnswerState.REFUSED, 404: AnswerState.NOT_FOUND})
        return answer if answer.state is not AnswerState.REFUSED else self._as_it_stands(ref, answer, self._let_go)

    def _let_go(self, intent: Mapping[str, Any]) -> Answer:
        found = _answer(intent)
        _demand(found.state is AnswerState.VOIDED)
        return found

    def _as_it_stands(self, ref: str, refused: Answer, done: Callable[[Mapping[str, Any]], Answer]) -> Answer:
        """What was refused, seen as done where the intent shows that it is."""

        def call() -> Answer:
            intent = _plain(self._api.payment_intents.retrieve(ref, {"expand": _EXPANDED}))
            try:
                return done(intent)
            except _Unbelievable:
                return refused

        return self._ask(call, {404: AnswerState.NOT_FOUND})

    def refund(self, ref: str, key: str, amount_minor: int) -> Answer:
        """See Gateway.refund. Stripe forgets keys; the refund's metadata does not, and is asked first."""

        def call() -> Answer:
            made = _plain(self._api.refunds.list({"payment_intent": ref, "limit": PAGE_OF_INTENTS})).get("data")
            for refund in made if isinstance(made, list) else []:
                if _dict(refund.get("metadata")).get("key") == key:
                    return self._refunded(refund, ref, amount_minor)
            wanted = {"payment_intent": ref, "amount": amount_minor, "metadata": {"key": key}}
            return self._refunded(_plain(self._api.refunds.create(wanted, {"idempotency_key": key})), ref, amount_minor)

        return self._ask(call, {400: AnswerState.REFUSED, 402: AnswerState.REFUSED, 404: AnswerState.NOT_FOUND})

    def _refunded(self, refund: Mapping[str, Any], ref: str, amount_minor: int) -> Answer:
        _demand(refund.get("payment_intent") == ref and _count(refund, "amount") == amount_minor)
        status = refund.get("status")
        if status in ("failed", "canceled"):
            return Answer(AnswerState.REFUSED, provider_ref=ref, code=f"refund_{status}")
        _demand(status in ("succeeded", "pending"))
        return Answer(AnswerState.REFUNDED, provider_ref=ref, amount_minor=amount_minor)

    # --- looking -----------------------------------------------------------------------------------

    def look_up(self, key: str, ref: str | None = None, asked_at: datetime | None = None) -> Answer:
        """See Gateway.look_up. Without `ref` the intents made about then are searched: lists are never behind."""

        def by_ref() -> Answer:
            intent = _plain(self._api.payment_intents.retrieve(ref, {"expand": _EXPANDED}))
            _demand(_dict(intent.get("metadata")).get("key") == key)
            return _answer(intent)

        if ref is not None:
            return self._ask(by_ref, {404: AnswerState.NOT_FOUND})
        if asked_at is None:
            return unknown("no_reference")
        return self._ask(lambda: self._search(key, asked_at), {})

    def _search(self, key: str, asked_at: datetime) -> Answer:
        after: str | None = None
        for _ in range(_MOST_PAGES):
            intents, after = self._page(asked_at - _BEFORE, asked_at + _AFTER, after)
            for intent in intents:
                if _dict(intent.get("metadata")).get("key") == key:
                    return _answer(intent)
            if after is None:
                return Answer(AnswerState.NOT_FOUND)
        return unknown("too_many_intents")

    def _page(self, since: datetime, until: datetime, after: str | None) -> tuple[list[dict[str, Any]], str | None]:
        created = {"gte": int(since.timestamp()), "lte": int(until.timestamp())}
        wanted: dict[str, Any] = {
            "created": created,
            "limit": PAGE_OF_INTENTS,
            "expand": [f"data.{name}" for name in _EXPANDED],
        }
        if after:
            wanted["starting_after"] = after
        page = _plain(self._api.payment_intents.list(wanted))
        intents = page.get("data")
        _demand(isinstance(intents, list) and all(isinstance(i, dict) for i in intents))
        last = _text(intents[-1], "id") if intents and page.get("has_more") else None
        return intents or [], last

    def books(self, since: datetime, until: datetime, after: str | None = None) -> Charges | None:
        """See Gateway.books."""
        found: list[Charges] = []

        def call() -> Answer:
            intents, last = self._page(since, until, after)
            found.append(Charges([_booked(intent) for intent in intents], last))
            return Answer(AnswerState.DESCRIBED)

        self._ask(call, {})
        return found[0] if found else None

    # --- cards -------------------------------------------------------------------------------------

    def describe(self, token: str) -> Answer:
        """See Gateway.describe."""
        method, _ = _parts(token)

        def call() -> Answer:
            found = _plain(self._api.payment_methods.retrieve(method))
            return Answer(AnswerState.DESCRIBED, card=_card(found))

        return self._ask(call, {400: AnswerState.NOT_FOUND, 404: AnswerState.NOT_FOUND})

    def keep(self, token: str, beside: str | None = None) -> Answer:
        """See Gateway.keep: the card is attached to the person's customer, made for the first one. No name is told."""
        method, known = _parts(token)
        customer = known or (_parts(beside)[1] if beside else None)

        def call() -> Answer:
            keeper = customer or _text(
                _plain(self._api.customers.create({}, {"idempotency_key": f"customer:{method}"})), "id"
            )
            attached = _plain(
                self._api.payment_methods.attach(
                    method, {"customer": keeper}, {"idempotency_key": f"attach:{method}:{keeper}"}
                )
            )
            return Answer(AnswerState.DESCRIBED, card=_card(attached, f"{_text(attached, 'id')}:{keeper}"))

        not_found = AnswerState.NOT_FOUND
        return self._ask(call, {400: not_found, 402: not_found, 404: not_found})

    def forget(self, token: str) -> Answer:
        """See Gateway.forget."""
        method, _ = _parts(token)

        def call() -> Answer:
            self._api.payment_methods.detach(method)
            return Answer(AnswerState.VOIDED)

        return self._ask(call, {400: AnswerState.NOT_FOUND, 404: AnswerState.NOT_FOUND})


def read_event(body: bytes) -> WebhookEvent:
    """The event in a webhook body whose signature was verified. Raises ValueError where it is not one.

    Events of intents and of charges name our key in their metadata; what names none is about nothing of ours.
    """
    try:
        document = orjson.loads(body)
        _demand(isinstance(document, dict) and document.get("object") == "event")
        told = _dict(_dict(document.get("data")).get("object"))
        key = _dict(told.get("metadata")).get("key")
        ref = told.get("id") if told.get("object") == "payment_intent" else told.get("payment_intent")
        return WebhookEvent(
            _text(document, "id"),
            str(document.get("type"))[:100],
            ref if isinstance(ref, str) else None,
            key if isinstance(key, str) and 0 < len(key) <= 255 else None,
        )
    except (orjson.JSONDecodeError, _Unbelievable):
        raise ValueError("not an event of Stripe") from None
