"""The verbs of stock. Rows are always locked in variant order; a hold is either whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from quickshop.inventory.errors import OutOfStock, Shortage
from quickshop.kernel import db, facts
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import dump, write

Wanted = Mapping[UUID, int]
HOLD_EXPIRING = "hold.expiring"
WARNED_SECONDS = 120

# Condition and new values are those of the rows as they were locked. Of `s` itself PostgreSQL first takes the version
# of the statement's snapshot: units given back while it waited for the lock would be missed, and the CHECKs asked of
# numbers that are no longer true.
_HOLD = """
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (variant_id uuid, quantity int)
), locked AS (
    SELECT s.variant_id, s.on_hand, s.held, w.quantity
    FROM stock_items s JOIN wanted w USING (variant_id)
    ORDER BY s.variant_id FOR UPDATE OF s
), taken AS (
    UPDATE stock_items s SET on_hand = l.on_hand, held = l.held + l.quantity FROM locked l
    WHERE s.variant_id = l.variant_id AND l.on_hand - l.held >= l.quantity
    RETURNING s.variant_id, l.quantity
), hold AS (
    INSERT INTO stock_holds (id, cart_id, order_id, expires_at)
    VALUES (:hold_id, :cart_id, :order_id, now() + CAST(:minutes AS float8) * interval '1 minute')
), lines AS (
    INSERT INTO stock_hold_lines (hold_id, variant_id, quantity) SELECT :hold_id, variant_id, quantity FROM taken
)
SELECT count(*) FROM taken
"""

_SHORTAGES = """
SELECT w.variant_id, v.sku, w.quantity AS requested, coalesce(s.on_hand - s.held, 0) AS available
FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (variant_id uuid, quantity int)
JOIN variants v ON v.id = w.variant_id LEFT JOIN stock_items s ON s.variant_id = w.variant_id
WHERE coalesce(s.on_hand - s.held, 0) < w.quantity ORDER BY v.sku
"""

# Follows a CTE `raised (variant_id, quantity, available)`: rows of which `quantity` units more can be had than before,
# which are `available` now. Where there were none before, whoever waits for the variant has to be told; that is a
# matter of a room above, which takes the fact. Every statement that makes more available ends its changes with this.
TELL = """, told AS (
    INSERT INTO pending_facts (consumer, type, data)
    SELECT 'wishlists', 'inventory.back_in_stock', jsonb_build_object('variant_id', variant_id)
    FROM raised WHERE quantity > 0 AND available > 0 AND available <= quantity
)"""

_LOCK_LINES = """
WITH hold AS (
    SELECT id FROM stock_holds WHERE {owner} AND state = 'live' FOR UPDATE
), locked AS (
    SELECT s.variant_id, l.quantity FROM stock_items s
    JOIN stock_hold_lines l USING (variant_id) JOIN hold ON hold.id = l.hold_id
    ORDER BY s.variant_id FOR UPDATE OF s
)"""

_LOCK_BOTH = """
WITH hold AS (
    SELECT id FROM stock_holds WHERE cart_id = :id AND state = 'live' FOR UPDATE
), touched AS (
    SELECT variant_id FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (variant_id uuid)
    UNION SELECT l.variant_id FROM stock_hold_lines l JOIN hold ON hold.id = l.hold_id
)
SELECT 1 FROM stock_items s JOIN touched USING (variant_id) ORDER BY s.variant_id FOR UPDATE OF s
"""

_RELEASE = (
    _LOCK_LINES
    + """, raised AS (
    UPDATE stock_items s SET held = s.held - l.quantity FROM locked l WHERE s.variant_id = l.variant_id
    RETURNING s.variant_id, l.quantity, s.on_hand - s.held AS available
)"""
    + TELL
    + """, closed AS (
    UPDATE stock_holds SET state = 'released' WHERE id IN (SELECT id FROM hold) RETURNING id
)
SELECT count(*) FROM closed
"""
)

_COMMIT = (
    _LOCK_LINES
    + """, sold AS (
    UPDATE stock_items s SET held = s.held - l.quantity, on_hand = s.on_hand - l.quantity
    FROM locked l WHERE s.variant_id = l.variant_id
), moved AS (
    INSERT INTO stock_movements (variant_id, delta, cause, order_id)
    SELECT variant_id, -quantity, 'sold', :id FROM locked ORDER BY variant_id
), closed AS (
    UPDATE stock_holds SET state = 'committed' WHERE id IN (SELECT id FROM hold) RETURNING id
)
SELECT count(*) FROM closed
"""
)

_BY_ORDER, _BY_CART = "order_id = :id", "cart_id = :id"


def _wanted(wanted: Wanted) -> str:
    return dump([{"variant_id": str(v), "quantity": q} for v, q in wanted.items()])


def _hold(wanted: Wanted, *, cart_id: UUID | None, order_id: UUID | None, minutes: float | None) -> None:
    taken = db.scalar(
        _HOLD, wanted=_wanted(wanted), hold_id=new_id(), cart_id=cart_id, order_id=order_id, minutes=minutes
    )
    if taken != len(wanted):
        raise OutOfStock(shortages(wanted))


def shortages(wanted: Wanted) -> list[Shortage]:
    """Every variant of `wanted` that cannot be had now, with what is left."""
    return [
        Shortage(variant_id=str(r.variant_id), sku=r.sku, requested=r.requested, available=r.available)
        for r in db.rows(_SHORTAGES, wanted=_wanted(wanted))
    ]


def refuse_shortage(wanted: Wanted) -> None:
    """Raise OutOfStock where `wanted` cannot be had at this moment; locks nothing and promises nothing."""
    found = shortages(wanted)
    if found:
        raise OutOfStock(found)


def reserve(order_id: UUID, wanted: Wanted) -> None:
    """Promise units to an order until they are committed or released: one conditional UPDATE in variant order.

    `wanted` maps variant ids to units (> 0). Raises OutOfStock with every shortage; the caller's transaction
    must then roll back.
    """
    _hold(wanted, cart_id=None, order_id=order_id, minutes=None)


def hold_for_cart(cart_id: UUID, wanted: Wanted, minutes: float) -> None:
    """Promise units to a cart for some minutes, in place of what it held before. Raises OutOfStock."""
    lock_for_cart(cart_id, wanted)
    release_cart_hold(cart_id)
    _hold(wanted, cart_id=cart_id, order_id=None, minutes=minutes)


def lock_for_cart(cart_id: UUID, wanted: Wanted) -> None:
    """Lock what a cart holds and what it shall have instead, all in variant order.

    To give back the one and then take the other would lock rows out of order: two such carts would wait for each other.
    """
    db.run_along(_LOCK_BOTH, id=cart_id, wanted=_wanted(wanted))


def release_cart_hold(cart_id: UUID) -> bool:
    """Give back what a cart holds; says whether it held anything."""
    return bool(db.scalar(_RELEASE.format(owner=_BY_CART), id=cart_id))


def release(order_id: UUID) -> bool:
    """Give back what an order holds and has not yet taken; says whether it held anything. Safe to run twice."""
    return bool(db.scalar(_RELEASE.format(owner=_BY_ORDER), id=order_id))


def commit(order_id: UUID) -> bool:
    """Take an order's held units out of stock for good, with a movement each. Safe to run twice.

    Says whether there was a live hold.
    """
    return bool(db.scalar(_COMMIT.format(owner=_BY_ORDER), id=order_id))


def put_back(order_id: UUID) -> int:
    """Return an order's sold units to stock, with a movement each; how many variants. Safe to run twice."""
    return int(
        db.scalar(
            """
            WITH hold AS (
                UPDATE stock_holds SET state = 'released' WHERE order_id = :id AND state = 'committed' RETURNING id
            ), locked AS (
                SELECT s.variant_id, l.quantity FROM stock_items s
                JOIN stock_hold_lines l USING (variant_id) JOIN hold ON hold.id = l.hold_id
                ORDER BY s.variant_id FOR UPDATE OF s
            ), raised AS (
                UPDATE stock_items s SET on_hand = s.on_hand + l.quantity FROM locked l
                WHERE s.variant_id = l.variant_id
                RETURNING s.variant_id, l.quantity, s.on_hand - s.held AS available
            )"""
            + TELL
            + """, moved AS (
                INSERT INTO stock_movements (variant_id, delta, cause, order_id)
                SELECT variant_id, quantity, 'returned', :id FROM locked RETURNING 1
            )
            SELECT count(*) FROM moved
            """,
            id=order_id,
        )
    )


def take_back(order_id: UUID, whole: Wanted, broken: Wanted) -> None:
    """Note units of an order that came back, with a movement each: `whole` ones can be sold again; `broken` ones come
    and go as damaged, so that none is missing in the books. Rows are locked in variant order.
    """
    db.run(
        """
        WITH came AS (
            SELECT * FROM jsonb_to_recordset(CAST(:whole AS jsonb)) AS w (variant_id uuid, quantity int)
            WHERE quantity > 0
        ), lost AS (
            SELECT * FROM jsonb_to_recordset(CAST(:broken AS jsonb)) AS w (variant_id uuid, quantity int)
            WHERE quantity > 0
        ), locked AS (
            SELECT s.variant_id, c.quantity FROM stock_items s JOIN came c USING (variant_id)
            ORDER BY s.variant_id FOR UPDATE OF s
        ), raised AS (
            UPDATE stock_items s SET on_hand = s.on_hand + l.quantity FROM locked l
            WHERE s.variant_id = l.variant_id
            RETURNING s.variant_id, l.quantity, s.on_hand - s.held AS available
        )"""
        + TELL
        + """
        INSERT INTO stock_movements (variant_id, delta, cause, order_id)
        SELECT variant_id, quantity, 'returned', CAST(:id AS uuid) FROM locked
        UNION ALL SELECT variant_id, quantity, 'returned', CAST(:id AS uuid) FROM lost
        UNION ALL SELECT variant_id, -quantity, 'damaged', CAST(:id AS uuid) FROM lost
        """,
        id=order_id,
        whole=_wanted(whole),
        broken=_wanted(broken),
    )


def put_back_some(order_id: UUID, wanted: Wanted) -> None:
    """Return some of an order's sold units to stock, with a movement each; the rest stays sold. The caller holds the
    order's lock. The database refuses more than the order has.
    """
    db.run(
        """
        WITH wanted AS (
            SELECT * FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (variant_id uuid, quantity int)
        ), hold AS (
            SELECT id FROM stock_holds WHERE order_id = :id AND state = 'committed' FOR UPDATE
        ), locked AS (
            SELECT s.variant_id, w.quantity FROM stock_items s JOIN wanted w USING (variant_id) CROSS JOIN hold
            ORDER BY s.variant_id FOR UPDATE OF s
        ), fewer AS (
            UPDATE stock_hold_lines l SET quantity = l.quantity - w.quantity FROM locked w, hold
            WHERE l.hold_id = hold.id AND l.variant_id = w.variant_id AND l.quantity <> w.quantity
        ), none AS (
            DELETE FROM stock_hold_lines l USING locked w, hold
            WHERE l.hold_id = hold.id AND l.variant_id = w.variant_id AND l.quantity = w.quantity
        ), raised AS (
            UPDATE stock_items s SET on_hand = s.on_hand + l.quantity FROM locked l WHERE s.variant_id = l.variant_id
            RETURNING s.variant_id, l.quantity, s.on_hand - s.held AS available
        )"""
        + TELL
        + """
        INSERT INTO stock_movements (variant_id, delta, cause, order_id)
        SELECT variant_id, quantity, 'returned', :id FROM locked
        """,
        id=order_id,
        wanted=_wanted(wanted),
    )


def receive(wanted: Wanted) -> None:
    """Add units to stock, with a movement each; makes the stock rows that do not exist yet."""
    db.run(
        """
        WITH arrived AS (
            SELECT * FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (variant_id uuid, quantity int)
        ), stocked AS (
            INSERT INTO stock_items (variant_id, on_hand) SELECT variant_id, quantity FROM arrived ORDER BY variant_id
            ON CONFLICT (variant_id) DO UPDATE SET on_hand = stock_items.on_hand + EXCLUDED.on_hand
            RETURNING variant_id, on_hand - held AS available
        ), raised AS (
            SELECT variant_id, quantity, available FROM stocked JOIN arrived USING (variant_id)
        )"""
        + TELL
        + """
        INSERT INTO stock_movements (variant_id, delta, cause)
        SELECT variant_id, quantity, 'received' FROM arrived WHERE quantity <> 0
        """,
        wanted=_wanted(wanted),
    )


def release_expired(limit: int = 1) -> int:
    """Free holds of carts whose time is over (judged by database time); how many.

    One cart in a transaction by default: the rows of several would be locked out of variant order.
    """
    due = db.rows(
        """
        SELECT cart_id FROM stock_holds WHERE state = 'live' AND cart_id IS NOT NULL AND expires_at < now()
        ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
        """,
        limit=limit,
    )
    return sum(release_cart_hold(r.cart_id) for r in due)


def warn_of_expiry(limit: int = 500) -> int:
    """Tell the followers of carts, once for each hold, that what they hold is theirs for two minutes more at most.

    Returns how many carts there were.
    """
    soon = db.rows(
        """
        UPDATE stock_holds SET warned_at = now() WHERE id IN (
            SELECT id FROM stock_holds WHERE state = 'live' AND cart_id IS NOT NULL AND warned_at IS NULL
              AND expires_at BETWEEN now() AND now() + make_interval(secs => :seconds)
            ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
        ) RETURNING cart_id, expires_at
        """,
        seconds=WARNED_SECONDS,
        limit=limit,
    )
    at = rfc3339(now())
    frame = {"seq": None, "type": HOLD_EXPIRING, "at": at}
    for hold in soon:
        data = {"expires_at": rfc3339(hold.expires_at)}
        write([{**frame, "topic": f"cart:{hold.cart_id}", "data": data}])
    return len(soon)


def receive_known(variant_id: UUID, quantity: int) -> None:
    """Add units of one variant. Raises NotFound for an unknown one."""
    if not db.scalar("SELECT 1 FROM variants WHERE id = :id", id=variant_id):
        raise NotFound("variant")
    receive({variant_id: quantity})
    facts.announce("stock.changed", {"variant_id": str(variant_id), "delta": quantity, "cause": "received"})
