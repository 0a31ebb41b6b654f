"""Text messages over HTTP, in the form of Twilio's API: one POST each, basic authentication, form fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode, urlsplit

import orjson
import urllib3

from quickshop.notifications.channels.port import ACCEPTED, Answer, Away, Message

CONNECT_SECONDS, READ_SECONDS = 2.0, 10.0
LARGEST_REPLY = 64 * 1024
LONGEST_TEXT = 1600  # what the provider takes in one call
# Answers about the provider and our account there; all others below 500 are about the message.
_NOT_ABOUT_IT = frozenset({401, 403, 404, 408, 425, 429})
_FORM = "application/x-www-form-urlencoded"


class TwilioChannel:
    """Sends from `sender` through `url`, with an account's id and token."""

    def __init__(self, url: str, account: str, token: str, sender: str) -> None:
        base = urlsplit(url)
        self._url = f"{base.scheme}://{base.netloc}{base.path.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"
        self._headers = {
            **urllib3.make_headers(basic_auth=f"{account}:{token}"),
            "Content-Type": _FORM,
            "Accept": "application/json",
            "User-Agent": "quickshop",
        }
        self._sender = sender
        self._timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)

    def send(self, messages: Sequence[Message]) -> Iterator[Answer]:
        """See Channel.send."""
        with urllib3.PoolManager(retries=False, timeout=self._timeout, maxsize=1) as pool:
            for message in messages:
                yield self._send_one(pool, message)

    def _send_one(self, pool: urllib3.PoolManager, message: Message) -> Answer:
        fields = {"To": phone_number(message.to), "From": self._sender, "Body": message.text[:LONGEST_TEXT]}
        headers = {**self._headers, "I-Twilio-Idempotency-Token": message.id}
        try:
            answer = pool.request(
                "POST", self._url, body=urlencode(fields), headers=headers, redirect=False, preload_content=False
            )
            body = answer.read(LARGEST_REPLY)
            answer.close()
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise Away(type(error).__name__) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Away(type(error).__name__, met=True) from None
        return _answer(answer.status, body)


def _answer(status: int, body: bytes) -> Answer:
    if 200 <= status < 300:
        return ACCEPTED
    reason = f"HTTP {status}" + (f", code {code}" if (code := _code(body)) else "")
    if status >= 500 or status in _NOT_ABOUT_IT or 300 <= status < 400:
        raise Away(reason)
    return Answer(reason, final=True)


def _code(body: bytes) -> int | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    found = document.get("code") if isinstance(document, dict) else None
    return found if isinstance(found, int) else None


def phone_number(typed: str) -> str:
    """A telephone number as networks write it: digits, with the plus that stood before them ("00" means the same)."""
    digits = re.sub(r"[^0-9]", "", typed)
    if typed.lstrip().startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits
