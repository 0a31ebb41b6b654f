"""Passkeys (WebAuthn): keys in a person's own devices, as a way to sign in and as a second factor beside the password.

A sign-in by passkey alone needs the device to have verified its user (by finger, face or PIN), and then counts as both
factors. A device's counter must never go back: where it does, the key was copied.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from quickshop.accounts import challenges, log, mailing, users
from quickshop.accounts.errors import ChallengeInvalid, PasskeyInvalid, PasskeysOff, TooManyPasskeys
from quickshop.accounts.proving import prove
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import reading, run_unit

MOST = 20
SHOP = "QuickShop"
_TRANSPORTS = frozenset(str(transport.value) for transport in AuthenticatorTransport)
# What a malformed credential makes the library raise, beside its own exceptions.
_MALFORMED = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, binascii.Error, OverflowError)

_USE = """
UPDATE passkeys SET sign_count = :count, last_used_at = :at
WHERE id = :id AND (sign_count < :count OR (sign_count = 0 AND :count = 0)) RETURNING 1
"""


@dataclass(frozen=True)
class Question:
    """What a device must sign: the options for `navigator.credentials`, and the token that the answer must bring."""

    challenge: str
    options: dict[str, Any]


def available() -> bool:
    """Whether this shop can have passkeys: its address must be a name, not a number."""
    return bool(settings().passkey_rp_id)


def _rp_id() -> str:
    if not available():
        raise PasskeysOff
    return settings().passkey_rp_id


# --- registering and removing --------------------------------------------------------------------------


def ask_to_register(user_id: UUID, session_id: UUID | None, password: str, code: str | None = None) -> Question:
    """What a device needs to make a new passkey, after the password (and a code) was proved.

    Runs its own units. Raises PasskeysOff, EmailNotVerified, TooManyPasskeys, ProofWrong, CodeNeeded, CodeWrong,
    TooManyAttempts.
    """
    rp_id = _rp_id()
    with reading():
        users.check_verified(user_id)
    prove(user_id=user_id, session_id=session_id, password=password, code=code)
    return run_unit(lambda: _ask_to_register(rp_id, user_id, session_id))


def _ask_to_register(rp_id: str, user_id: UUID, session_id: UUID | None) -> Question:
    found, known = users.known(user_id), _descriptors(user_id)
    if len(known) >= MOST:
        raise TooManyPasskeys
    token = challenges.ask(challenges.PASSKEY_REGISTER, user_id, {"session_id": str(session_id)})
    options = generate_registration_options(
        rp_id=rp_id,
        rp_name=SHOP,
        user_id=user_id.bytes,
        user_name=found.row.username,
        challenge=token.encode(),
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return Question(token, options_to_json_dict(options))


def _descriptors(user_id: UUID) -> list[PublicKeyCredentialDescriptor]:
    found = db.rows("SELECT credential_id, transports FROM passkeys WHERE user_id = :id ORDER BY id", id=user_id)
    return [
        PublicKeyCredentialDescriptor(
            id=bytes(row.credential_id), transports=[AuthenticatorTransport(name) for name in row.transports]
        )
        for row in found
    ]


def register(
    user_id: UUID, session_id: UUID | None, challenge: str, credential: dict[str, Any], name: str
) -> dict[str, Any]:
    """Keep the passkey that a device has made; it in the API's form. The same session must have asked for it.

    Runs its own unit. Raises ChallengeInvalid, PasskeyInvalid. Facts: account.passkey_added.
    """
    rp_id = _rp_id()
    with reading():
        asked = challenges.find(challenge, challenges.PASSKEY_REGISTER)
    if asked is None or asked.user_id != user_id or asked.data.get("session_id") != str(session_id):
        raise ChallengeInvalid
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=challenge.encode(),
            expected_rp_id=rp_id,
            expected_origin=list(settings().passkey_origins),
            require_user_verification=True,
        )
    except _MALFORMED:
        raise PasskeyInvalid from None
    transports = credential["response"].get("transports")
    known = [name for name in transports if name in _TRANSPORTS] if isinstance(transports, list) else []

    def keep() -> dict[str, Any]:
        if challenges.close(challenge, challenges.PASSKEY_REGISTER) is None:
            raise ChallengeInvalid
        passkey_id = new_id()
        db.run(
            """
            INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name, transports, backed_up,
                                  created_at)
            VALUES (:id, :user, :credential, :key, :count, :name, CAST(:transports AS text[]), :backed_up, :at)
            """,
            id=passkey_id,
            user=user_id,
            credential=made.credential_id,
            key=made.credential_public_key,
            count=made.sign_count,
            name=name,
            transports=known,
            backed_up=made.credential_backed_up,
            at=now(),
        )
        _tell(user_id, "added", passkey_id)
        return next(key for key in list_passkeys(user_id) if key["id"] == str(passkey_id))

    try:
        return run_unit(keep)
    except IntegrityError as error:
        if db.constraint(error) == "uq_passkeys_credential_id":
            raise PasskeyInvalid from None
        raise


def _tell(user_id: UUID, fact: str, passkey_id: UUID) -> None:
    log.append(user_id, [Fact(f"account.passkey_{fact}", {"passkey_id": str(passkey_id)})])
    mailing.tell(mailing.TWO_FACTOR_CHANGED, users.known(user_id))


def remove(user_id: UUID, session_id: UUID | None, passkey_id: UUID, password: str, code: str | None = None) -> None:
    """Forget a passkey, after the password (and a code) was proved.

    Runs its own units. Raises NotFound, ProofWrong, CodeNeeded, CodeWrong, TooManyAttempts. Facts:
    account.passkey_removed.
    """
    with reading():
        if not db.scalar("SELECT 1 FROM passkeys WHERE id = :id AND user_id = :user", id=passkey_id, user=user_id):
            raise NotFound("passkey")
    prove(user_id=user_id, session_id=session_id, password=password, code=code)

    def forget() -> None:
        gone = db.run("DELETE FROM passkeys WHERE id = :id AND user_id = :user", id=passkey_id, user=user_id)
        if gone.rowcount:
            _tell(user_id, "removed", passkey_id)

    run_unit(forget)


def list_passkeys(user_id: UUID) -> list[dict[str, Any]]:
    """The user's passkeys, oldest first, in the API's form."""
    found = db.rows(
        "SELECT id, name, backed_up, created_at, last_used_at FROM passkeys WHERE user_id = :id ORDER BY id", id=user_id
    )
    return [
        {
            "id": str(row.id),
            "name": row.name,
            "synced": row.backed_up,
            "created_at": rfc3339(row.created_at),
            "last_used_at": rfc3339(row.last_used_at),
        }
        for row in found
    ]


# --- using ---------------------------------------------------------------------------------------------


def ask_to_sign_in() -> Question:
    """What a device needs to sign somebody in who has not said who they are. Writes; the caller commits.

    Raises PasskeysOff.
    """
    rp_id = _rp_id()
    token = challenges.ask(challenges.PASSKEY_LOGIN, None)
    options = generate_authentication_options(
        rp_id=rp_id, challenge=token.encode(), user_verification=UserVerificationRequirement.REQUIRED
    )
    return Question(token, options_to_json_dict(options))


def as_second_factor(user_id: UUID, challenge: str) -> dict[str, Any] | None:
    """What one of the user's devices needs to answer a sign-in's challenge; None where there is none."""
    known = _descriptors(user_id) if available() else []
    if not known:
        return None
    options = generate_authentication_options(
        rp_id=_rp_id(),
        challenge=challenge.encode(),
        allow_credentials=known,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return options_to_json_dict(options)


@dataclass(frozen=True)
class Signed:
    """A challenge that a known passkey has signed: whose it is, and the device's counter."""

    user_id: UUID
    passkey_id: UUID
    count: int


def read_signature(challenge: str, credential: dict[str, Any], *, alone: bool) -> Signed:
    """Look at a device's signature of a challenge; `alone` says that no password stood before it.

    CPU work: outside of a transaction. Raises PasskeyInvalid, PasskeysOff.
    """
    rp_id = _rp_id()
    try:
        row = _by_credential(base64url_to_bytes(credential["rawId"]))
        if row is None or not _handle_fits(credential, row.user_id):
            raise PasskeyInvalid
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge.encode(),
            expected_rp_id=rp_id,
            expected_origin=list(settings().passkey_origins),
            credential_public_key=bytes(row.public_key),
            credential_current_sign_count=0,  # `use` compares it with what stands then
            require_user_verification=alone,
        )
    except _MALFORMED:
        raise PasskeyInvalid from None
    return Signed(row.user_id, row.id, verified.new_sign_count)


def _by_credential(credential_id: bytes) -> Any:
    with reading():
        return db.row("SELECT id, user_id, public_key FROM passkeys WHERE credential_id = :c", c=credential_id)


def _handle_fits(credential: dict[str, Any], user_id: UUID) -> bool:
    handle = credential["response"].get("userHandle")
    return not handle or base64url_to_bytes(handle) == user_id.bytes


def use(signed: Signed) -> bool:
    """Take the device's counter as used; False where it has not grown, so that the key must have been copied.

    A device that counts nothing says 0 for ever. Writes; the caller commits.
    """
    return bool(db.scalar(_USE, count=signed.count, at=now(), id=signed.passkey_id))
