"""Signing what is sent, in the form of Standard Webhooks: HMAC-SHA256 over id, time and body. Pure but for chance."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """A fresh secret in the form that libraries for Standard Webhooks take."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(message_id: str, timestamp: int, body: bytes, signing: Sequence[str]) -> dict[str, str]:
    """The headers of a message sent at `timestamp` (unix seconds), signed with each of the secrets."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in signing),
    }
