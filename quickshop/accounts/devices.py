"""Devices that may be sent push messages, by the token that the platform's push service gave them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.accounts import log, users
from quickshop.accounts.errors import TooManyDevices
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.crypto import blind_index
from quickshop.kernel.errors import NotFound
from quickshop.kernel.events import Fact

MOST_DEVICES = 20
PLATFORMS = ("android", "ios", "web")


def token_index(token: str) -> bytes:
    """The blind index of a push token."""
    return blind_index(settings().index_key, "push_device", token)


def place(user_id: UUID, index: bytes) -> str:
    """The place that a sealed token is bound to."""
    return f"push_devices/token/{user_id}.{index.hex()}"


def devices(user_id: UUID) -> list[dict[str, Any]]:
    """A user's devices, oldest first. Raises NotFound for nobody."""
    person = users.known(user_id).person
    rows = db.rows(
        "SELECT token_index, token, platform, name, created_at FROM push_devices WHERE user_id = :user"
        " ORDER BY created_at, token_index",
        user=user_id,
    )
    return [
        {
            "token": person.unseal(row.token, place(user_id, bytes(row.token_index))),
            "platform": row.platform,
            "name": row.name,
            "created_at": rfc3339(row.created_at),
        }
        for row in rows
    ]


def register_device(user_id: UUID, token: str, platform: str, name: str) -> bool:
    """Keep a device, or what it is called now; whether it is new to this user. Writes; the caller commits.

    A token that another user registered moves here: whoever signed in last on a device gets its messages, and nobody
    before them. Raises TooManyDevices, NotFound. Facts: account.device_added for a new one.
    """
    users.lock(user_id)
    person = users.known(user_id).person
    index = token_index(token)
    known = db.rows("SELECT token_index FROM push_devices WHERE user_id = :user", user=user_id)
    new = index not in {bytes(row.token_index) for row in known}
    if new and len(known) >= MOST_DEVICES:
        raise TooManyDevices(f"An account has {MOST_DEVICES} devices at most; remove one first.")
    db.run(
        """
        INSERT INTO push_devices (user_id, token_index, token, platform, name)
        VALUES (:user, :index, :token, :platform, :name)
        ON CONFLICT (token_index) DO UPDATE SET user_id = excluded.user_id, token = excluded.token,
            platform = excluded.platform, name = excluded.name,
            created_at = CASE WHEN :new THEN now() ELSE push_devices.created_at END
        """,
        user=user_id,
        index=index,
        token=person.seal(token, place(user_id, index)),
        platform=platform,
        name=name,
        new=new,
    )
    if new:
        log.append(user_id, [Fact("account.device_added", {"platform": platform})])
    return new


def remove_device(user_id: UUID, token: str) -> None:
    """Send no more messages to a device. Writes; the caller commits. Raises NotFound. Facts: account.device_removed."""
    gone = db.row(
        "DELETE FROM push_devices WHERE user_id = :user AND token_index = :index RETURNING platform",
        user=user_id,
        index=token_index(token),
    )
    if gone is None:
        raise NotFound("device")
    log.append(user_id, [Fact("account.device_removed", {"platform": gone.platform})])


def forget_devices(user_id: UUID) -> None:
    """Send no more messages to any device; an app registers itself again when it has signed in. Writes."""
    db.run("DELETE FROM push_devices WHERE user_id = :user", user=user_id)
