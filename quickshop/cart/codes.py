"""Codes on a cart: promotions and gift cards that its owner asked for, and whether store credit shall pay.

What a code takes off is worked out when the cart is priced; a code that cannot be used any more stays and says why.
"""

from __future__ import annotations

from quickshop.accounts.callers import Caller
from quickshop.cart.refs import CartRef
from quickshop.cart.service import lock
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.promotions.crediting import card_digest
from quickshop.promotions.errors import CodeEnded, CodeUnknown, TooManyCodes, UsedUp
from quickshop.promotions.queries import by_code
from quickshop.promotions.rules import normal_code

MOST_CODES = 10
CARD = "*"  # begins what stands for a gift card; no promotion's code can begin so


def add(ref: CartRef, typed: str, caller: Caller) -> None:
    """Put a code on an active cart; again changes nothing. Writes; the caller commits.

    Raises CodeUnknown, CodeEnded, UsedUp, TooManyCodes, CartClosed.
    """
    whose = f"user:{caller.user_id}" if caller.user_id else None
    known = by_code(normal_code(typed), card_digest(typed), whose)
    if known is None:
        raise CodeUnknown("We know no such code. Look at how it is written, then try again.")
    if known.trouble == "used_up":
        raise UsedUp("This code has been used as often as it can be.")
    if known.trouble is not None:
        raise CodeEnded(known.trouble)
    lock(ref)
    if db.scalar("SELECT count(*) FROM cart_codes WHERE cart_id = :id", id=ref.id) >= MOST_CODES:
        raise TooManyCodes(f"A cart has room for {MOST_CODES} codes. Take one off first.")
    db.run(
        "INSERT INTO cart_codes (cart_id, code, credit_id) VALUES (:cart, :code, :credit) ON CONFLICT DO NOTHING",
        cart=ref.id,
        code=f"{CARD}{known.code}" if known.credit_id else known.code,
        credit=known.credit_id,
    )


def remove(ref: CartRef, code: str) -> None:
    """Take a code off an active cart; a gift card by its last characters or its whole code.

    Raises NotFound, CartClosed.
    """
    lock(ref)
    gone = db.run(
        """
        DELETE FROM cart_codes WHERE cart_id = :cart AND (code = :code OR code = :last4
            OR credit_id = (SELECT id FROM credits WHERE code_digest = :digest))
        """,
        cart=ref.id,
        code=normal_code(code),
        last4=f"{CARD}{normal_code(code)}",
        digest=card_digest(code),
    )
    if not gone.rowcount:
        raise NotFound("code")


def use_credit(ref: CartRef, use: bool) -> None:
    """Say whether what the shop owes the cart's member shall pay. Raises NotFound for a guest's cart, CartClosed."""
    if ref.user_id is None:
        raise NotFound("store credit")
    lock(ref)
    db.run("UPDATE carts SET uses_credit = :use WHERE id = :id", use=use, id=ref.id)
