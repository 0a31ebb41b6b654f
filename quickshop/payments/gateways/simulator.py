"""The client of the simulated gateway (docs/gateway.md). It believes an answer only when every field fits the call."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from quickshop.kernel.wire import READ_SECONDS, JsonCaller, NoReply, Reply
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

BAD_REPLY = "bad_reply"
_REF = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_LAST4 = re.compile(r"[0-9]{4}", re.ASCII)
_CODE = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_LONGEST_URL = 2048
_LONGEST_EVENT_ID = 255
PAGE_OF_CHARGES = 100

_STATES = {
    "authorized": AnswerState.AUTHORIZED,
    "declined": AnswerState.DECLINED,
    "requires_action": AnswerState.REQUIRES_ACTION,
    "pending": AnswerState.PENDING,
    "captured": AnswerState.CAPTURED,
    "voided": AnswerState.VOIDED,
    "partially_refunded": AnswerState.REFUNDED,
    "refunded": AnswerState.REFUNDED,
}
_AUTHORIZE_OUTCOMES = (
    AnswerState.AUTHORIZED,
    AnswerState.DECLINED,
    AnswerState.REQUIRES_ACTION,
    AnswerState.PENDING,
)
_DONE = {"capture": AnswerState.CAPTURED, "void": AnswerState.VOIDED, "refund": AnswerState.REFUNDED}


class _Unbelievable(Exception):
    """An answer whose shape or content does not fit the call."""


def _demand(fits: object) -> None:
    if not fits:
        raise _Unbelievable


def _text(document: dict[str, Any], name: str, pattern: re.Pattern[str] | None = None) -> str:
    value = document.get(name)
    _demand(isinstance(value, str) and (pattern is None or pattern.fullmatch(value)))
    return str(value)


def _count(document: dict[str, Any], name: str) -> int:
    value = document.get(name)
    _demand(type(value) is int and value >= 0)
    return int(value or 0)


def _next_action(document: dict[str, Any]) -> dict[str, str]:
    action = document.get("next_action")
    _demand(isinstance(action, dict) and action.get("type") == "redirect")
    url = _text(action or {}, "url")
    _demand(len(url) <= _LONGEST_URL and url.isprintable())
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _Unbelievable from None
    _demand(parts.scheme in ("http", "https") and parts.hostname)
    return {"type": "redirect", "url": url}


def _charge(document: Any) -> Answer:
    """The answer a charge document stands for. Raises _Unbelievable."""
    _demand(isinstance(document, dict))
    state = _STATES.get(_text(document, "state"))
    _demand(state is not None)
    amount, captured, refunded = (_count(document, name) for name in ("amount", "captured", "refunded"))
    _demand(refunded <= captured <= amount)
    fingerprint = document.get("token_fingerprint")
    _demand(fingerprint is None or isinstance(fingerprint, str))
    return Answer(
        state=state or AnswerState.UNKNOWN,
        provider_ref=_text(document, "id", _REF),
        code=None if document.get("code") is None else _text(document, "code", _CODE),
        amount_minor=amount,
        next_action=_next_action(document) if state is AnswerState.REQUIRES_ACTION else None,
        currency=_text(document, "currency"),
        captured_minor=captured,
        refunded_minor=refunded,
        card_fingerprint=fingerprint,
    )


def _booked(document: Any) -> Charge:
    """A charge of the books. Raises _Unbelievable."""
    answer = _charge(document)
    try:
        made_at = datetime.fromisoformat(_text(document, "at"))
    except ValueError:
        raise _Unbelievable from None
    return Charge(
        ref=str(answer.provider_ref),
        key=_text(document, "key"),
        order_number=_text(document, "order"),
        state=answer.state,
        amount_minor=answer.amount_minor or 0,
        currency=str(answer.currency),
        captured_minor=answer.captured_minor,
        refunded_minor=answer.refunded_minor,
        made_at=made_at,
    )


def _card(document: dict[str, Any]) -> StoredCard:
    month, year = _count(document, "exp_month"), _count(document, "exp_year")
    _demand(1 <= month <= 12 and 2000 <= year <= 2199)
    return StoredCard(
        brand=_text(document, "brand", _CODE),
        last4=_text(document, "last4", _LAST4),
        exp_month=month,
        exp_year=year,
        fingerprint=_text(document, "fingerprint", _REF),
        country=None if document.get("country") is None else _text(document, "country", _COUNTRY),
    )


def _authorized(document: dict[str, Any], request: ChargeRequest) -> Answer:
    answer = _charge(document)
    _demand(document.get("key") == request.key and document.get("order") == request.order_number)
    _demand(answer.amount_minor == request.amount_minor and answer.currency == request.currency)
    _demand(answer.state in _AUTHORIZE_OUTCOMES)
    return answer


def _operated(document: dict[str, Any], kind: str, ref: str, key: str, amount_minor: int | None) -> Answer:
    """The answer of a capture, void or refund: the charge as it stands, and proof that this call was the one."""
    charge = _charge(document)
    _demand(charge.provider_ref == ref and charge.state is _DONE[kind])
    operation = document.get("operation")
    _demand(isinstance(operation, dict) and operation.get("type") == kind and operation.get("key") == key)
    if amount_minor is None:
        return charge
    _demand(_count(operation or {}, "amount") == amount_minor)
    return Answer(
        state=charge.state,
        provider_ref=ref,
        amount_minor=amount_minor,
        currency=charge.currency,
        captured_minor=charge.captured_minor,
        refunded_minor=charge.refunded_minor,
        card_fingerprint=charge.card_fingerprint,
    )


def _refusal_code(reply: Reply) -> str | None:
    code = (reply.document or {}).get("code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _not_done(reply: Reply, definite: dict[int, AnswerState]) -> Answer:
    """What a status other than success means; `definite` names those that settle the matter."""
    code = _refusal_code(reply)
    if reply.status >= 500 or reply.status == 429:
        return unknown(code or f"http_{reply.status}", retriable=True)
    state = definite.get(reply.status)
    if state is None or code is None:
        return unknown(code or BAD_REPLY)
    return Answer(state, code=code)


class SimulatorGateway:
    """The payment port over HTTP. One per process is enough; it may be made before a fork.

    `in_transaction` tells whether the caller holds a database transaction: a network call would keep its
    locks, so it is refused with RuntimeError.
    """

    def __init__(
        self, base_url: str, in_transaction: Callable[[], bool], *, read_seconds: float = READ_SECONDS
    ) -> None:
        self._caller = JsonCaller(base_url, read_seconds=read_seconds)
        self._in_transaction = in_transaction

    def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        understand: Callable[[Reply], Answer],
    ) -> Answer:
        if self._in_transaction():
            raise RuntimeError("a payment call inside an open database transaction")
        try:
            return understand(self._caller.call(method, path, body))
        except NoReply as silence:
            return unknown(silence.code, retriable=not silence.sent)
        except _Unbelievable:
            return unknown(BAD_REPLY)

    def authorize(self, request: ChargeRequest) -> Answer:
        """See Gateway.authorize. A refused request (bad token, bad amount) is a decline: nothing was reserved."""
        body = {
            "key": request.key,
            "order": request.order_number,
            "amount": request.amount_minor,
            "currency": request.currency,
            "token": request.token,
        }

        def understand(reply: Reply) -> Answer:
            if reply.status == 201:
                return _authorized(reply.document or {}, request)
            return _not_done(reply, {400: AnswerState.DECLINED})

        return self._ask("POST", "/v1/charges", body, understand)

    def capture(self, ref: str, key: str, amount_minor: int) -> Answer:
        """See Gateway.capture."""
        return self._operate("capture", ref, key, amount_minor)

    def void(self, ref: str, key: str) -> Answer:
        """See Gateway.void."""
        return self._operate("void", ref, key, None)

    def refund(self, ref: str, key: str, amount_minor: int) -> Answer:
        """See Gateway.refund."""
        return self._operate("refund", ref, key, amount_minor)

    def _operate(self, kind: str, ref: str, key: str, amount_minor: int | None) -> Answer:
        body: dict[str, Any] = {"key": key} if amount_minor is None else {"key": key, "amount": amount_minor}

        def understand(reply: Reply) -> Answer:
            if reply.status == 200:
                return _operated(reply.document or {}, kind, ref, key, amount_minor)
            return _not_done(
                reply,
                {400: AnswerState.REFUSED, 404: AnswerState.NOT_FOUND, 409: AnswerState.REFUSED},
            )

        return self._ask("POST", f"/v1/charges/{quote(ref, safe='')}/{kind}", body, understand)

    def look_up(self, key: str, ref: str | None = None, asked_at: datetime | None = None) -> Answer:
        """See Gateway.look_up. The caller compares amount and currency with what it asked for."""

        def understand(reply: Reply) -> Answer:
            if reply.status != 200:
                return _not_done(reply, {})
            items = (reply.document or {}).get("items")
            _demand(isinstance(items, list) and len(items) <= 1)
            if not items:
                return Answer(AnswerState.NOT_FOUND)
            answer = _charge(items[0])
            _demand(items[0].get("key") == key)
            return answer

        return self._ask("GET", f"/v1/charges?key={quote(key, safe='')}", None, understand)

    def describe(self, token: str) -> Answer:
        """See Gateway.describe."""

        def understand(reply: Reply) -> Answer:
            if reply.status != 200:
                return _not_done(reply, {400: AnswerState.NOT_FOUND, 404: AnswerState.NOT_FOUND})
            document = reply.document or {}
            _demand(document.get("token") == token)
            return Answer(AnswerState.DESCRIBED, card=_card(document))

        return self._ask("GET", f"/v1/tokens/{quote(token, safe='')}", None, understand)

    def keep(self, token: str, beside: str | None = None) -> Answer:
        """See Gateway.keep. Tokens of this gateway last for ever: nothing has to be kept."""
        return self.describe(token)

    def forget(self, token: str) -> Answer:
        """See Gateway.forget."""
        return Answer(AnswerState.VOIDED)

    def books(self, since: datetime, until: datetime, after: str | None = None) -> Charges | None:
        """See Gateway.books."""
        asked = {"since": since.isoformat(), "until": until.isoformat(), "limit": str(PAGE_OF_CHARGES)}
        found: list[Charge] = []

        def understand(reply: Reply) -> Answer:
            if reply.status != 200:
                return _not_done(reply, {})
            items = (reply.document or {}).get("items")
            _demand(isinstance(items, list))
            found.extend(_booked(item) for item in items or [])
            return Answer(AnswerState.DESCRIBED)

        query = urlencode(asked | ({"after": after} if after else {}))
        if self._ask("GET", f"/v1/charges?{query}", None, understand).state is not AnswerState.DESCRIBED:
            return None
        return Charges(found, found[-1].ref if len(found) == PAGE_OF_CHARGES else None)


def read_event(body: bytes) -> WebhookEvent:
    """The event in a webhook body whose signature was verified. Raises ValueError where it is not one."""
    try:
        document = orjson.loads(body)
        _demand(isinstance(document, dict))
        charge = document.get("charge")
        _demand(isinstance(charge, dict))
        event_id = _text(document, "id")
        _demand(0 < len(event_id) <= _LONGEST_EVENT_ID)
        return WebhookEvent(event_id, _text(document, "type"), _text(charge, "id", _REF), _text(charge, "key"))
    except (orjson.JSONDecodeError, _Unbelievable):
        raise ValueError("not an event of the simulated gateway") from None
