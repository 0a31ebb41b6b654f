"""The secrets of a development shop: made once, kept in its folder, never used where the environment has its own."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from quickshop.runtime.failures import CannotStart


def load_or_make(path: Path) -> dict[str, str]:
    """The secrets by their environment names. Raises CannotStart when the file is damaged.

    A damaged file is never replaced: with new keys the personal data in the database could not be read.
    """
    try:
        kept = json.loads(path.read_text())
        if not isinstance(kept, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        kept = {}
    except ValueError as error:
        raise CannotStart(
            f"{path} is damaged ({error}); restore it, or remove the whole folder to start anew."
        ) from error
    complete = {**_new(), **kept}
    if complete != kept:
        _write(path, complete)
    return {name: str(value) for name, value in complete.items()}


def _new() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "MASTER_KEYS": f"dev1:{_key()}",
        "INDEX_KEY": _key(),
        "GATEWAY_WEBHOOK_SECRET": secrets.token_urlsafe(48),
    }


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _write(path: Path, content: dict[str, str]) -> None:
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
