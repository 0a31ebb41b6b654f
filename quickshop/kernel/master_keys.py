"""The master keys of the running application: they wrap each person's key, and seal what belongs to no person."""

from __future__ import annotations

from functools import lru_cache

from quickshop.extensions import settings
from quickshop.kernel.crypto import Keyring


@lru_cache(maxsize=8)
def _keyring(master_keys: tuple[tuple[str, bytes], ...]) -> Keyring:
    return Keyring(master_keys)


def keyring() -> Keyring:
    """The master keys of the running application."""
    return _keyring(settings().master_keys)
