"""Gift cards and store credit as staff give them, and what their owners and staff see of them. The ledger says why.

A gift card's code has 100 random bits. It is shown once; what is kept is a keyed digest and the last four characters.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.crypto import blind_index
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import Money, money
from quickshop.kernel.pagination import decode_id, page
from quickshop.promotions.errors import CreditSpent
from quickshop.promotions.rules import normal_code

PAGE = 24
SHOWN_ENTRIES = 100
# No 0, O, 1, I: codes are read aloud and typed. 32 signs are 5 bits each.
_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LENGTH = 20


def card_digest(code: str) -> bytes:
    """What is kept of a gift card's code, however it was typed."""
    return blind_index(settings().index_key, "gift_card", normal_code(code))


def _new_code() -> str:
    signs = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    return "-".join(signs[i : i + 5] for i in range(0, _LENGTH, 5))


def issue(value: Money, expires_at: datetime | None = None) -> tuple[UUID, str]:
    """Make a gift card: its id, and its code, which is never shown again. Raises Invalid. Writes; caller commits."""
    if expires_at is not None and expires_at <= now():
        raise Invalid({"expires_at": ["It must end in the future."]})
    code, card_id = _new_code(), new_id()
    db.run(
        """
        WITH made AS (
            INSERT INTO credits (id, kind, code_digest, last4, currency, balance_minor, expires_at)
            VALUES (:id, 'gift_card', :digest, :last4, :currency, :amount, :ends) RETURNING id
        )
        INSERT INTO credit_entries (credit_id, delta_minor, cause) SELECT id, :amount, 'issued' FROM made
        """,
        id=card_id,
        digest=card_digest(code),
        last4=code[-4:],
        currency=value.currency,
        amount=value.amount,
        ends=expires_at,
    )
    return card_id, code


def set_active(card_id: UUID, active: bool) -> None:
    """Stop a gift card, or let it pay again; what is on it stays. Raises NotFound."""
    done = db.run(
        "UPDATE credits SET active = :active WHERE id = :id AND kind = 'gift_card'", active=active, id=card_id
    )
    if not done.rowcount:
        raise NotFound("gift card")


def correct(user_id: UUID, delta: Money, note: str | None = None) -> int:
    """Add to what the shop owes a member, or take off it; the balance then, in minor units.

    `note` is never about a person. Raises NotFound for nobody or an erased person, CreditSpent where less
    is left. Writes; the caller commits.
    """
    _have_purse(user_id, delta.currency)
    left = db.scalar(
        """
        WITH changed AS (
            UPDATE credits SET balance_minor = balance_minor + :delta
            WHERE user_id = :user AND currency = :currency AND kind = 'store_credit' AND balance_minor + :delta >= 0
            RETURNING id, balance_minor
        ), entry AS (
            INSERT INTO credit_entries (credit_id, delta_minor, cause, note) SELECT id, :delta, 'corrected', :note
            FROM changed
        )
        SELECT balance_minor FROM changed
        """,
        delta=delta.amount,
        user=user_id,
        currency=delta.currency,
        note=note,
    )
    if left is None:
        raise CreditSpent("There is less left than this would take away.")
    return int(left)


def _have_purse(user_id: UUID, currency: str) -> None:
    if not db.scalar("SELECT 1 FROM users WHERE id = :id AND erased_at IS NULL FOR KEY SHARE", id=user_id):
        raise NotFound("customer")
    db.run(
        """
        INSERT INTO credits (id, kind, user_id, currency) VALUES (:id, 'store_credit', :user, :currency)
        ON CONFLICT (user_id, currency) WHERE kind = 'store_credit' DO NOTHING
        """,
        id=new_id(),
        user=user_id,
        currency=currency,
    )


def refund(user_id: UUID, order_id: UUID, amount: Money) -> None:
    """Give a refund of an order as store credit. Raises NotFound for an erased person. Writes; the caller commits."""
    _have_purse(user_id, amount.currency)
    db.run(
        """
        WITH changed AS (
            UPDATE credits SET balance_minor = balance_minor + :amount
            WHERE user_id = :user AND currency = :currency AND kind = 'store_credit' RETURNING id
        )
        INSERT INTO credit_entries (credit_id, delta_minor, cause, order_id)
        SELECT id, :amount, 'refunded', :order FROM changed
        """,
        amount=amount.amount,
        user=user_id,
        currency=amount.currency,
        order=order_id,
    )


_ENTRIES = f"""
(SELECT json_agg(json_build_object('at', e.at, 'delta', e.delta_minor, 'cause', e.cause, 'note', e.note,
                                   'order', o.number) ORDER BY e.id DESC)
 FROM (SELECT * FROM credit_entries WHERE credit_id = c.id ORDER BY id DESC LIMIT {SHOWN_ENTRIES}) e
 LEFT JOIN orders o ON o.id = e.order_id)"""
_CARD = f"""
SELECT c.id, c.last4, c.currency, c.balance_minor, c.expires_at, c.active, c.created_at, {_ENTRIES} AS entries
FROM credits c WHERE c.kind = 'gift_card'
"""


def list_cards(limit: int = PAGE, cursor: str | None = None, last4: str | None = None) -> dict[str, Any]:
    """Gift cards, the newest first, or those whose code ends so: {items, next_cursor}."""
    after = decode_id(cursor) if cursor else None
    found = db.rows(
        f"{_CARD} AND (CAST(:after AS uuid) IS NULL OR c.id < :after)"
        " AND (CAST(:last4 AS text) IS NULL OR c.last4 = :last4) ORDER BY c.id DESC LIMIT :limit",
        after=after,
        last4=last4.strip().upper() if last4 else None,
        limit=limit + 1,
    )
    shown, following = page(found, limit, "id")
    return {"items": [_card(row) for row in shown], "next_cursor": following}


def get_card(card_id: UUID) -> dict[str, Any]:
    """One gift card. Raises NotFound."""
    row = db.row(f"{_CARD} AND c.id = :id", id=card_id)
    if row is None:
        raise NotFound("gift card")
    return _card(row)


def _card(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "last4": row.last4,
        "balance": money(row.balance_minor, row.currency),
        "state": _state(row),
        "expires_at": rfc3339(row.expires_at),
        "created_at": rfc3339(row.created_at),
        "entries": [_entry(entry, row.currency) for entry in row.entries or ()],
    }


def _state(row: Any) -> str:
    if not row.active:
        return "stopped"
    if row.expires_at is not None and row.expires_at <= now():
        return "expired"
    return "active" if row.balance_minor else "used"


def _entry(entry: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        "at": rfc3339(datetime.fromisoformat(entry["at"])),
        "amount": money(entry["delta"], currency),
        "cause": entry["cause"],
        "order": entry["order"],
        "note": entry["note"],
    }


def credit_of(user_id: UUID) -> dict[str, Any]:
    """What the shop owes a member by currency, with its movements, the newest first: {balances: [...]}."""
    found = db.rows(
        f"SELECT c.currency, c.balance_minor, {_ENTRIES} AS entries FROM credits c"
        " WHERE c.user_id = :user AND c.kind = 'store_credit' ORDER BY c.currency",
        user=user_id,
    )
    return {
        "balances": [
            {
                "balance": money(row.balance_minor, row.currency),
                "entries": [_entry(entry, row.currency) for entry in row.entries or ()],
            }
            for row in found
        ]
    }
