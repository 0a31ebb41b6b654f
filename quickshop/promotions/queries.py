"""What is in force for a cart, read in one statement: promotions, facts of the buyer, credit. Never from a cache."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.promotions.rules import BuyerFacts, Kind, Promotion, Tier


@dataclass(frozen=True)
class Purse:
    """A credit that can pay now: a gift card by its last four characters, or what the shop owes the member."""

    id: UUID
    kind: str
    last4: str | None
    balance_minor: int


@dataclass(frozen=True)
class Terms:
    """What a cart is priced by. `limited` are promotions of which uses are counted; `known` the codes that are one's.

    `purses` stand in the order in which they pay: gift cards by their end, then what the shop owes.
    """

    promotions: Sequence[Promotion] = ()
    limited: frozenset[UUID] = frozenset()
    buyer: BuyerFacts = field(default_factory=BuyerFacts)
    purses: Sequence[Purse] = ()


_IN_FORCE = """
WITH typed AS (
    SELECT code, promotion_id FROM promotion_codes
    WHERE code = ANY(CAST(:codes AS text[])) AND active AND (total_limit IS NULL OR used < total_limit)
), counted AS (
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
            'code', code, 'limited', code IS NOT NULL OR total_limit IS NOT NULL OR person_limit IS NOT NULL))
        FROM counted) AS promotions,
       (SELECT json_build_array(segment, order_count = 0) FROM users WHERE id = CAST(:user AS uuid)) AS buyer,
       (SELECT json_agg(json_build_array(id, kind, last4, balance_minor)
                        ORDER BY kind, expires_at NULLS LAST, id)
        FROM credits
        WHERE (id = ANY(CAST(:credits AS uuid[])) OR (CAST(:uses_credit AS boolean) AND user_id = CAST(:user AS uuid)))
          AND active AND currency = :currency AND balance_minor > 0 AND coalesce(now() < expires_at, true)) AS purses
"""


def in_force(
    *,
    currency: str,
    user_id: UUID | None,
    codes: Collection[str] = (),
    credit_ids: Collection[UUID] = (),
    uses_credit: bool = False,
    caller: str | None = None,
) -> Terms:
    """What is in force now for a cart in a currency. Without `caller` limits for each person are not looked at."""
    row = db.run(
        _IN_FORCE,
        currency=currency,
        user=user_id,
        codes=list(codes),
        credits=list(credit_ids),
        uses_credit=uses_credit,
        caller=caller,
    ).one()
    found = row.promotions or ()
    segment, first = row.buyer or (None, False)
    return Terms(
        promotions=[_promotion(p, currency) for p in found],
        limited=frozenset(UUID(p["id"]) for p in found if p["limited"]),
        buyer=BuyerFacts(segment, first),
        purses=[Purse(UUID(i), kind, last4, balance) for i, kind, last4, balance in row.purses or ()],
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
    """What a typed code stands for: a promotion (with its code as it is kept), or a gift card."""

    code: str
    promotion_id: UUID | None = None
    credit_id: UUID | None = None
    currency: str | None = None


def by_code(code: str, digest: bytes) -> Known | None:
    """What goes by a code in its normal spelling, as long as it could be used now; None for all else."""
    row = db.row(
        """
        SELECT c.code, p.id AS promotion_id, CAST(NULL AS uuid) AS credit_id, NULL AS currency
        FROM promotion_codes c JOIN promotions p ON p.id = c.promotion_id
        WHERE c.code = :code AND c.active AND (c.total_limit IS NULL OR c.used < c.total_limit) AND p.active
          AND coalesce(now() < p.ends_at, true) AND coalesce(p.starts_at <= now(), true)
          AND (p.total_limit IS NULL OR p.used < p.total_limit)
        UNION ALL
        SELECT last4, NULL, id, currency FROM credits
        WHERE code_digest = :digest AND active AND balance_minor > 0 AND coalesce(now() < expires_at, true)
        LIMIT 1
        """,
        code=code,
        digest=digest,
    )
    return Known(**row._asdict()) if row else None


def credit_of(user_id: UUID) -> list[Any]:
    """What the shop owes a member: rows (currency, balance_minor) and their movements, the newest first."""
    return db.rows(
        """
        SELECT c.currency, c.balance_minor, (
            SELECT json_agg(json_build_object('at', e.at, 'delta', e.delta_minor, 'cause', e.cause, 'note', e.note,
                                              'order', o.number) ORDER BY e.id DESC)
            FROM (SELECT * FROM credit_entries WHERE credit_id = c.id ORDER BY id DESC LIMIT 100) e
            LEFT JOIN orders o ON o.id = e.order_id) AS entries
        FROM credits c WHERE c.user_id = :user ORDER BY c.currency
        """,
        user=user_id,
    )
