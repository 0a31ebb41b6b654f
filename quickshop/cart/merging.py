"""Joining a guest's cart into the member's at sign-in: what lies in it, what was saved for later, its codes.

No list grows beyond what a cart has room for: what the member had stays, then comes what the guest put in last.
"""

from __future__ import annotations

from uuid import UUID

from quickshop.accounts.callers import Caller
from quickshop.cart import live
from quickshop.cart.codes import MOST_CODES
from quickshop.cart.refs import CartRef, cart_of_token
from quickshop.cart.service import MOST_ITEMS, changing, start_cart
from quickshop.inventory import service as inventory
from quickshop.kernel import db


def merge_on_login(user_id: UUID, token: str | None) -> None:
    """Join a guest's cart into the member's at sign-in: all items there is room for, the larger quantity where
    both have one, and all codes.

    What the guest saved for later comes along by the same rule; the currency too, where the member's cart was empty.
    An unknown or closed guest cart changes nothing.
    """
    guest_id = cart_of_token(token) if token else None
    if guest_id is None:
        return
    mine = start_cart(Caller(user_id=user_id))
    taken = db.row(
        "UPDATE carts SET state = 'merged' WHERE id = :id AND state = 'active' AND user_id IS NULL"
        " RETURNING followed, currency",
        id=guest_id,
    )
    if taken is None:
        return
    inventory.release_cart_hold(guest_id)  # or what it holds would be missing for the member it now belongs to
    if taken.followed:
        live.tell(guest_id)
    changing(mine)
    _take_items(mine, guest_id, taken.currency)
    _take_saved(user_id, guest_id)
    _take_codes(mine, guest_id)


def _take_items(mine: CartRef, guest_id: UUID, currency: str | None) -> None:
    db.run(
        "UPDATE carts SET currency = :currency WHERE id = :mine"
        " AND NOT EXISTS (SELECT FROM cart_items WHERE cart_id = :mine)",
        mine=mine.id,
        currency=currency,
    )
    db.run(
        """
        INSERT INTO cart_items (id, cart_id, variant_id, quantity, seen_price_minor, seen_problem)
        SELECT gen_random_uuid(), :mine, g.variant_id, g.quantity,
               CASE WHEN c.currency IS NOT DISTINCT FROM :currency THEN g.seen_price_minor END, g.seen_problem
        FROM (
            SELECT t.*, m.id AS has, row_number() OVER (PARTITION BY m.id IS NULL ORDER BY t.added_at DESC, t.id) AS nth
            FROM cart_items t LEFT JOIN cart_items m ON m.cart_id = :mine AND m.variant_id = t.variant_id
            WHERE t.cart_id = :guest
        ) g JOIN carts c ON c.id = :mine
        WHERE g.has IS NOT NULL OR g.nth <= :most - (SELECT count(*) FROM cart_items WHERE cart_id = :mine)
        ORDER BY g.variant_id
        ON CONFLICT (cart_id, variant_id)
        DO UPDATE SET quantity = greatest(cart_items.quantity, EXCLUDED.quantity)
        """,
        mine=mine.id,
        guest=guest_id,
        currency=currency,
        most=MOST_ITEMS,
    )


def _take_saved(user_id: UUID, guest_id: UUID) -> None:
    db.run(
        """
        WITH theirs AS (
            DELETE FROM cart_asides WHERE cart_id = :guest
            RETURNING variant_id, kind, quantity, price_minor, currency, at
        )
        INSERT INTO cart_asides (id, user_id, variant_id, kind, quantity, price_minor, currency, at)
        SELECT gen_random_uuid(), :user, variant_id, kind, quantity, price_minor, currency, at FROM (
            SELECT t.*, m.id AS has,
                   row_number() OVER (PARTITION BY m.id IS NULL ORDER BY t.at DESC, t.variant_id) AS nth
            FROM theirs t LEFT JOIN cart_asides m ON m.user_id = :user AND m.kind = 'saved'
                AND m.variant_id = t.variant_id
            WHERE t.kind = 'saved'
        ) s
        WHERE has IS NOT NULL
           OR nth <= :most - (SELECT count(*) FROM cart_asides WHERE user_id = :user AND kind = 'saved')
        ORDER BY variant_id
        ON CONFLICT (user_id, variant_id, kind)
        DO UPDATE SET quantity = greatest(cart_asides.quantity, EXCLUDED.quantity)
        """,
        guest=guest_id,
        user=user_id,
        most=MOST_ITEMS,
    )


def _take_codes(mine: CartRef, guest_id: UUID) -> None:
    db.run(
        """
        INSERT INTO cart_codes (cart_id, code, credit_id)
        SELECT :mine, code, credit_id FROM cart_codes g
        WHERE cart_id = :guest AND NOT EXISTS (SELECT FROM cart_codes WHERE cart_id = :mine AND code = g.code)
        ORDER BY added_at DESC, code LIMIT :most - least(:most, (SELECT count(*) FROM cart_codes WHERE cart_id = :mine))
        ON CONFLICT DO NOTHING
        """,
        mine=mine.id,
        guest=guest_id,
        most=MOST_CODES,
    )
