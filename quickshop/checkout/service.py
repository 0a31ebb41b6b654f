"""The verbs of checkout: quote a cart, hold its stock, and turn it into an order, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID

from quickshop.accounts.address_rules import checked
from quickshop.accounts.addresses import address, postal_part
from quickshop.accounts.callers import Caller
from quickshop.accounts.errors import EmailNotVerified
from quickshop.accounts.people import email_index, new_person
from quickshop.accounts.places import Place, place_of
from quickshop.accounts.queries import buyer
from quickshop.cart import service as carts
from quickshop.cart.errors import CartClosed, CartEmpty, ItemsUnavailable
from quickshop.cart.live import updated
from quickshop.cart.queries import CartLine, cart_lines, warnings_of
from quickshop.cart.refs import CartRef
from quickshop.checkout.discounting import Offers, discounted, offers_for, rows
from quickshop.checkout.errors import GuestsNotServed, HoldOver, PriceChanged
from quickshop.checkout.quotes import Priced, Totals, lines_of, price, ways
from quickshop.checkout.terms import Terms, terms
from quickshop.extensions import settings
from quickshop.inventory import service as inventory
from quickshop.kernel import clock, db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import Money, money
from quickshop.kernel.outbox import dump
from quickshop.orders.documents import order_document
from quickshop.orders.placing import NewLine, NewOrder, place
from quickshop.orders.queries import order_view_by_id
from quickshop.orders.saved_cards import paying_token
from quickshop.orders.viewers import Viewer, order_token
from quickshop.promotions import service as promotions
from quickshop.shipping.rules import Offer, choose
from quickshop.tax.rules import percent


@dataclass(frozen=True)
class PlaceOrder:
    """What the shopper asks for. `expected_total` is the total they saw; prices are always read again.

    Addresses are given whole or, by a member, as the id of one in their book; the payment as a token or a saved card,
    or not at all where gift cards and store credit pay everything.
    """

    shipping_address: Mapping[str, Any] | None
    shipping_method: str
    payment_token: str | None
    expected_total: Money
    billing_address: Mapping[str, Any] | None = None
    shipping_address_id: UUID | None = None
    billing_address_id: UUID | None = None
    payment_method_id: UUID | None = None
    email: str | None = None
    client_reference: str | None = None
    device: str | None = None  # what the edge knows of it; only a digest is kept
    request_id: str | None = None


@dataclass(frozen=True)
class Addresses:
    """Where the parcel goes and, if it is another place, the bill. Both as their countries write them."""

    shipping: Mapping[str, Any]
    billing: Mapping[str, Any] | None


@dataclass(frozen=True)
class Claim:
    """A cart that is an order's from now on, under its number."""

    order_id: UUID
    number: str
    ref: CartRef


@dataclass(frozen=True)
class Buyer:
    """Who buys: the person whose key seals the order's data, and what decides its class."""

    caller: str
    person_id: UUID
    person_key: bytes
    email: str
    email_index: bytes
    vip: bool = False
    spent: Mapping[str, int] = field(default_factory=dict)


def _terms(lines: Sequence[CartLine], destination: Place | None, user_id: UUID | None) -> Terms:
    return terms(destination, lines[0].currency, user_id)


def quote(
    ref: CartRef | None, shipping_method: str | None, destination: Place | None = None, *, lenient: bool = False
) -> dict[str, Any]:
    """What the cart costs now: {lines, shipping_methods, totals, tax_lines, warnings}; without a destination as if it
    were the shop's home, which it then says.

    What cannot be bought at all is left out, and a warning says so. `lenient` takes the first way of shipping where
    the wanted one is not offered. Raises CartEmpty, ItemsUnavailable (where that is everything), Invalid.
    """
    everything = cart_lines(ref) if ref else []
    if not everything:
        raise CartEmpty("Put something in the cart first.")
    lines = [line for line in everything if line.buyable]
    if not lines:
        raise ItemsUnavailable(_unavailable(everything))
    known = _terms(lines, destination, ref.user_id if ref else None)
    found = _offers(cast(CartRef, ref), lines)
    bought = discounted(lines_of(lines), found.found)
    offers = ways(lines, bought, known, clock.now())
    if lenient and shipping_method not in [o.code for o in offers]:
        shipping_method = offers[0].code if offers else None
    chosen = choose(offers, shipping_method) if shipping_method else None
    priced = _priced(bought, found, chosen, known)
    totals = priced.totals
    paid = sum(found.paid_by(totals.total).values())
    return {
        "lines": [_quote_line(line, new) for line, new in zip(lines, priced.lines, strict=True)],
        "destination": {
            "country": known.destination.country,
            "region": known.destination.region,
            "assumed": known.assumed,
        },
        "shipping_methods": [_offer_document(o, totals.currency) for o in offers],
        "shipping_method": chosen.code if chosen else None,
        "totals": totals.as_dict()
        | {"credit": money(paid, totals.currency), "due": money(totals.total - paid, totals.currency)},
        "discounts": found.documents(priced.freight_off),
        "coupons": found.coupons(totals.total, priced.freight_off),
        "credit": found.credit(totals.total) if ref and ref.user_id else None,
        "tax_lines": priced.tax_lines,
        "tax_exemption": money(priced.taxed.exempt_minor, totals.currency),
        "prices_include_tax": known.tax.prices_include_tax,
        "warnings": ([] if offers else [{"code": "no_shipping"}])
        + [told for line in everything for told in warnings_of(line)],
    }


def _offers(ref: CartRef, lines: Sequence[CartLine], caller: str | None = None) -> Offers:
    prices = {line.variant_id: (line.quantity, line.unit_price_minor) for line in lines}
    return offers_for(ref, prices, lines[0].currency, caller)


def _priced(bought: Sequence[NewLine], found: Offers, chosen: Offer | None, known: Terms) -> Priced:
    freight_off = found.taken_off(chosen.price_minor if chosen else 0)
    return price(bought, found.currency, chosen, known, freight_off)


def priced_cart(document: dict[str, Any], ref: CartRef | None) -> dict[str, Any]:
    """The cart's document with what its codes, promotions and credit do: coupons, discounts, credit, total."""
    bought = [item for item in document["items"] if item["buyable"]]
    if ref is None or not bought:
        return {**document, "credit": None}
    currency = document["subtotal"]["currency"]
    prices = {UUID(item["variant_id"]): (item["quantity"], item["unit_price"]["amount"]) for item in bought}
    found = offers_for(ref, prices, currency)
    total = document["subtotal"]["amount"] - sum(d.amount_minor for d in found.found)
    return {
        **document,
        "coupons": found.coupons(total),
        "discounts": found.documents(),
        "credit": found.credit(total) if ref.user_id else None,
        "total": money(total, currency),
    }


def _unavailable(lines: Sequence[CartLine]) -> list[dict[str, str]]:
    """What of these cannot be bought at all: {sku, name, reason}."""
    return [{"sku": line.sku, "name": line.name, "reason": str(line.problem)} for line in lines if not line.buyable]


def _quote_line(line: CartLine, new: NewLine) -> dict[str, Any]:
    return {
        "variant_id": str(line.variant_id),
        "sku": line.sku,
        "name": line.name,
        "options": line.options,
        "quantity": line.quantity,
        "unit_price": money(line.unit_price_minor, line.currency),
        "discount": money(new.discount_minor, line.currency),
        "total": money(new.total_minor, line.currency),
        "tax": money(new.tax_minor, line.currency),
        "tax_rate": percent(new.tax_rate),
        "tax_included": new.tax_included,
    }


def _offer_document(o: Offer, currency: str) -> dict[str, Any]:
    return {
        "code": o.code,
        "name": o.name,
        "kind": o.kind,
        "note": o.note,
        "price": money(o.price_minor, currency),
        "free_from": None if o.free_from_minor is None else money(o.free_from_minor, currency),
        "delivery": {"from": o.deliver_from.isoformat(), "to": o.deliver_to.isoformat()},
    }


def address_of(
    caller: Caller, given: Mapping[str, Any] | None, address_id: UUID | None, path: str
) -> Mapping[str, Any] | None:
    """The address to use: the given one, or one of the caller's own book; None where neither is named.

    Raises Invalid, below `path`, for one that is wrong in its country, and NotFound for one that is not the caller's.
    """
    if address_id is not None:
        if caller.user_id is None:
            raise NotFound("address")
        given = postal_part(address(caller.user_id, address_id))
    return None if given is None else checked(given, path)


def start_hold(ref: CartRef | None) -> dict[str, Any]:
    """Hold the cart's stock for a while, or extend the hold: {expires_at}.

    However often it is extended, HOLD_MOST_MINUTES after the first time it ends, and for HOLD_MINUTES others have their
    turn. Raises CartEmpty, CartClosed, OutOfStock, HoldOver.
    """
    if ref is None:
        raise CartEmpty("Put something in the cart first.")
    carts.lock(ref)  # an order placed at this moment sees either no hold or all of it
    lines = [line for line in cart_lines(ref) if line.buyable]
    if not lines:
        raise CartEmpty("Put something in the cart first.")
    minutes = min(settings().hold_minutes, _minutes_left(ref))
    inventory.hold_for_cart(ref.id, {line.variant_id: line.quantity for line in lines}, minutes)
    until = db.scalar("SELECT expires_at FROM stock_holds WHERE cart_id = :id AND state = 'live'", id=ref.id)
    return {"expires_at": clock.rfc3339(until)}


def _minutes_left(ref: CartRef) -> float:
    """For how long the cart may still hold its stock. Raises HoldOver."""
    known = db.run(
        """
        UPDATE carts SET held_since = CASE
            WHEN held_since > now() - make_interval(mins => :turn) THEN held_since ELSE now() END
        WHERE id = :id
        RETURNING extract(epoch FROM held_since - now())::float8 / 60 + CAST(:most AS int) AS minutes,
                  held_since + make_interval(mins => :turn) AS again_at
        """,
        id=ref.id,
        most=settings().hold_most_minutes,
        turn=settings().hold_most_minutes + settings().hold_minutes,
    ).one()
    if known.minutes <= 0:
        raise HoldOver(known.again_at)
    return float(known.minutes)


def held_until(ref: CartRef | None) -> str | None:
    """Until when the cart's stock is held, or None where it is not."""
    until = ref and db.scalar(
        "SELECT expires_at FROM stock_holds WHERE cart_id = :id AND state = 'live' AND expires_at > now()", id=ref.id
    )
    return clock.rfc3339(until) if until else None


def place_order(caller: Caller, ref: CartRef, wish: PlaceOrder) -> dict[str, Any]:
    """Turn the cart into an order; a cart that already is one gives that order again.

    Raises CartEmpty, CartClosed, ItemsUnavailable, PriceChanged, UsedUp, CreditSpent, OutOfStock, Invalid,
    EmailNotVerified, GuestsNotServed, ReferenceUsed, NotFound (an address or a card that is not the caller's); then
    nothing is changed. Records `order.placed`.
    """
    shipping_address = address_of(caller, wish.shipping_address, wish.shipping_address_id, "shipping_address")
    if shipping_address is None:
        raise Invalid({"shipping_address": ["Where shall it go?"]})
    billing_address = address_of(caller, wish.billing_address, wish.billing_address_id, "billing_address")
    order_id = new_id()
    number = _claim_cart(ref, order_id)
    if number is None:
        return _order_of_cart(ref)
    lines = cart_lines(ref, ordered=True)
    demand_buyable(lines)
    addresses = Addresses(shipping_address, billing_address)
    return make_order(Claim(order_id, number, ref), lines, _buyer(caller, wish), wish, addresses, caller.user_id)


def demand_buyable(lines: Sequence[CartLine]) -> None:
    """Raises CartEmpty, ItemsUnavailable."""
    if not lines:
        raise CartEmpty("Put something in the cart first.")
    if not all(line.buyable for line in lines):
        raise ItemsUnavailable(_unavailable(lines))


def price_lines(
    ref: CartRef,
    lines: Sequence[CartLine],
    destination: Place | None,
    method: str,
    caller: str | None = None,
    *,
    free_shipping: bool = False,
) -> tuple[Offers, Offer, Priced]:
    """What these lines cost where they go: what promotions take off, the way of shipping, and the sums.

    Raises Invalid for a way of shipping that is not offered.
    """
    known = _terms(lines, destination, ref.user_id)
    found = _offers(ref, lines, caller)
    bought = discounted(lines_of(lines), found.found)
    chosen = choose(ways(lines, bought, known, clock.now()), method)
    if free_shipping:
        chosen = replace(chosen, price_minor=0)
    return found, chosen, _priced(bought, found, chosen, known)


def make_order(
    claim: Claim,
    lines: Sequence[CartLine],
    who: Buyer,
    wish: PlaceOrder,
    addresses: Addresses,
    payer: UUID | None,
    *,
    free_shipping: bool = False,
) -> dict[str, Any]:
    """Make the order of a cart that was claimed for it: prices, stock, promotions, credit, and the order's rows.

    `payer` is the member whose saved cards may pay. Raises as `place_order`.
    """
    order_id, ref = claim.order_id, claim.ref
    where = place_of(addresses.shipping)
    found, chosen, priced = price_lines(
        ref, lines, where, wish.shipping_method, who.caller, free_shipping=free_shipping
    )
    _check_total(wish.expected_total, priced.totals, lines)
    parts = found.paid_by(priced.totals.total)
    due = priced.totals.total - sum(parts.values())
    token = paying_token(payer, wish.payment_token, wish.payment_method_id, due)
    _reserve(order_id, ref, lines)
    promotions.spend(order_id, who.caller, found.used())
    promotions.pay(order_id, parts)
    new = _new_order(order_id, ref, who, wish, addresses, token, chosen, priced)
    taxed = priced.taxed
    taken = rows(found.found, priced.lines, priced.freight_off, taxed.exempt_lines, taxed.exempt_shipping)
    order = place(replace(new, number=claim.number, discounts=taken, credit_minor=sum(parts.values())))
    return order_document(
        order,
        order["lines"],
        shipping_address=addresses.shipping,
        email=who.email,
        token=None if ref.user_id else order_token(order_id),
    )


def _claim_cart(ref: CartRef, order_id: UUID) -> str | None:
    """Lock the cart and make it this order's: the order's number, or None where it is no longer active.

    Its followers are told.
    """
    number: str | None = db.scalar(
        """
        WITH cart AS (
            UPDATE carts SET state = 'ordered', order_id = :order, updated_at = now()
            WHERE id = :id AND state = 'active' AND user_id IS NOT DISTINCT FROM CAST(:user AS uuid)
            RETURNING id, followed
        ), told AS (
            INSERT INTO outbox (frames) SELECT CAST(:frames AS jsonb) FROM cart WHERE followed
        )
        SELECT 'QS-' || nextval('order_numbers') FROM cart
        """,
        frames=dump([updated(ref.id)]),
        id=ref.id,
        user=ref.user_id,
        order=order_id,
    )
    return number


def _reserve(order_id: UUID, ref: CartRef, lines: Sequence[CartLine]) -> None:
    wanted = {line.variant_id: line.quantity for line in lines}
    if lines[0].cart_holds:
        inventory.lock_for_cart(ref.id, wanted)
        inventory.release_cart_hold(ref.id)
    if any(line.available < line.quantity for line in lines):
        # What is known to be sold out is refused without queueing for its row behind those who still got some.
        inventory.refuse_shortage(wanted)
    inventory.reserve(order_id, wanted)


def _order_of_cart(ref: CartRef) -> dict[str, Any]:
    order_id = db.scalar(
        "SELECT order_id FROM carts WHERE id = :id AND user_id IS NOT DISTINCT FROM CAST(:user AS uuid)",
        id=ref.id,
        user=ref.user_id,
    )
    if order_id is None:
        raise CartClosed("This cart is closed; start a new one.")
    token = None if ref.user_id else order_token(order_id)
    return order_view_by_id(order_id, Viewer(user_id=ref.user_id, order_token=token), token)


def _check_total(expected: Money, totals: Totals, lines: Sequence[CartLine]) -> None:
    actual = Money(totals.total, totals.currency)
    if expected != actual:
        raise PriceChanged(expected, actual, [told for line in lines for told in warnings_of(line) if "before" in told])


def _buyer(caller: Caller, wish: PlaceOrder) -> Buyer:
    if caller.user_id is None:
        return _guest(wish)
    member = buyer(caller.user_id)
    if settings().members_need_verified_email and not member.verified:
        raise EmailNotVerified("Open the link we mailed you, then order.")
    return Buyer(
        caller=f"user:{caller.user_id}",
        person_id=member.person.id,
        person_key=member.person.key,
        email=member.email,
        email_index=email_index(member.email),
        vip=member.vip,
        spent=member.spent,
    )


def _guest(wish: PlaceOrder) -> Buyer:
    if not settings().guests_may_order:
        raise GuestsNotServed("Sign in, or sign up, to order.")
    if not wish.email:
        raise Invalid({"email": ["Needed to order as a guest."]})
    person = new_person()
    index = email_index(wish.email)
    return Buyer(f"guest:{index.hex()}", person.id, person.key, wish.email, index)


def _new_order(
    order_id: UUID,
    ref: CartRef,
    who: Buyer,
    wish: PlaceOrder,
    addresses: Addresses,
    token: str | None,
    chosen: Offer,
    priced: Priced,
) -> NewOrder:
    totals = priced.totals
    return NewOrder(
        id=order_id,
        number="",
        cart_id=ref.id,
        caller=who.caller,
        user_id=ref.user_id,
        person_id=who.person_id,
        person_key=who.person_key,
        vip=who.vip,
        spent=who.spent,
        email=who.email,
        email_index=who.email_index,
        shipping_address=addresses.shipping,
        billing_address=addresses.billing,
        lines=priced.lines,
        currency=totals.currency,
        subtotal_minor=totals.subtotal,
        discount_minor=totals.discount,
        shipping_minor=totals.shipping,
        tax_minor=totals.tax,
        tax_included_minor=totals.tax_included,
        shipping_tax_minor=priced.taxed.shipping_tax,
        tax_lines=priced.tax_lines,
        total_minor=totals.total,
        shipping=chosen,
        payment_token=token,
        payment_method_id=wish.payment_method_id,
        device=wish.device,
        client_reference=wish.client_reference,
        request_id=wish.request_id,
    )
