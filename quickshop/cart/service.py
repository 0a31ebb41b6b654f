"""The verbs of a cart. Every change locks the cart's row first, so that checkout sees a settled cart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from quickshop.accounts.callers import Caller
from quickshop.cart import live
from quickshop.cart.errors import CartClosed, CartEmpty, CartFull, NotPriced
from quickshop.cart.queries import Told, cart_lines
from quickshop.cart.refs import CartRef, cart_of_token, share_of_token, share_token
from quickshop.catalog.prices import price_in, prices_in
from quickshop.catalog.queries import SHOWN
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import first_id_of, new_id
from quickshop.kernel.outbox import dump
from quickshop.kernel.unit_of_work import LOOSELY

LARGEST_QUANTITY = 9999
MOST_ITEMS = 500
UNDO_HOURS = 24
PRUNED_AT_ONCE = 1000
SHARED_DAYS = 30


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


def start_cart(caller: Caller, currency: str | None = None) -> CartRef:
    """A new cart of this caller; for a member the active one where a second request was quicker.

    It is in `currency` where that is another one of the shop's, else in the base currency.
    """
    kept = currency if currency in settings().other_currencies else None
    if caller.user_id is None:
        cart_id = new_id()
        db.run_along("INSERT INTO carts (id, currency) VALUES (:id, :currency)", id=cart_id, currency=kept)
        return CartRef(cart_id, None)
    made = db.scalar(
        """
        INSERT INTO carts (id, user_id, currency) VALUES (:id, :user, :currency)
        ON CONFLICT (user_id) WHERE state = 'active' DO UPDATE SET updated_at = now() RETURNING id
        """,
        id=new_id(),
        user=caller.user_id,
        currency=kept,
    )
    return CartRef(made, caller.user_id)


_ADD = f"""
WITH cart AS (
    UPDATE carts SET updated_at = now() WHERE id = :cart AND state = 'active'
      AND user_id IS NOT DISTINCT FROM CAST(:user AS uuid)
    RETURNING id, followed, coalesce(currency, :base) AS currency
), variant AS (
    SELECT v.id, {price_in("cart.currency")} AS price
    FROM cart CROSS JOIN variants v JOIN products p ON p.id = v.product_id {prices_in("cart.currency")}
    WHERE v.id = :variant AND {SHOWN}
), made AS (
    INSERT INTO cart_items (id, cart_id, variant_id, quantity, seen_price_minor)
    SELECT :id, cart.id, variant.id, :quantity, variant.price FROM cart, variant WHERE variant.price IS NOT NULL
    ON CONFLICT (cart_id, variant_id)
    DO UPDATE SET quantity = least(cart_items.quantity + EXCLUDED.quantity, :largest),
                  seen_price_minor = EXCLUDED.seen_price_minor
), told AS (
    INSERT INTO outbox (frames) SELECT CAST(:frames AS jsonb) FROM cart WHERE followed
)
SELECT {LOOSELY}, (SELECT count(*) FROM cart) AS carts, (SELECT count(*) FROM variant) AS variants,
       (SELECT count(*) FROM variant WHERE price IS NOT NULL) AS priced,
       (SELECT count(*) FROM cart_items WHERE cart_id = :cart AND variant_id <> :variant) AS others
"""


def add_item(ref: CartRef, variant_id: UUID, quantity: int) -> None:
    """Add units of a variant (1 to 9999 in all). Raises NotFound, NotPriced, CartClosed, CartFull.

    An empty cart for which nobody chose a currency takes that of what is put in where the shop's own has no price.
    """
    done = db.run(
        _ADD,
        cart=ref.id,
        user=ref.user_id,
        base=settings().base_currency,
        variant=variant_id,
        id=new_id(),
        quantity=min(quantity, LARGEST_QUANTITY),
        largest=LARGEST_QUANTITY,
        frames=dump([live.updated(ref.id)]),
    ).one()
    if not done.carts:
        raise CartClosed("This cart was checked out already; start a new one.")
    if not done.variants:
        raise NotFound("variant")
    if not done.priced:
        if _takes_currency_of(ref, variant_id):
            add_item(ref, variant_id, quantity)
            return
        raise NotPriced("This has no price in the currency of your cart.")
    if done.others >= MOST_ITEMS:
        raise CartFull(f"A cart has room for {MOST_ITEMS} different items.")


def _takes_currency_of(ref: CartRef, variant_id: UUID) -> bool:
    return bool(
        db.scalar(
            """
            UPDATE carts c SET currency = v.currency FROM variants v
            WHERE c.id = :cart AND c.currency IS NULL AND v.id = :variant AND v.currency <> :base
              AND NOT EXISTS (SELECT FROM cart_items i WHERE i.cart_id = c.id)
            RETURNING 1
            """,
            cart=ref.id,
            variant=variant_id,
            base=settings().base_currency,
        )
    )


def lock(ref: CartRef) -> str:
    """Lock an active cart until the transaction ends; its currency. Raises CartClosed."""
    return _lock(ref).currency


def _lock(ref: CartRef) -> Any:
    locked = db.row(
        "UPDATE carts SET updated_at = now() WHERE id = :id AND state = 'active'"
        " AND user_id IS NOT DISTINCT FROM CAST(:user AS uuid)"
        " RETURNING followed, coalesce(currency, :base) AS currency",
        id=ref.id,
        user=ref.user_id,
        base=settings().base_currency,
    )
    if locked is None:
        raise CartClosed("This cart was checked out already; start a new one.")
    return locked


def changing(ref: CartRef) -> str:
    """Lock a cart that is about to change, and leave word for its followers; its currency. Raises CartClosed."""
    locked = _lock(ref)
    if locked.followed:
        live.tell(ref.id)
    return str(locked.currency)


# What can be had is what is left after holds and what this cart holds; of what is sold out one stays in the cart.
_SET = """
WITH known AS (
    SELECT i.id, v.sku, p.name, coalesce(s.on_hand - s.held, 0) + coalesce(hl.quantity, 0) AS available
    FROM cart_items i JOIN variants v ON v.id = i.variant_id JOIN products p ON p.id = v.product_id
    LEFT JOIN stock_items s ON s.variant_id = i.variant_id
    LEFT JOIN stock_holds h ON h.cart_id = i.cart_id AND h.state = 'live'
    LEFT JOIN stock_hold_lines hl ON hl.hold_id = h.id AND hl.variant_id = i.variant_id
    WHERE i.id = :item AND i.cart_id = :cart
)
UPDATE cart_items i SET quantity = greatest(least(:wanted, known.available), 1) FROM known WHERE i.id = known.id
RETURNING i.quantity, known.sku, known.name, known.available
"""


def set_quantity(ref: CartRef, item_id: UUID, quantity: int) -> list[Told]:
    """Set an item's quantity, or as many as can be had; 0 removes it. Warnings say what was cut.

    Raises NotFound, CartClosed.
    """
    if quantity <= 0:
        remove_item(ref, item_id)
        return []
    changing(ref)
    wanted = min(quantity, LARGEST_QUANTITY)
    changed = db.row(_SET, item=item_id, cart=ref.id, wanted=wanted)
    if changed is None:
        raise NotFound("cart item")
    if changed.quantity == wanted:
        return []
    return [_cut(changed, str(item_id), wanted)]


def _cut(row: Any, item_id: str | None, wanted: int) -> Told:
    """The warning that fewer units were put into the cart than were asked for."""
    available = max(row.available, 0)
    return {
        "code": "quantity_reduced",
        "reason": "low_stock" if available else "out_of_stock",
        "item_id": item_id,
        "sku": row.sku,
        "name": row.name,
        "requested": wanted,
        "available": available,
        "new": True,
    }


# A member's things put aside are theirs whatever becomes of the cart; a guest's stay with it.
_OWNER = {True: "user_id = :user", False: "cart_id = :cart"}


def _put_aside(ref: CartRef, item_id: UUID, kind: str) -> dict[str, Any]:
    """Take an item out and keep it aside; {item_id, name}. Raises NotFound, CartClosed."""
    currency = changing(ref)
    column = "cart_id" if ref.user_id is None else "user_id"
    moved = db.row(
        f"""
        WITH gone AS (
            DELETE FROM cart_items WHERE id = :item AND cart_id = :cart
            RETURNING id, variant_id, quantity, seen_price_minor
        ), kept AS (
            INSERT INTO cart_asides (id, {column}, variant_id, kind, quantity, price_minor, currency)
            SELECT id, :owner, variant_id, :kind, quantity, seen_price_minor,
                   CASE WHEN seen_price_minor IS NOT NULL THEN :currency END FROM gone
            ON CONFLICT ({column}, variant_id, kind) DO UPDATE
            SET id = EXCLUDED.id, quantity = EXCLUDED.quantity, price_minor = EXCLUDED.price_minor,
                currency = EXCLUDED.currency, at = now()
        )
        SELECT g.id, p.name FROM gone g JOIN variants v ON v.id = g.variant_id JOIN products p ON p.id = v.product_id
        """,
        item=item_id,
        cart=ref.id,
        owner=ref.user_id or ref.id,
        kind=kind,
        currency=currency,
    )
    if moved is None:
        raise NotFound("cart item")
    return {"item_id": str(moved.id), "name": moved.name}


def remove_item(ref: CartRef, item_id: UUID) -> dict[str, Any]:
    """Take an item out; {item_id, name} for `restore_item`. Raises NotFound, CartClosed."""
    undo = _put_aside(ref, item_id, "removed")
    db.run(
        f"DELETE FROM cart_asides WHERE {_OWNER[ref.user_id is not None]} AND kind = 'removed'"
        " AND at < now() - make_interval(hours => :hours)",
        user=ref.user_id,
        cart=ref.id,
        hours=UNDO_HOURS,
    )
    return undo


def save_for_later(ref: CartRef, item_id: UUID) -> None:
    """Take an item out and keep it for later. Raises NotFound, CartClosed."""
    _put_aside(ref, item_id, "saved")


def restore_item(ref: CartRef, item_id: UUID) -> None:
    """Put back what was taken out, within a day. Raises NotFound, CartClosed, CartFull."""
    _bring_back(ref, item_id, "removed")


def move_to_cart(ref: CartRef, saved_id: UUID) -> None:
    """Put what was saved for later into the cart, at today's price. Raises NotFound, CartClosed, CartFull."""
    _bring_back(ref, saved_id, "saved")


def _bring_back(ref: CartRef, aside_id: UUID, kind: str) -> None:
    currency = changing(ref)
    # The price that stood there then is kept as the one seen, so that the cart tells of a change.
    back = db.row(
        f"""
        WITH back AS (
            DELETE FROM cart_asides WHERE id = :id AND kind = :kind AND {_OWNER[ref.user_id is not None]}
            RETURNING id, variant_id, quantity, CASE WHEN currency = :currency THEN price_minor END AS seen
        ), made AS (
            INSERT INTO cart_items (id, cart_id, variant_id, quantity, seen_price_minor)
            SELECT id, :cart, variant_id, quantity, seen FROM back
            ON CONFLICT (cart_id, variant_id)
            DO UPDATE SET quantity = least(cart_items.quantity + EXCLUDED.quantity, :largest)
        )
        SELECT variant_id, (SELECT count(*) FROM cart_items i WHERE i.cart_id = :cart
                            AND i.variant_id <> back.variant_id) AS others FROM back
        """,
        id=aside_id,
        kind=kind,
        user=ref.user_id,
        cart=ref.id,
        currency=currency,
        largest=LARGEST_QUANTITY,
    )
    if back is None:
        raise NotFound("cart item")
    if back.others >= MOST_ITEMS:
        raise CartFull(f"A cart has room for {MOST_ITEMS} different items.")


def forget_saved(user_id: UUID | None, ref: CartRef | None, saved_id: UUID) -> None:
    """Delete what was saved for later. Raises NotFound."""
    gone = db.run(
        f"DELETE FROM cart_asides WHERE id = :id AND kind = 'saved' AND {_OWNER[user_id is not None]}",
        id=saved_id,
        user=user_id,
        cart=ref.id if ref else None,
    )
    if not gone.rowcount:
        raise NotFound("saved item")


def empty(ref: CartRef) -> None:
    """Take everything out. Raises CartClosed."""
    changing(ref)
    db.run("DELETE FROM cart_items WHERE cart_id = :cart", cart=ref.id)


def set_currency(ref: CartRef, currency: str) -> None:
    """Show and sell the cart in another of the shop's currencies. What has no price in it stays, and cannot be bought.

    Raises Invalid for one that the shop does not take, CartClosed.
    """
    if currency not in settings().currencies:
        raise Invalid({"currency": [f"This shop takes {', '.join(settings().currencies)}."]})
    if changing(ref) == currency:
        return
    db.run("UPDATE carts SET currency = :currency WHERE id = :id", id=ref.id, currency=currency)
    db.run("UPDATE cart_items SET seen_price_minor = NULL WHERE cart_id = :id", id=ref.id)
    mark_seen(ref)


def mark_seen(ref: CartRef) -> None:
    """Note that the owner was shown the cart as it is now: what changed until here is not told again."""
    known = [
        {"id": str(line.id), "price": line.unit_price_minor if line.priced else None, "problem": line.problem}
        for line in sorted(cart_lines(ref), key=lambda line: line.id)
        if line.price_changed or line.seen_price_minor is None or line.problem != line.seen_problem
    ]
    if known:
        db.run(
            """
            UPDATE cart_items i SET seen_price_minor = k.price, seen_problem = k.problem
            FROM jsonb_to_recordset(CAST(:known AS jsonb)) AS k (id uuid, price bigint, problem text)
            WHERE i.id = k.id AND i.cart_id = :cart
            """,
            known=dump(known),
            cart=ref.id,
        )


_FILL = f"""
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (variant_id uuid, quantity int)
), known AS (
    SELECT v.id AS variant_id, v.sku, p.name, w.quantity AS wanted, coalesce({SHOWN}, false) AS on_show,
           {price_in("CAST(:currency AS text)")} AS price,
           coalesce(s.on_hand - s.held, 0) + coalesce(hl.quantity, 0) AS available
    FROM wanted w JOIN variants v ON v.id = w.variant_id JOIN products p ON p.id = v.product_id
    {prices_in("CAST(:currency AS text)")}
    LEFT JOIN stock_items s ON s.variant_id = v.id
    LEFT JOIN stock_holds h ON h.cart_id = :cart AND h.state = 'live'
    LEFT JOIN stock_hold_lines hl ON hl.hold_id = h.id AND hl.variant_id = v.id
), made AS (
    INSERT INTO cart_items (id, cart_id, variant_id, quantity, seen_price_minor)
    SELECT gen_random_uuid(), :cart, variant_id, least(wanted, available, :largest), price FROM known
    WHERE on_show AND price IS NOT NULL AND available > 0 ORDER BY variant_id
    ON CONFLICT (cart_id, variant_id)
    DO UPDATE SET quantity = greatest(cart_items.quantity, EXCLUDED.quantity)
)
SELECT * FROM known ORDER BY name, sku
"""


def fill(ref: CartRef, wanted: Mapping[UUID, int]) -> list[Told]:
    """Put many variants into the cart, as many of each as can be had; where it has one already, the larger quantity.

    Warnings say what could not be had, and why. Raises CartClosed, CartFull.
    """
    currency = changing(ref)
    found = db.rows(
        _FILL,
        wanted=dump([{"variant_id": str(v), "quantity": q} for v, q in wanted.items()]),
        cart=ref.id,
        currency=currency,
        largest=LARGEST_QUANTITY,
    )
    if db.scalar("SELECT count(*) FROM cart_items WHERE cart_id = :cart", cart=ref.id) > MOST_ITEMS:
        raise CartFull(f"A cart has room for {MOST_ITEMS} different items.")
    return [told for row in found for told in _not_had(row)]


def _not_had(row: Any) -> list[Told]:
    if row.on_show and row.price is not None:
        return [_cut(row, None, row.wanted)] if row.available < row.wanted else []
    reason = "no_price" if row.on_show else "withdrawn"
    return [{"code": "not_added", "reason": reason, "item_id": None, "sku": row.sku, "name": row.name, "new": True}]


def share(ref: CartRef | None) -> str:
    """A token with which anybody can put what lies in this cart now into their own, for 30 days. Raises CartEmpty."""
    share_id = new_id()
    kept = db.run(
        """
        INSERT INTO cart_shares (id, items, expires_at)
        SELECT :id,
               jsonb_agg(jsonb_build_object('variant_id', i.variant_id, 'quantity', i.quantity) ORDER BY i.added_at),
               now() + make_interval(days => :days)
        FROM cart_items i JOIN carts c ON c.id = i.cart_id
        WHERE c.id = :cart AND c.state = 'active' AND c.user_id IS NOT DISTINCT FROM CAST(:user AS uuid)
        HAVING count(*) > 0
        """,
        id=share_id,
        cart=ref.id if ref else None,
        user=ref.user_id if ref else None,
        days=SHARED_DAYS,
    )
    if not kept.rowcount:
        raise CartEmpty("Put something in the cart first.")
    return share_token(share_id)


def shared_items(token: str) -> dict[UUID, int]:
    """What was shared: units by variant. Raises NotFound."""
    share_id = share_of_token(token)
    items = db.scalar("SELECT items FROM cart_shares WHERE id = :id AND expires_at > now()", id=share_id)
    if items is None:
        raise NotFound("shared cart")
    return {UUID(item["variant_id"]): int(item["quantity"]) for item in items}


# A cart that was touched long after it was made is looked at again and again; there are few of those.
_FORGET_GUESTS = """
DELETE FROM carts WHERE id IN (
    SELECT id FROM carts
    WHERE user_id IS NULL AND state <> 'ordered' AND id < :made AND updated_at < now() - make_interval(days => :days)
      AND NOT EXISTS (SELECT FROM stock_holds h WHERE h.cart_id = carts.id AND h.state = 'live')
    ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
"""


def prune() -> int:
    """Delete shared carts that ran out, and some of the guests' carts that nobody touched for long; how many."""
    shared = db.run("DELETE FROM cart_shares WHERE expires_at < now()").rowcount
    days = settings().guest_cart_days
    made = first_id_of(now() - timedelta(days=days))
    return shared + db.run(_FORGET_GUESTS, made=made, days=days, most=PRUNED_AT_ONCE).rowcount
