"""Time-based one-time passwords (RFC 6238): secrets, steps, codes, and the QR code that an authenticator reads. Pure.

Who has one, and that no code is taken twice, is in `accounts/second_factor`.
"""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp
import segno

STEP_SECONDS = 30
ISSUER = "QuickShop"
# A code of the step before or after is good, too: clocks differ, and typing takes a while.
_WINDOW = 1


def new_secret() -> str:
    """A fresh secret in base32, 160 bits."""
    return pyotp.random_base32()


def step_of(at: datetime) -> int:
    """The number of the 30-second step that a moment lies in."""
    return int(at.timestamp()) // STEP_SECONDS


def code_of(secret: str, step: int) -> str:
    """The six digits of a step."""
    return pyotp.TOTP(secret).generate_otp(step)


def looks_like_code(given: str) -> bool:
    """Whether this has the form of a code: six digits."""
    return len(given) == 6 and given.isascii() and given.isdigit()


def accepted_step(secret: str, code: str, at: datetime) -> int | None:
    """The step that a code belongs to, of those acceptable now; None for a wrong code. The latest step counts."""
    now = step_of(at)
    found = None
    for step in range(now - _WINDOW, now + _WINDOW + 1):
        if hmac.compare_digest(code_of(secret, step), code):
            found = step
    return found


def otpauth_uri(secret: str, name: str) -> str:
    """The address that an authenticator app takes, for the account called `name`."""
    return pyotp.TOTP(secret, name=name, issuer=ISSUER).provisioning_uri()


def qr_svg(uri: str) -> str:
    """The address as a QR code: an SVG element of its own colours, readable on any background."""
    return segno.make(uri, error="m").svg_inline(scale=4, border=3, light="#fff", dark="#000", omitsize=False)


def qr_data_uri(uri: str) -> str:
    """The same QR code as a `data:` address for an image."""
    return segno.make(uri, error="m").svg_data_uri(scale=4, border=3, light="#fff", dark="#000")
