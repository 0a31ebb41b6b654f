"""The verbs of a cart. Every change locks the cart's row first, so that checkout sees a settled cart."""

from __future__ import annotations

from uuid import UUID

from quickshop.accounts.callers import Caller
from quickshop.cart.errors import CartClosed, CartFull
from quickshop.cart.refs import CartRef, cart_of_token
from quickshop.catalog.queries import SHOWN
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import LOOSELY

LARGEST_QUANTITY = 9999
MOST_ITEMS = 500


def open_cart(caller: Caller, token: str | None) -> CartRef | None:
    """The caller's active cart, or None: a member's own, else the one the guest's token names.

    Raises NotFound for a token that names no guest cart of ours.
    """
    if caller.user_id is not None:
        cart_id = db.scalar("SELECT id FROM carts WHERE user_id = :u AND state = 'active'", u=caller.user_id)
        return CartRef(cart_id, caller.user_id) if cart_id else None
    if not token:
        return None
    cart_id = cart_of_token(token)
    if cart_id is None:
        raise NotFound("cart")
    return CartRef(cart_id, None)


def start_cart(caller: Caller) -> CartRef:
    """A new cart of this caller; for a member the active one where a second request was quicker."""
    if caller.user_id is None:
        cart_id = new_id()
        db.run_along("INSERT INTO carts (id) VALUES (:id)", id=cart_id)
        return CartRef(cart_id, None)
    made = db.scalar(
        """
        INSERT INTO carts (id, user_id) VALUES (:id, :user)
        ON CONFLICT (user_id) WHERE state = 'active' DO UPDATE SET updated_at = now() RETURNING id
        """,
        id=new_id(),
        user=caller.user_id,
    )
    return CartRef(made, caller.user_id)


_ADD = f"""
WITH cart AS (
    UPDATE carts SET updated_at = now() WHERE id = :cart AND state = 'active'
      AND user_id IS NOT DISTINCT FROM CAST(:user AS uuid) RETURNING id
), variant AS (
    SELECT v.id FROM variants v JOIN products p ON p.id = v.product_id
    WHERE v.id = :variant AND {SHOWN}
), made AS (
    INSERT INTO cart_items (id, cart_id, variant_id, quantity)
    SELECT :id, cart.id, variant.id, :quantity FROM cart, variant
    ON CONFLICT (cart_id, variant_id)
    DO UPDATE SET quantity = least(cart_items.quantity + EXCLUDED.quantity, :largest)
)
SELECT {LOOSELY}, (SELECT count(*) FROM cart) AS carts, (SELECT count(*) FROM variant) AS variants,
       (SELECT count(*) FROM cart_items WHERE cart_id = :cart AND variant_id <> :variant) AS others
"""


def add_item(ref: CartRef, variant_id: UUID, quantity: int) -> None:
    """Add units of a variant (1 to 9999 in all). Raises NotFound, CartClosed, CartFull."""
    done = db.run(
        _ADD,
        cart=ref.id,
        user=ref.user_id,
        variant=variant_id,
        id=new_id(),
        quantity=min(quantity, LARGEST_QUANTITY),
        largest=LARGEST_QUANTITY,
    ).one()
    if not done.carts:
        raise CartClosed("This cart was checked out already; start a new one.")
    if not done.variants:
        raise NotFound("variant")
    if done.others >= MOST_ITEMS:
        raise CartFull(f"A cart has room for {MOST_ITEMS} different items.")


def lock(ref: CartRef) -> None:
    """Lock an active cart until the transaction ends. Raises CartClosed."""
    locked = db.scalar(
        "UPDATE carts SET updated_at = now() WHERE id = :id AND state = 'active'"
        " AND user_id IS NOT DISTINCT FROM CAST(:user AS uuid) RETURNING 1",
        id=ref.id,
        user=ref.user_id,
    )
    if not locked:
        raise CartClosed("This cart was checked out already; start a new one.")


def set_quantity(ref: CartRef, item_id: UUID, quantity: int) -> None:
    """Set an item's quantity (1 to 9999); 0 removes it. Raises NotFound, CartClosed."""
    if quantity <= 0:
        remove_item(ref, item_id)
        return
    lock(ref)
    changed = db.run(
        "UPDATE cart_items SET quantity = :q WHERE id = :item AND cart_id = :cart",
        q=min(quantity, LARGEST_QUANTITY),
        item=item_id,
        cart=ref.id,
    )
    if not changed.rowcount:
        raise NotFound("cart item")


def remove_item(ref: CartRef, item_id: UUID) -> None:
    """Take an item out. Raises NotFound, CartClosed."""
    lock(ref)
    gone = db.run("DELETE FROM cart_items WHERE id = :item AND cart_id = :cart", item=item_id, cart=ref.id)
    if not gone.rowcount:
        raise NotFound("cart item")


def empty(ref: CartRef) -> None:
    """Take everything out. Raises CartClosed."""
    lock(ref)
    db.run("DELETE FROM cart_items WHERE cart_id = :cart", cart=ref.id)


def merge_on_login(user_id: UUID, token: str | None) -> None:
    """Join a guest's cart into the member's at sign-in: all items, the larger quantity where both have one,
    and all codes.

    An unknown or closed guest cart changes nothing.
    """
    guest_id = cart_of_token(token) if token else None
    if guest_id is None:
        return
    mine = start_cart(Caller(user_id=user_id))
    taken = db.scalar(
        "UPDATE carts SET state = 'merged' WHERE id = :id AND state = 'active' AND user_id IS NULL RETURNING 1",
        id=guest_id,
    )
    if not taken:
        return
    inventory.release_cart_hold(guest_id)  # or what it holds would be missing for the member it now belongs to
    db.run(
        """
        INSERT INTO cart_items (id, cart_id, variant_id, quantity)
        SELECT gen_random_uuid(), :mine, variant_id, quantity FROM cart_items WHERE cart_id = :guest
        ORDER BY variant_id
        ON CONFLICT (cart_id, variant_id)
        DO UPDATE SET quantity = greatest(cart_items.quantity, EXCLUDED.quantity)
        """,
        mine=mine.id,
        guest=guest_id,
    )
    db.run(
        "INSERT INTO cart_codes (cart_id, code, credit_id) SELECT :mine, code, credit_id FROM cart_codes"
        " WHERE cart_id = :guest ON CONFLICT DO NOTHING",
        mine=mine.id,
        guest=guest_id,
    )
