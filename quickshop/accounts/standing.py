"""How a member stands with the shop, by the shop's own decision: VIP or not, taxed or not, open or closed."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from quickshop.accounts import log, roles, sessions
from quickshop.accounts.callers import Caller
from quickshop.accounts.errors import OwnAccount
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.events import Fact

SEGMENT = re.compile(r"[a-z][a-z0-9-]{0,39}")


def standing_of(user_id: UUID) -> dict[str, Any]:
    """How a member stands, and nothing personal. Raises NotFound for nobody or an erased person."""
    row = db.row(
        "SELECT id, vip, tax_exempt, segment, disabled_at FROM users WHERE id = :id AND erased_at IS NULL",
        id=user_id,
    )
    if row is None:
        raise NotFound("customer")
    return {
        "id": str(row.id),
        "vip": row.vip,
        "tax_exempt": row.tax_exempt,
        "segment": row.segment,
        "disabled": row.disabled_at is not None,
        "disabled_at": rfc3339(row.disabled_at),
    }


def set_vip(user_id: UUID, vip: bool) -> None:
    """Make a member a VIP, or no longer; again changes nothing. Writes; the caller commits.

    Facts: account.vip_granted or account.vip_taken. Orders placed before keep their priority.
    """
    changed = db.scalar("UPDATE users SET vip = :vip WHERE id = :id AND vip <> :vip RETURNING 1", id=user_id, vip=vip)
    if changed:
        log.append(user_id, [Fact("account.vip_granted" if vip else "account.vip_taken")])
        sessions.forget_user(user_id)


def set_tax_exempt(user_id: UUID, exempt: bool) -> None:
    """Free a member from tax, or no longer; again changes nothing. Writes; the caller commits.

    Facts: account.tax_exempted or account.tax_exemption_ended. It holds from the next quote on.
    """
    changed = db.scalar(
        "UPDATE users SET tax_exempt = :exempt WHERE id = :id AND tax_exempt <> :exempt RETURNING 1",
        id=user_id,
        exempt=exempt,
    )
    if changed:
        log.append(user_id, [Fact("account.tax_exempted" if exempt else "account.tax_exemption_ended")])


def set_segment(user_id: UUID, segment: str) -> None:
    """Put a member into a segment, or with "" into none. Raises Invalid. Writes; the caller commits.

    What a segment is good for is said by promotions; it holds from the next quote on.
    """
    if segment and not SEGMENT.fullmatch(segment):
        raise Invalid({"segment": ["A segment has lower-case letters, digits and hyphens, a letter first."]})
    db.run("UPDATE users SET segment = nullif(:segment, '') WHERE id = :id", id=user_id, segment=segment)


def set_disabled(by: Caller, user_id: UUID, disabled: bool) -> None:
    """Close a member's account, which ends their sessions at once, or open it again; again changes nothing.

    Writes; the caller commits. Facts: account.disabled or account.enabled. Raises OwnAccount, LastKeeper, and
    PermissionNotHeld for staff who hold more than `by` does.
    """
    if disabled and by.user_id == user_id:
        raise OwnAccount
    roles.keep_order()
    roles.check_held(by, roles.permissions_of(user_id))
    changed = db.scalar(
        "UPDATE users SET disabled_at = CASE WHEN :disabled THEN CAST(:at AS timestamptz) END"
        " WHERE id = :id AND (disabled_at IS NOT NULL) <> :disabled RETURNING 1",
        id=user_id,
        disabled=disabled,
        at=now(),
    )
    if not changed:
        return
    if disabled:
        roles.check_keeper()
        sessions.revoke_all(user_id, "account disabled")
    log.append(user_id, [Fact("account.disabled" if disabled else "account.enabled")])


def change(
    by: Caller,
    user_id: UUID,
    *,
    vip: bool | None = None,
    disabled: bool | None = None,
    tax_exempt: bool | None = None,
    segment: str | None = None,
) -> None:
    """Set what is given. Raises NotFound for nobody or an erased person, and what the single changes raise."""
    standing_of(user_id)
    if vip is not None:
        set_vip(user_id, vip)
    if tax_exempt is not None:
        set_tax_exempt(user_id, tax_exempt)
    if segment is not None:
        set_segment(user_id, segment)
    if disabled is not None:
        set_disabled(by, user_id, disabled)
