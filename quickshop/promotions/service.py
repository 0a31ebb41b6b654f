"""Spending what an order uses of promotions and credit, and giving it back. Rows are locked in key order: promotions,
codes, credit. Everything here runs in the transaction of whoever calls, and stands or falls with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.outbox import dump
from quickshop.promotions.errors import CreditSpent, UsedUp

# Whoever uses the same promotion for the same person waits here, so that their uses are counted one after the other.
# The others wait for nobody but for limited rows.
_LOCK_PERSON = """
SELECT pg_advisory_xact_lock(hashtextextended(id::text || :caller, 7))
FROM (SELECT id FROM promotions WHERE id = ANY(:ids) AND person_limit IS NOT NULL ORDER BY id) p
"""

_LOCK_ROWS = """
WITH p AS (
    SELECT id FROM promotions WHERE id = ANY(:ids) AND total_limit IS NOT NULL ORDER BY id FOR NO KEY UPDATE
)
SELECT count(*) FROM (
    SELECT code FROM promotion_codes
    WHERE code = ANY(:codes) AND total_limit IS NOT NULL AND (SELECT count(*) >= 0 FROM p)
    ORDER BY code FOR NO KEY UPDATE
) c
"""

_SPEND = """
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (promotion_id uuid, code text)
), counted AS (
    UPDATE promotions p SET used = used + 1 FROM wanted w
    WHERE p.id = w.promotion_id AND p.total_limit IS NOT NULL AND p.used < p.total_limit RETURNING p.id
), coded AS (
    UPDATE promotion_codes c SET used = used + 1 FROM wanted w
    WHERE c.code = w.code AND c.total_limit IS NOT NULL AND c.used < c.total_limit RETURNING c.code
), numbered AS (
    SELECT w.promotion_id, w.code, CASE WHEN p.person_limit IS NOT NULL THEN (
        SELECT min(n) FROM generate_series(1, p.person_limit) n WHERE NOT EXISTS (
            SELECT FROM promotion_uses u WHERE u.promotion_id = p.id AND u.caller = :caller AND u.number = n
              AND u.given_back_at IS NULL)) END AS number
    FROM wanted w JOIN promotions p ON p.id = w.promotion_id
    WHERE p.active AND (p.total_limit IS NULL OR p.id IN (SELECT id FROM counted))
      AND (w.code IS NULL OR EXISTS (
          SELECT FROM promotion_codes c WHERE c.code = w.code AND c.active
            AND (c.total_limit IS NULL OR c.code IN (SELECT code FROM coded))))
)
INSERT INTO promotion_uses (promotion_id, order_id, code, caller, number)
SELECT n.promotion_id, :order, n.code, :caller, n.number FROM numbered n JOIN promotions p ON p.id = n.promotion_id
WHERE p.person_limit IS NULL OR n.number IS NOT NULL
"""


def spend(order_id: UUID, caller: str, used: Mapping[UUID, str | None]) -> None:
    """Count an order's use of promotions, given with the code that each was asked for by. Raises UsedUp.

    `caller` is whom limits for each person count, as orders name them. All are counted or none.
    """
    if not used:
        return
    ids, codes = sorted(used), sorted(code for code in used.values() if code)
    db.run(_LOCK_PERSON, ids=ids, caller=caller)
    # A statement of its own each: what is counted below has to be seen after the wait.
    db.run(_LOCK_ROWS, ids=ids, codes=codes)
    wanted = [{"promotion_id": str(i), "code": used[i]} for i in ids]
    done = db.run(_SPEND, wanted=dump(wanted), order=order_id, caller=caller)
    if done.rowcount != len(used):
        raise UsedUp("An offer in your cart has just been used up. Look at the new total, then order.")


def pay(order_id: UUID, parts: Mapping[UUID, int]) -> None:
    """Take what pays a part of an order off its credit, in minor units by credit. Raises CreditSpent."""
    if not parts:
        return
    wanted = [{"id": str(i), "amount": parts[i]} for i in sorted(parts)]
    done = db.run(
        """
        WITH wanted AS (
            SELECT * FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (id uuid, amount bigint)
        ), locked AS (
            SELECT c.id FROM credits c JOIN wanted w USING (id) ORDER BY c.id FOR NO KEY UPDATE OF c
        ), taken AS (
            UPDATE credits c SET balance_minor = balance_minor - w.amount FROM wanted w
            WHERE c.id = w.id AND c.id IN (SELECT id FROM locked) AND c.active AND c.balance_minor >= w.amount
              AND coalesce(now() < c.expires_at, true)
            RETURNING c.id, w.amount
        )
        INSERT INTO credit_entries (credit_id, delta_minor, cause, order_id)
        SELECT id, -amount, 'spent', :order FROM taken
        """,
        wanted=dump(wanted),
        order=order_id,
    )
    if done.rowcount != len(parts):
        raise CreditSpent("A gift card or your credit has less on it than before. Look at what is due, then order.")


def give_back(order_id: UUID) -> None:
    """Free what an order that ends unpaid or cancelled used, with a row for each. Safe to run twice."""
    give_back_uses(order_id)
    left = credit_left(order_id)
    if left:
        give_back_credit(order_id, left)


def give_back_uses(order_id: UUID) -> None:
    """Free the uses of promotions by an order. Safe to run twice."""
    db.run(
        """
        SELECT id FROM promotions WHERE total_limit IS NOT NULL AND id IN (
            SELECT promotion_id FROM promotion_uses WHERE order_id = :order AND given_back_at IS NULL)
        ORDER BY id FOR NO KEY UPDATE
        """,
        order=order_id,
    )
    db.run(
        """
        WITH back AS (
            UPDATE promotion_uses SET given_back_at = now() WHERE order_id = :order AND given_back_at IS NULL
            RETURNING promotion_id, code
        ), promotions_freed AS (
            UPDATE promotions p SET used = greatest(used - 1, 0) FROM back
            WHERE p.id = back.promotion_id AND p.total_limit IS NOT NULL
        )
        UPDATE promotion_codes c SET used = greatest(used - 1, 0) FROM back
        WHERE c.code = back.code AND c.total_limit IS NOT NULL
        """,
        order=order_id,
    )


# What each credit paid for an order and has not got back.
_SPENT = """
SELECT credit_id, -sum(delta_minor)::bigint AS amount FROM credit_entries
WHERE order_id = :order AND cause IN ('spent', 'given_back') GROUP BY 1 HAVING sum(delta_minor) < 0
"""


def credit_left(order_id: UUID) -> int:
    """What gift cards and store credit paid for an order and have not got back, in minor units."""
    return int(db.scalar(f"SELECT coalesce(sum(amount), 0) FROM ({_SPENT}) s", order=order_id))


def give_back_credit(order_id: UUID, amount_minor: int) -> None:
    """Put an amount back on the credit that paid for an order. Raises ValueError for more than it paid."""
    db.run(
        "SELECT id FROM credits WHERE id IN (SELECT credit_id FROM credit_entries WHERE order_id = :order)"
        " ORDER BY id FOR NO KEY UPDATE",
        order=order_id,
    )
    purses = [(row.credit_id, row.amount) for row in db.rows(f"{_SPENT} ORDER BY credit_id", order=order_id)]
    parts = share_out(amount_minor, purses)
    if sum(parts.values()) != amount_minor:
        raise ValueError(f"{amount_minor} minor units are more than credit paid for this order")
    db.run(
        """
        WITH back AS (
            SELECT * FROM jsonb_to_recordset(CAST(:parts AS jsonb)) AS b (id uuid, amount bigint)
        ), entries AS (
            INSERT INTO credit_entries (credit_id, delta_minor, cause, order_id)
            SELECT id, amount, 'given_back', :order FROM back
        )
        UPDATE credits c SET balance_minor = balance_minor + b.amount FROM back b WHERE c.id = b.id
        """,
        parts=dump([{"id": str(credit), "amount": amount} for credit, amount in parts.items()]),
        order=order_id,
    )


def take_again(order_id: UUID, caller: str) -> None:
    """Use once more what was given back when an order's payment failed: it shall be paid after all.

    Raises UsedUp, CreditSpent where others were quicker meanwhile; then nothing is taken.
    """
    uses = db.rows(
        "SELECT DISTINCT promotion_id, code FROM promotion_uses WHERE order_id = :order AND given_back_at IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM promotion_uses WHERE order_id = :order AND given_back_at IS NULL)",
        order=order_id,
    )
    spend(order_id, caller, {row.promotion_id: row.code for row in uses})
    parts = db.rows(
        """
        SELECT credit_id, (array_agg(delta_minor ORDER BY id DESC))[1] AS amount FROM credit_entries
        WHERE order_id = :order AND cause IN ('spent', 'given_back') GROUP BY credit_id HAVING sum(delta_minor) = 0
        """,
        order=order_id,
    )
    pay(order_id, {row.credit_id: row.amount for row in parts})


def share_out(total_minor: int, purses: Sequence[tuple[UUID, int]]) -> dict[UUID, int]:
    """How much each credit, given with its balance, pays of a total: in their order, until all is paid."""
    parts: dict[UUID, int] = {}
    for credit_id, balance in purses:
        amount = min(balance, total_minor - sum(parts.values()))
        if amount > 0:
            parts[credit_id] = amount
    return parts
