"""The verbs of an account's beginning, its proof and its sign-ins under one name; each lives in a module of its own.

What an account keeps (addresses, preferences, devices, passkeys …) and what staff do has its verbs in its own module.
"""

from __future__ import annotations

from quickshop.accounts.email_changes import confirm_email, request_email
from quickshop.accounts.password_changes import change_password
from quickshop.accounts.profile import change_profile
from quickshop.accounts.recovering import forgot_password, reset_password
from quickshop.accounts.refreshing import Origin, SignedIn, refresh
from quickshop.accounts.registering import Registration, mark_verified, register, resend_verification, verify_email
from quickshop.accounts.signing_in import (
    answer_challenge,
    authenticate,
    end_other_sessions,
    end_session,
    sign_in_by_passkey,
    sign_out,
)

__all__ = [
    "Origin",
    "Registration",
    "SignedIn",
    "answer_challenge",
    "authenticate",
    "change_password",
    "change_profile",
    "confirm_email",
    "end_other_sessions",
    "end_session",
    "forgot_password",
    "mark_verified",
    "refresh",
    "register",
    "request_email",
    "resend_verification",
    "reset_password",
    "sign_in_by_passkey",
    "sign_out",
    "verify_email",
]
