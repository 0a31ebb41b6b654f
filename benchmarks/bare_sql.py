"""The order transaction as bare SQL: the floor that the database alone sets. Leaves only cancelled orders behind.

The same rows as checkout writes: cart and items (not timed apart), stock held under lock, person, order, two lines,
processing row, event, outbox row, idempotency key; one commit. No Python work but the driver's.
"""

from __future__ import annotations

import random
import threading
import time
import uuid

import psycopg2
from psycopg2.extensions import connection

CART = """
WITH c AS (INSERT INTO carts (id) VALUES (%(cart)s))
INSERT INTO cart_items (id, cart_id, variant_id, quantity)
VALUES (gen_random_uuid(), %(cart)s, %(first)s, 2), (gen_random_uuid(), %(cart)s, %(second)s, 1)
"""

STEPS = (
    "SELECT status FROM idempotency_keys WHERE caller = 'bare' AND route = 'bare' AND key = %(key)s",
    "UPDATE carts SET state = 'ordered', order_id = %(order)s WHERE id = %(cart)s AND state = 'active'",
    """SELECT i.variant_id, v.sku, p.name, i.quantity, v.price_minor, s.on_hand - s.held FROM cart_items i
       JOIN variants v ON v.id = i.variant_id JOIN products p ON p.id = v.product_id
       JOIN stock_items s ON s.variant_id = v.id WHERE i.cart_id = %(cart)s""",
    "SELECT code, price_minor, min_days, max_days FROM shipping_methods WHERE active AND currency = 'USD'",
    "INSERT INTO persons (id, key_id, wrapped_key) VALUES (%(order)s, 'bare', %(sealed)s)",
    """WITH locked AS (SELECT s.variant_id, i.quantity FROM stock_items s JOIN cart_items i USING (variant_id)
           WHERE i.cart_id = %(cart)s ORDER BY s.variant_id FOR UPDATE OF s),
       taken AS (UPDATE stock_items s SET held = s.held + l.quantity FROM locked l
           WHERE s.variant_id = l.variant_id AND s.on_hand - s.held >= l.quantity
           RETURNING s.variant_id, l.quantity),
       hold AS (INSERT INTO stock_holds (id, order_id) VALUES (%(hold)s, %(order)s))
       INSERT INTO stock_hold_lines (hold_id, variant_id, quantity) SELECT %(hold)s, variant_id, quantity FROM taken""",
    """WITH o AS (INSERT INTO orders (id, number, person_id, cart_id, caller, email, shipping_address, country, status,
           payment_status, priority, priority_reason, currency, subtotal_minor, shipping_minor, total_minor,
           shipping_method, deliver_from, deliver_to, payment_token, event_seq, placed_at)
           VALUES (%(order)s, 'BARE-' || %(key)s, %(order)s, %(cart)s, 'bare', %(sealed)s, %(sealed)s, 'US',
           'cancelled', 'voided', 'standard', 'default', 'USD', 3000, 499, 3499, '{}', current_date, current_date,
           'tok', 1, now()) RETURNING id),
       l AS (INSERT INTO order_lines (id, order_id, position, variant_id, sku, name, options, quantity,
           unit_price_minor, total_minor) SELECT gen_random_uuid(), o.id, n, v, 'SKU', 'Name', '{}', 1, 1500, 1500
           FROM o, (VALUES (0, %(first)s::uuid), (1, %(second)s::uuid)) AS x (n, v)),
       w AS (INSERT INTO order_processing (order_id, queue, step, ended_at)
           SELECT id, 'orders.standard', 'done', now() FROM o),
       e AS (INSERT INTO order_events (order_id, seq, type, at, data) SELECT id, 1, 'order.placed', now(), '{}' FROM o)
       INSERT INTO outbox (frames, tasks, sent_at) SELECT '[]', '[]', now() FROM o""",
    """INSERT INTO idempotency_keys (caller, route, key, request_hash, status, body)
       VALUES ('bare', 'bare', %(key)s, %(sealed)s, 202, %(sealed)s)""",
)

# Give the units back and leave no trace that counts: the orders stay, cancelled, under BARE- numbers.
TIDY = """
WITH gone AS (
    UPDATE stock_holds h SET state = 'released' FROM orders o
    WHERE h.order_id = o.id AND o.caller = 'bare' AND h.state = 'live' RETURNING h.id
), units AS (
    SELECT l.variant_id, sum(l.quantity) AS quantity FROM stock_hold_lines l JOIN gone ON gone.id = l.hold_id
    GROUP BY l.variant_id
)
UPDATE stock_items s SET held = s.held - units.quantity FROM units WHERE units.variant_id = s.variant_id
"""


def _one(database: connection, variants: list[str], rng: random.Random) -> None:
    first, second = rng.sample(variants, 2)
    values = {
        "cart": str(uuid.uuid4()),
        "order": str(uuid.uuid4()),
        "hold": str(uuid.uuid4()),
        "key": uuid.uuid4().hex,
        "first": first,
        "second": second,
        "sealed": b"0" * 160,
    }
    with database.cursor() as cursor:
        cursor.execute(CART, values)
        database.commit()
        for step in STEPS:
            cursor.execute(step, values)
        database.commit()


def orders_per_second(database_url: str, variants: list[str], buyers: int, seconds: float) -> float:
    """Orders per second with `buyers` connections for some seconds."""
    counts, until = [0] * buyers, time.perf_counter() + seconds

    def buyer(number: int) -> None:
        database, rng = psycopg2.connect(database_url), random.Random(number)
        while time.perf_counter() < until:
            _one(database, variants, rng)
            counts[number] += 1
        database.close()

    threads = [threading.Thread(target=buyer, args=(i,)) for i in range(buyers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with psycopg2.connect(database_url) as database, database.cursor() as cursor:
        cursor.execute(TIDY)
    return sum(counts) / seconds
