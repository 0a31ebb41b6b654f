"""Takes the facts that stock came back or a price fell, and tells those who asked: by their log, and by mail.

The rooms below leave the facts with their own change; each is taken in the transaction that writes what is told.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from quickshop.accounts import log, mailing
from quickshop.accounts.people import person_key
from quickshop.accounts.users import place as account_place
from quickshop.catalog.prices import PRICE_NOW
from quickshop.kernel import db, facts
from quickshop.kernel.clock import now
from quickshop.kernel.events import Fact
from quickshop.kernel.money import money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.wishlists.alerts import BACK_IN_STOCK, CONSUMER, described, place

PRICE_CHANGED = "catalog.price_changed"
TOLD_BACK, TOLD_PRICE = "wishlist.back_in_stock", "wishlist.price_dropped"

FACTS = 500  # facts taken in one transaction
MOST = 100  # people told in one transaction
SECONDS = 30.0  # how long one run goes on; what is left waits for the next


def drain() -> int:
    """Take the facts that wait; how many people were told. Safe to run in parallel."""
    told, until = 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        taken, people = run_unit(_take_some)
        told += people
        if not taken:
            break
    return told


def _take_some() -> tuple[int, int]:
    taken = facts.take(CONSUMER, FACTS)
    told = _back_in_stock([f.data for f in taken if f.type == BACK_IN_STOCK])
    told += _prices_changed([f.data for f in taken if f.type == PRICE_CHANGED])
    if told:
        mailing.wake()
    return len(taken), told


# People whose address is not confirmed, or whose account is closed, go on waiting.
_BACK = f"""
WITH due AS (
    SELECT a.id FROM stock_alerts a JOIN stock_items s ON s.variant_id = a.variant_id
    JOIN variants v ON v.id = a.variant_id JOIN products p ON p.id = v.product_id
    LEFT JOIN users u ON u.id = a.user_id
    WHERE a.variant_id = ANY(:variants) AND a.state = 'waiting' AND s.on_hand > s.held AND p.published_at <= now()
      AND (a.user_id IS NULL OR (u.email_verified_at IS NOT NULL AND u.disabled_at IS NULL))
    ORDER BY a.id LIMIT :most FOR UPDATE OF a SKIP LOCKED
), told AS (
    UPDATE stock_alerts a SET state = 'told', told_at = :at FROM due WHERE a.id = due.id
    RETURNING a.id, a.variant_id, a.user_id, a.person_id, a.email
)
SELECT t.id, t.variant_id, t.user_id, t.email AS guest_email, u.email, u.first_name,
       per.id AS person_id, per.key_id, per.wrapped_key, v.options, {PRICE_NOW} AS price_minor, v.currency,
       p.id AS product_id, p.name, p.slug
FROM told t JOIN variants v ON v.id = t.variant_id JOIN products p ON p.id = v.product_id
LEFT JOIN users u ON u.id = t.user_id JOIN persons per ON per.id = coalesce(t.person_id, u.person_id)
ORDER BY t.user_id
"""


def _back_in_stock(given: Sequence[dict[str, Any]]) -> int:
    """Tell those who wait for these variants, as many as may be; where there may be more, the facts are left again."""
    if not given:
        return 0
    variants = sorted({data["variant_id"] for data in given})
    found = db.rows(_BACK, variants=[UUID(v) for v in variants], most=MOST, at=now())
    if len(found) == MOST:
        for variant_id in variants:
            facts.leave(CONSUMER, BACK_IN_STOCK, {"variant_id": variant_id})
    for row in found:
        _tell(row, TOLD_BACK, "account.back_in_stock", {})
    return len(found)


_CHEAPER = f"""
SELECT DISTINCT ON (w.user_id) w.user_id, w.id, i.variant_id, NULL::bytea AS guest_email, u.email, u.first_name,
       per.id AS person_id, per.key_id, per.wrapped_key, v.options, {PRICE_NOW} AS price_minor, v.currency,
       p.id AS product_id, p.name, p.slug
FROM wishlist_items i JOIN wishlists w ON w.id = i.wishlist_id
JOIN users u ON u.id = w.user_id JOIN persons per ON per.id = u.person_id
JOIN variants v ON v.id = i.variant_id JOIN products p ON p.id = v.product_id
WHERE i.variant_id = :variant AND w.price_alerts AND {PRICE_NOW} < :before AND v.currency = :currency
  AND p.published_at <= now() AND u.email_verified_at IS NOT NULL AND u.disabled_at IS NULL
  AND w.user_id > :after
ORDER BY w.user_id LIMIT :most
"""
_FIRST = UUID(int=0)


def _prices_changed(given: Sequence[dict[str, Any]]) -> int:
    """Tell of those prices that fell and that somebody wants to hear of, as many people as may be."""
    fallen = [data for data in given if data["after_minor"] < data["before_minor"]]
    wanted = _wanted({data["variant_id"] for data in fallen})
    told = 0
    for data in fallen:
        if data["variant_id"] not in wanted:
            continue
        if told >= MOST:
            facts.leave(CONSUMER, PRICE_CHANGED, data)
        else:
            told += _price_fell(data, MOST - told)
    return told


def _wanted(variant_ids: set[str]) -> set[str]:
    """Those of the variants that stand on a list with price alerts."""
    if not variant_ids:
        return set()
    found = db.rows(
        "SELECT DISTINCT i.variant_id FROM wishlist_items i JOIN wishlists w ON w.id = i.wishlist_id"
        " WHERE w.price_alerts AND i.variant_id = ANY(:ids)",
        ids=[UUID(v) for v in variant_ids],
    )
    return {str(r.variant_id) for r in found}


def _price_fell(data: dict[str, Any], most: int) -> int:
    """Tell those who have a variant on a list with price alerts that it costs less than before, up to `most` of them.

    The price of now counts: one that rose again meanwhile is not told of.
    """
    before, currency = data["before_minor"], data["currency"]
    found = db.rows(
        _CHEAPER,
        variant=UUID(data["variant_id"]),
        before=before,
        currency=currency,
        after=UUID(data["told_up_to"]) if "told_up_to" in data else _FIRST,
        most=most,
    )
    if len(found) == most:
        facts.leave(CONSUMER, PRICE_CHANGED, {**data, "told_up_to": str(found[-1].user_id)})
    for row in found:
        _tell(row, TOLD_PRICE, "account.price_dropped", {"before": money(before, currency)})
    return len(found)


def _tell(row: Any, kind: str, event: str, more: dict[str, Any]) -> None:
    if row.wrapped_key is None:
        return  # erased: nobody is left to be told
    person = person_key(row.person_id, row.key_id, row.wrapped_key)
    said = {
        "product": described(row.name, row.options),
        "slug": row.slug,
        "variant_id": str(row.variant_id),
        "price": money(row.price_minor, row.currency),
        **more,
    }
    if row.user_id is None:
        address = {"email": person.unseal(row.guest_email, place(row.id))}
    else:
        address = {
            "email": person.unseal(row.email, account_place("email", row.user_id)),
            "first_name": person.unseal(row.first_name, account_place("first_name", row.user_id)),
        }
        log.append(row.user_id, [Fact(event, {**said, "product_id": str(row.product_id)})])
    mailing.leave(kind, row.id, person, {**address, **said})
