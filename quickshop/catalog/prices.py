"""What a variant costs now, as SQL over `variants v`: the one place that says when a sale holds.

Carts, quotes and orders take it in their own statements, so that a sale begins and ends for them by the database's
clock, to the moment; lists follow when their product is indexed anew (catalog.refreshing).
"""

from __future__ import annotations

ON_SALE = (
    "(v.sale_price_minor IS NOT NULL AND coalesce(v.sale_from <= now(), true) AND coalesce(now() < v.sale_until, true))"
)
PRICE_NOW = f"CASE WHEN {ON_SALE} THEN v.sale_price_minor ELSE v.price_minor END"
# The price to strike through: the ordinary one during a sale, else what staff set; null for neither.
WAS_NOW = f"CASE WHEN {ON_SALE} THEN v.price_minor ELSE v.compare_at_minor END"
# When the clock next changes the price; null where it never does.
NEXT_PRICE_AT = (
    "least(CASE WHEN v.sale_from > now() THEN v.sale_from END, CASE WHEN v.sale_until > now() THEN v.sale_until END)"
)


def price_in(currency: str) -> str:
    """What a variant costs now in the currency of this SQL expression, as SQL beside `prices_in`; null for no price."""
    return f"""CASE WHEN v.currency = {currency} THEN {PRICE_NOW}
         WHEN {ON_SALE} AND vp.sale_price_minor IS NOT NULL THEN vp.sale_price_minor ELSE vp.price_minor END"""


def prices_in(currency: str) -> str:
    """The join that `price_in` reads from: the prices that variants have in another currency than their own."""
    return (
        f"LEFT JOIN variant_prices vp ON vp.variant_id = v.id AND vp.currency = {currency} AND v.currency <> {currency}"
    )


def was_in(currency: str) -> str:
    """The price to strike through in this currency, as SQL beside `prices_in`; null for none."""
    return f"""CASE WHEN v.currency = {currency} THEN {WAS_NOW}
         WHEN {ON_SALE} AND vp.sale_price_minor IS NOT NULL THEN vp.price_minor ELSE vp.compare_at_minor END"""


# In another currency than the shop's own lists hold what is sold in it: listings `l` at the prices of `listing_prices`.
LISTED = "listings l"
LISTED_ABROAD = """(
    SELECT l.product_id, l.category_id, l.published_us, lp.price_minor, l.rating_rank, l.popularity, l.rating,
           l.in_stock, l.attribute_ids
    FROM listings l JOIN listing_prices lp ON lp.product_id = l.product_id AND lp.currency = CAST(:currency AS text)
) l"""
# The ready list item of product `p` as text. Abroad: beside `ABROAD`, with a null price where nothing is sold in it.
CARD = "p.card::text"
ABROAD = "LEFT JOIN listing_prices lp ON lp.product_id = p.id AND lp.currency = CAST(:currency AS text)"
CARD_ABROAD = """(p.card || jsonb_build_object(
    'price', CASE WHEN lp.price_minor IS NOT NULL
        THEN jsonb_build_object('amount', lp.price_minor, 'currency', lp.currency) END,
    'compare_at_price', CASE WHEN lp.was_minor IS NOT NULL
        THEN jsonb_build_object('amount', lp.was_minor, 'currency', lp.currency) END,
    'default_variant_id', coalesce(CAST(lp.variant_id AS text), p.card->>'default_variant_id')))::text"""


def listed(abroad: bool) -> str:
    """What lists read from, as `l`."""
    return LISTED_ABROAD if abroad else LISTED


def card(abroad: bool) -> tuple[str, str]:
    """The list item of product `p`, and the join that it needs."""
    return (CARD_ABROAD, ABROAD) if abroad else (CARD, "")
