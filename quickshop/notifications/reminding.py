"""Reminders of carts that were left: to members who agreed, once per cart, with a link that brings the cart back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from quickshop.accounts import mailing
from quickshop.accounts.people import person_key
from quickshop.accounts.users import place
from quickshop.cart import service as carts
from quickshop.cart.queries import cart_lines
from quickshop.cart.refs import CartRef
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.unit_of_work import run_unit

CART_LEFT = "cart.left"
AFTER = timedelta(hours=4)  # a cart that was touched more recently is not left yet
UNTIL = timedelta(days=7)  # who comes back later has forgotten it
BATCH = 50
MOST_NAMED = 5

# Consent is a row of its own: what was never said is a no.
_LEFT = """
SELECT c.id, c.user_id, u.email, u.first_name, per.id AS person_id, per.key_id, per.wrapped_key
FROM carts c JOIN users u ON u.id = c.user_id JOIN persons per ON per.id = u.person_id
WHERE c.state = 'active' AND c.updated_at <= :left_before AND c.updated_at > :left_after
  AND u.email_verified_at IS NOT NULL AND u.disabled_at IS NULL AND per.wrapped_key IS NOT NULL
  AND EXISTS (SELECT FROM preferences p WHERE p.user_id = c.user_id AND p.topic = 'cart_reminders' AND p.enabled)
  AND EXISTS (SELECT FROM cart_items i WHERE i.cart_id = c.id)
  AND NOT EXISTS (SELECT FROM cart_reminders r WHERE r.cart_id = c.id)
ORDER BY c.updated_at, c.id LIMIT :limit FOR UPDATE OF c SKIP LOCKED
"""


def remind() -> int:
    """Leave word for the owners of carts that were left; how many. Safe to run in parallel."""
    reminded = 0
    while found := run_unit(_remind_some):
        reminded += found
    return reminded


def _remind_some() -> int:
    at = now()
    left = db.rows(_LEFT, left_before=at - AFTER, left_after=at - UNTIL, limit=BATCH)
    for cart in left:
        _remind(cart)
    if left:
        mailing.wake()
    return len(left)


def _remind(cart: Any) -> None:
    db.run("INSERT INTO cart_reminders (cart_id, at) VALUES (:cart, :at)", cart=cart.id, at=now())
    ref = CartRef(cart.id, cart.user_id)
    lines = [line for line in cart_lines(ref) if line.problem is None]
    if not lines:
        return  # nothing of it can be bought: no reason to write, now or later
    person = person_key(cart.person_id, cart.key_id, cart.wrapped_key)
    content = {
        "email": person.unseal(cart.email, place("email", cart.user_id)),
        "first_name": person.unseal(cart.first_name, place("first_name", cart.user_id)),
        "items": [line.name for line in lines[:MOST_NAMED]],
        "units": sum(line.quantity for line in lines),
        "page": f"{settings().public_url}/cart/back/{carts.share(ref)}",
    }
    mailing.leave(CART_LEFT, cart.id, person, content)
