"""What is in force for a cart, read in one statement: promotions, facts of the buyer, credit. Never from a cache."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.prepared import PLANNED_ONCE
from quickshop.promotions.rules import BuyerFacts, Kind, Promotion, Tier


@dataclass(frozen=True)
class Purse:
    """A credit that can pay now: a gift card by its last four characters, or what the shop owes the member."""

    id: UUID
    kind: str
    last4: str | None
    balance_minor: int


@dataclass(frozen=True)
class Asked:
    """A code that was put on a cart: a promotion's, or (with `credit_id`) a gift card's by its last characters."""

    code: str
    credit_id: UUID | None
    currency: str | None  # of a gift card


@dataclass(frozen=True)
class Terms:
    """What a cart is priced by. `counted` are promotions whose uses are written down.

    `asked` are the codes on the cart, whether they can be used or not; `scopes` what each variant is to promotions,
    its product and the categories above it, read where a promotion asks for it. `purses` stand in the order in which
    they pay: gift cards by their end, then what the shop owes. `credit_minor` is all that the shop owes the member in
    this currency, and `uses_credit` whether it shall pay.
    """

    promotions: Sequence[Promotion] = ()
    counted: frozenset[UUID] = frozenset()
    buyer: BuyerFacts = field(default_factory=BuyerFacts)
    purses: Sequence[Purse] = ()
    asked: Sequence[Asked] = ()
    scopes: Mapping[str, tuple[UUID, frozenset[UUID]]] = field(default_factory=dict)
    uses_credit: bool = False
    credit_minor: int = 0


_IN_FORCE = (
    PLANNED_ONCE
    + """
WITH cart AS MATERIALIZED (
    SELECT uses_credit FROM carts WHERE id = :cart
), asked AS MATERIALIZED (
    SELECT a.code, a.credit_id, a.added_at, g.currency FROM cart_codes a LEFT JOIN credits g ON g.id = a.credit_id
    WHERE a.cart_id = :cart
), typed AS (
    SELECT c.code, c.promotion_id FROM promotion_codes c JOIN asked a ON a.code = c.code AND a.credit_id IS NULL
    WHERE c.active AND (c.total_limit IS NULL OR c.used < c.total_limit)
), counted AS MATERIALIZED (
    SELECT p.*, t.code FROM promotions p
    LEFT JOIN LATERAL (SELECT min(code) AS code FROM typed WHERE promotion_id = p.id) t ON true
    WHERE p.active AND (p.automatic OR t.code IS NOT NULL)
      AND coalesce(p.starts_at <= now(), true) AND coalesce(now() < p.ends_at, true)
      AND (p.total_limit IS NULL OR p.used < p.total_limit)
      AND (p.person_limit IS NULL OR CAST(:caller AS text) IS NULL OR p.person_limit > (
          SELECT count(*) FROM promotion_uses u
          WHERE u.promotion_id = p.id AND u.caller = :caller AND u.given_back_at IS NULL))
)
SELECT (SELECT json_agg(json_build_object(
            'id', id, 'kind', kind, 'label', label, 'rate', rate, 'amounts', amounts, 'tiers', tiers, 'buy', buy,
            'get', get, 'minimums', minimums, 'categories', category_ids, 'products', product_ids,
            'segments', segments, 'first_order', first_order, 'exclusive', exclusive, 'priority', priority,
            'code', code, 'counted', code IS NOT NULL OR total_limit IS NOT NULL OR person_limit IS NOT NULL))
        FROM counted) AS promotions,
       (SELECT json_build_array(segment, order_count = 0) FROM users WHERE id = CAST(:user AS uuid)) AS buyer,
       (SELECT json_agg(json_build_array(code, credit_id, currency) ORDER BY added_at, code) FROM asked) AS asked,
       (SELECT json_object_agg(v.id, json_build_array(v.product_id, c.path))
        FROM variants v JOIN products p ON p.id = v.product_id JOIN categories c ON c.id = p.category_id
        WHERE v.id = ANY(CAST(:variants AS uuid[]))
          AND EXISTS (SELECT FROM counted WHERE category_ids <> '{}' OR product_ids <> '{}')) AS scopes,
       (SELECT uses_credit FROM cart) AS uses_credit,
       (SELECT balance_minor FROM credits WHERE user_id = CAST(:user AS uuid) AND currency = :currency) AS credit_minor,
       (SELECT json_agg(json_build_array(id, kind, last4, balance_minor)
                        ORDER BY kind, expires_at NULLS LAST, id)
        FROM credits
        WHERE (id IN (SELECT credit_id FROM asked)
               OR ((SELECT uses_credit FROM cart) AND user_id = CAST(:user AS uuid)))
          AND active AND currency = :currency AND balance_minor > 0 AND coalesce(now() < expires_at, true)) AS purses
"""
)


def in_force(
    cart_id: UUID, *, currency: str, user_id: UUID | None, variants: Collection[UUID], caller: str | None = None
) -> Terms:
    """What is in force now for a cart with these variants. Without `caller` limits for each person do not count."""
    row = db.run(_IN_FORCE, cart=cart_id, currency=currency, user=user_id, variants=list(variants), caller=caller).one()
    found = row.promotions or ()
    segment, first = row.buyer or (None, False)
    return Terms(
        promotions=[_promotion(p, currency) for p in found],
        counted=frozenset(UUID(p["id"]) for p in found if p["counted"]),
        buyer=BuyerFacts(segment, first),
        purses=[Purse(UUID(i), kind, last4, balance) for i, kind, last4, balance in row.purses or ()],
        asked=[Asked(code, UUID(card) if card else None, money) for code, card, money in row.asked or ()],
        scopes={
            variant: (UUID(product), frozenset(map(UUID, path)))
            for variant, (product, path) in (row.scopes or {}).items()
        },
        uses_credit=bool(row.uses_credit),
        credit_minor=row.credit_minor or 0,
    )


def _promotion(p: Mapping[str, Any], currency: str) -> Promotion:
    minimums = p["minimums"]
    return Promotion(
        id=UUID(p["id"]),
        kind=Kind(p["kind"]),
        label=p["label"],
        rate=p["rate"],
        amount_minor=p["amounts"].get(currency),
        tiers=[Tier(t["from"][currency], t["rate"]) for t in p["tiers"] if currency in t["from"]],
        buy=p["buy"],
        get=p["get"],
        minimum_minor=minimums.get(currency),
        minimum_elsewhere=bool(minimums) and currency not in minimums,
        categories=frozenset(UUID(c) for c in p["categories"]),
        products=frozenset(UUID(c) for c in p["products"]),
        segments=frozenset(p["segments"]),
        first_order=p["first_order"],
        exclusive=p["exclusive"],
        priority=p["priority"],
        code=p["code"],
    )


@dataclass(frozen=True)
class Known:
    """What a typed code stands for: a promotion (with its code as it is kept), or a gift card by its last characters.

    `trouble` says why it could not be used now, a machine word: it stopped, ended, has not begun, is used up or empty.
    """

    code: str
    promotion_id: UUID | None
    credit_id: UUID | None
    currency: str | None
    trouble: str | None


def by_code(code: str, digest: bytes, caller: str | None = None) -> Known | None:
    """What goes by a code in its normal spelling, or None. `caller` is whose uses limits for each person count."""
    row = db.row(
        """
        SELECT c.code, p.id AS promotion_id, CAST(NULL AS uuid) AS credit_id, CAST(NULL AS text) AS currency,
            CASE WHEN NOT c.active OR NOT p.active THEN 'stopped'
                 WHEN p.ends_at <= now() THEN 'ended'
                 WHEN p.starts_at > now() THEN 'not_begun'
                 WHEN c.used >= c.total_limit OR p.used >= p.total_limit THEN 'used_up'
                 WHEN p.person_limit <= (SELECT count(*) FROM promotion_uses u WHERE u.promotion_id = p.id
                     AND u.caller = CAST(:caller AS text) AND u.given_back_at IS NULL) THEN 'used_up' END AS trouble
        FROM promotion_codes c JOIN promotions p ON p.id = c.promotion_id WHERE c.code = :code
        UNION ALL
        SELECT last4, NULL, id, currency,
            CASE WHEN NOT active THEN 'stopped' WHEN expires_at <= now() THEN 'ended'
                 WHEN balance_minor = 0 THEN 'empty' END
        FROM credits WHERE code_digest = :digest
        LIMIT 1
        """,
        code=code,
        digest=digest,
        caller=caller,
    )
    return Known(**row._asdict()) if row else None
