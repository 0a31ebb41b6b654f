"""Sealing personal data: a key per person, wrapped by a master key; blind indexes to look sealed values up.

AES-256-GCM throughout. A sealed value is bound to the place it stands in (table, column, row), so that
it cannot be moved to another row. Destroying a person's key makes all that was sealed with it unreadable.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE = 12
_ID_END = b":"  # no id of a master key holds one: MASTER_KEYS are written `id:base64`


class SealBroken(Exception):
    """A sealed value does not open: another key, another place, or tampering."""


@dataclass(frozen=True)
class WrappedKey:
    """A data key as it is stored: which master key wraps it, and the wrapped bytes."""

    key_id: str
    wrapped: bytes


class Keyring:
    """The master keys by id; the first one wraps new keys."""

    def __init__(self, master_keys: tuple[tuple[str, bytes], ...]) -> None:
        self._keys = {key_id: AESGCM(key) for key_id, key in master_keys}
        self.current = master_keys[0][0]

    def new_key(self, owner: str) -> tuple[bytes, WrappedKey]:
        """A fresh data key for `owner` (an id), plain and wrapped."""
        plain = AESGCM.generate_key(256)
        return plain, self.wrap(plain, owner)

    def wrap(self, plain: bytes, owner: str) -> WrappedKey:
        """Wrap a data key under the current master key."""
        nonce = os.urandom(_NONCE)
        sealed = self._keys[self.current].encrypt(nonce, plain, b"person/" + owner.encode())
        return WrappedKey(self.current, nonce + sealed)

    def unwrap(self, key: WrappedKey, owner: str) -> bytes:
        """The plain data key. Raises SealBroken."""
        master = self._keys.get(key.key_id)
        if master is None:
            raise SealBroken(f"master key {key.key_id!r} is not among MASTER_KEYS")
        try:
            return master.decrypt(key.wrapped[:_NONCE], key.wrapped[_NONCE:], b"person/" + owner.encode())
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            raise SealBroken("a data key does not open") from None

    def seal(self, value: Any, place: str) -> bytes:
        """Seal a JSON-able value that is no known person's, for `place`; the master key's id stands in front."""
        nonce = os.urandom(_NONCE)
        sealed = self._keys[self.current].encrypt(nonce, orjson.dumps(value), b"value/" + place.encode())
        return self.current.encode() + _ID_END + nonce + sealed

    @staticmethod
    def key_id_of(sealed: bytes | memoryview) -> str:
        """The id of the master key under which `seal` sealed this."""
        return bytes(sealed).partition(_ID_END)[0].decode(errors="replace")

    def unseal(self, sealed: bytes | memoryview, place: str) -> Any:
        """Open what `seal` made, under whichever of the master keys. Raises SealBroken."""
        key_id, _, rest = bytes(sealed).partition(_ID_END)
        master = self._keys.get(key_id.decode(errors="replace"))
        if master is None:
            raise SealBroken("a value was sealed under a master key that is not among MASTER_KEYS")
        try:
            return orjson.loads(master.decrypt(rest[:_NONCE], rest[_NONCE:], b"value/" + place.encode()))
        except (InvalidTag, ValueError):
            raise SealBroken(f"a sealed value does not open at {place.rsplit('/', 1)[0]}") from None


def seal(key: bytes, value: Any, place: str) -> bytes:
    """Seal a JSON-able value for `place` ("table/column/row id")."""
    return seal_bytes(key, orjson.dumps(value), place)


def unseal(key: bytes, sealed: bytes | memoryview, place: str) -> Any:
    """Open what `seal` made. Raises SealBroken."""
    return orjson.loads(unseal_bytes(key, sealed, place))


def seal_bytes(key: bytes, content: bytes, place: str) -> bytes:
    """Seal the content of a file for `place`."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, content, place.encode())


def unseal_bytes(key: bytes, sealed: bytes | memoryview, place: str) -> bytes:
    """Open what `seal_bytes` made. Raises SealBroken."""
    raw = bytes(sealed)
    try:
        if raw[:1] != _VERSION:
            raise ValueError("another format")
        return AESGCM(key).decrypt(raw[1 : 1 + _NONCE], raw[1 + _NONCE :], place.encode())
    except (InvalidTag, ValueError):
        raise SealBroken(f"a sealed value does not open at {place.rsplit('/', 1)[0]}") from None


def blind_index(index_key: bytes, kind: str, value: str) -> bytes:
    """Keyed digest of a normalised value, for equality look-ups without storing it."""
    return hmac.new(index_key, f"{kind}\0{value}".encode(), hashlib.sha256).digest()


def signed_token(secret: str, kind: str, subject: str) -> str:
    """A bearer token that names `subject` and can be made again from it, so nothing need be stored."""
    mac = hmac.new(secret.encode(), f"{kind}\0{subject}".encode(), hashlib.sha256).hexdigest()[:32]
    return f"{subject}.{mac}"


def token_subject(secret: str, kind: str, token: str) -> str | None:
    """The subject of a token of this kind, or None where it is not one of ours."""
    subject, _, _ = token.rpartition(".")
    ours = signed_token(secret, kind, subject)
    return subject if subject and hmac.compare_digest(ours.encode(), token.encode()) else None


def digest(value: str) -> bytes:
    """SHA-256 of a high-entropy secret (refresh and mail tokens); what the database keeps of it."""
    return hashlib.sha256(value.encode()).digest()
