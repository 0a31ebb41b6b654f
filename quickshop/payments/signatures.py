"""Webhook signatures: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>." + raw body>`. Pure; no clock is read."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

HEADER = "X-Gateway-Signature"
TOLERANCE_SECONDS = 300

_LONGEST_HEADER = 1024
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class BadSignature(ValueError):
    """A delivery that must not be believed; `reason` is one word for the audit log."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"webhook signature refused: {reason}")
        self.reason = reason


def _digest(secret: str, timestamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The header value for `body` sent at `timestamp` (unix seconds)."""
    return f"t={timestamp},v1={_digest(secret, timestamp, body)}"


def _parse(header: str) -> tuple[int, list[str]]:
    """Timestamp and digests of a header. Several `v1` may stand in it while a secret is being changed."""
    if len(header) > _LONGEST_HEADER:
        raise BadSignature("malformed")
    timestamps: list[str] = []
    digests: list[str] = []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            timestamps.append(value)
        elif name == "v1":
            digests.append(value)
    well_formed = len(timestamps) == 1 and _TIMESTAMP.fullmatch(timestamps[0])
    if not well_formed or not digests or not all(_DIGEST.fullmatch(value) for value in digests):
        raise BadSignature("malformed")
    return int(timestamps[0]), digests


def verify(
    secrets: Sequence[str], header: str | None, body: bytes, now: float, tolerance: float = TOLERANCE_SECONDS
) -> bool:
    """True when `header` signs exactly `body` under one of `secrets`, no more than `tolerance` seconds from `now`.

    Raises BadSignature otherwise (reasons: missing, malformed, too_old, too_new, mismatch, no_secret), so
    that a caller who forgets to look at the result is still safe. Every comparison is made, in constant
    time. Replays inside the tolerance are for the caller to find, by the event's id.
    """
    if not header:
        raise BadSignature("missing")
    timestamp, digests = _parse(header)
    usable = [secret for secret in secrets if secret]
    if not usable:
        raise BadSignature("no_secret")
    matches = [hmac.compare_digest(_digest(secret, timestamp, body), digest) for secret in usable for digest in digests]
    if not any(matches):
        raise BadSignature("mismatch")
    if now - timestamp > tolerance:
        raise BadSignature("too_old")
    if timestamp - now > tolerance:
        raise BadSignature("too_new")
    return True
