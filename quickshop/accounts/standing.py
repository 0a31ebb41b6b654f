"""Whether a member is a VIP by the shop's own decision. What they spent is counted elsewhere."""

from __future__ import annotations

from uuid import UUID

from quickshop.accounts import log, sessions
from quickshop.kernel import db
from quickshop.kernel.events import Fact


def set_vip(user_id: UUID, vip: bool) -> None:
    """Make a member a VIP, or no longer; again changes nothing. Writes; the caller commits.

    Facts: account.vip_granted or account.vip_taken. Orders placed before keep their priority.
    """
    changed = db.scalar("UPDATE users SET vip = :vip WHERE id = :id AND vip <> :vip RETURNING 1", id=user_id, vip=vip)
    if changed:
        log.append(user_id, [Fact("account.vip_granted" if vip else "account.vip_taken")])
        sessions.forget_user(user_id)
