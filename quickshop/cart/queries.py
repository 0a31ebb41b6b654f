"""Reads of a cart: always live prices and stock, never a cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.cart.refs import CartRef
from quickshop.catalog.prices import price_in, prices_in
from quickshop.catalog.queries import SHOWN
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.money import MoneyDict, money

Told = dict[str, Any]


@dataclass(frozen=True)
class CartLine:
    """An item with the product as it is now. Prices in minor units of the cart's currency.

    `available` is what this cart can have: what is left after holds, and what it holds itself. `cart_holds` says
    whether the cart holds anything at all. `on_show` and `priced` say whether it can be bought at all; without a price
    in the currency `unit_price_minor` is 0. `seen_...` are what the owner was last shown; `kind` is "saved" for what
    is saved for later.
    """

    id: UUID
    variant_id: UUID
    product_slug: str
    sku: str
    name: str
    options: dict[str, str]
    image: dict[str, Any] | None
    quantity: int
    unit_price_minor: int
    currency: str
    weight_grams: int
    tax_class: str
    available: int
    cart_holds: bool
    on_show: bool = True
    priced: bool = True
    seen_price_minor: int | None = None
    seen_problem: str | None = None
    kind: str | None = None

    @property
    def buyable(self) -> bool:
        """Whether it is sold at all, and in this currency; how many there are is another matter."""
        return self.on_show and self.priced

    @property
    def problem(self) -> str | None:
        """Why it cannot be bought as it stands, or None."""
        if not self.on_show:
            return "withdrawn"
        if not self.priced:
            return "no_price"
        if self.available >= self.quantity:
            return None
        return "out_of_stock" if self.available <= 0 else "low_stock"

    @property
    def price_changed(self) -> bool:
        """Whether it costs something else than its owner was last shown."""
        return self.priced and self.seen_price_minor is not None and self.seen_price_minor != self.unit_price_minor


_ITEMS = """
    SELECT id, variant_id, quantity, added_at, seen_price_minor, CAST(NULL AS text) AS seen_currency, seen_problem,
           CAST(NULL AS text) AS kind FROM cart_items WHERE cart_id = :cart"""
_SAVED = """
    SELECT id, variant_id, quantity, at AS added_at, price_minor AS seen_price_minor, currency AS seen_currency,
           CAST(NULL AS text) AS seen_problem, kind FROM cart_asides WHERE kind = 'saved' AND {owner}"""
_CART = """
    SELECT id, coalesce(currency, :base) AS currency FROM carts
    WHERE id = :cart AND user_id IS NOT DISTINCT FROM CAST(:user AS uuid) AND state = ANY(:states)"""
_NO_CART = "SELECT CAST(NULL AS uuid) AS id, CAST(:base AS text) AS currency"

_LINES = f"""
SELECT i.id, i.variant_id, p.slug AS product_slug, v.sku, p.name, v.options, coalesce(v.image, p.image) AS image,
       i.quantity, coalesce(n.price, 0) AS unit_price_minor, c.currency, v.weight_grams,
       coalesce(p.tax_class, 'standard') AS tax_class,
       coalesce(s.on_hand - s.held, 0) + coalesce(hl.quantity, 0) AS available, h.id IS NOT NULL AS cart_holds,
       coalesce({SHOWN}, false) AS on_show, n.price IS NOT NULL AS priced,
       CASE WHEN coalesce(i.seen_currency, c.currency) = c.currency THEN i.seen_price_minor END AS seen_price_minor,
       i.seen_problem, i.kind
FROM ({{cart}}) c CROSS JOIN ({{items}}) i
JOIN variants v ON v.id = i.variant_id JOIN products p ON p.id = v.product_id
{prices_in("c.currency")}
CROSS JOIN LATERAL (SELECT {price_in("c.currency")} AS price) n
LEFT JOIN stock_items s ON s.variant_id = v.id
LEFT JOIN stock_holds h ON h.cart_id = c.id AND h.state = 'live'
LEFT JOIN stock_hold_lines hl ON hl.hold_id = h.id AND hl.variant_id = v.id
ORDER BY i.added_at, i.id
"""
_ONLY_ITEMS = _LINES.format(cart=_CART, items=_ITEMS)
_MEMBERS = _LINES.format(cart=_CART, items=f"{_ITEMS} UNION ALL {_SAVED.format(owner='user_id = :user')}")
_GUESTS = _LINES.format(cart=_CART, items=f"{_ITEMS} UNION ALL {_SAVED.format(owner='cart_id = :cart')}")
_ONLY_SAVED = _LINES.format(cart=_NO_CART, items=_SAVED.format(owner="user_id = :user"))


def cart_lines(ref: CartRef, *, ordered: bool = False, draft: bool = False) -> list[CartLine]:
    """The items of an active cart (of one being ordered in this transaction, with `ordered`; or of a draft's)."""
    states = ["active", "ordered"] if ordered else ["draft"] if draft else ["active"]
    found = db.rows(_ONLY_ITEMS, cart=ref.id, user=ref.user_id, states=states, base=settings().base_currency)
    return [CartLine(**r._asdict()) for r in found]


def _with_saved(ref: CartRef | None, user_id: UUID | None) -> list[CartLine]:
    base = settings().base_currency
    if ref is not None:
        sql = _GUESTS if ref.user_id is None else _MEMBERS
        found = db.rows(sql, cart=ref.id, user=ref.user_id, states=["active"], base=base)
    elif user_id is not None:
        found = db.rows(_ONLY_SAVED, user=user_id, base=base)
    else:
        return []
    return [CartLine(**r._asdict()) for r in found]


def cart_currency(ref: CartRef | None) -> str:
    """The currency of a cart; the shop's own where there is none."""
    found = db.scalar("SELECT currency FROM carts WHERE id = :id", id=ref.id) if ref else None
    return found or settings().base_currency


def cart_view(
    ref: CartRef | None, user_id: UUID | None = None, told: Sequence[Told] = (), undo: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The cart as clients get it; an empty one where there is none (with what the member `user_id` saved for later).

    `told` are warnings of the change just made, `undo` names what it took out and can be restored.
    """
    everything = _with_saved(ref, user_id)
    lines = [line for line in everything if line.kind is None]
    currency = everything[0].currency if everything else cart_currency(ref)
    subtotal = sum(line.quantity * line.unit_price_minor for line in lines if line.buyable)
    return {
        "id": str(ref.id) if ref else None,
        "token": ref.token if ref else None,
        "currency": currency,
        "items": [_item(line) for line in lines],
        "saved": [_item(line) for line in everything if line.kind is not None],
        "coupons": [],
        "discounts": [],
        "subtotal": money(subtotal, currency),
        "total": money(subtotal, currency),
        "quantity": sum(line.quantity for line in lines),
        "warnings": [*told, *(w for line in lines for w in warnings_of(line))],
        "undo": undo,
    }


def _price(line: CartLine, quantity: int) -> MoneyDict | None:
    return money(quantity * line.unit_price_minor, line.currency) if line.priced else None


def _item(line: CartLine) -> dict[str, Any]:
    return {
        "id": str(line.id),
        "variant_id": str(line.variant_id),
        "product_slug": line.product_slug,
        "sku": line.sku,
        "name": line.name,
        "options": line.options,
        "image": line.image,
        "quantity": line.quantity,
        "available": max(line.available, 0) if line.on_show else 0,
        "buyable": line.buyable,
        "unit_price": _price(line, 1),
        "total": _price(line, line.quantity),
    }


def warnings_of(line: CartLine) -> list[Told]:
    """What its owner has to know of an item. `new` marks what they were not shown yet."""
    about = {"item_id": str(line.id), "sku": line.sku, "name": line.name}
    found: list[Told] = []
    problem = line.problem
    if problem is not None:
        units = {"requested": line.quantity, "available": max(line.available, 0) if line.on_show else 0}
        found.append({"code": problem, **about, **units, "new": problem != line.seen_problem})
    elif line.seen_problem is not None:
        found.append({"code": "available_again", **about, "new": True})
    if line.price_changed and line.on_show:
        before, now = line.seen_price_minor or 0, line.unit_price_minor
        prices = {"before": money(before, line.currency), "now": money(now, line.currency)}
        found.append({"code": "price_raised" if now > before else "price_lowered", **about, **prices, "new": True})
    return found


def undo_of(ref: CartRef, item_id: UUID) -> dict[str, Any] | None:
    """What was taken out of the cart under this id and can be put back: {item_id, name}; None where it is none."""
    row = db.row(
        """
        SELECT a.id, p.name FROM cart_asides a
        JOIN variants v ON v.id = a.variant_id JOIN products p ON p.id = v.product_id
        WHERE a.id = :id AND a.kind = 'removed'
          AND (a.user_id = CAST(:user AS uuid) OR a.cart_id = :cart)
        """,
        id=item_id,
        user=ref.user_id,
        cart=ref.id,
    )
    return {"item_id": str(row.id), "name": row.name} if row else None
