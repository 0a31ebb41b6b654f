"""Draft orders: staff put goods together for somebody, who pays them by a link. Until then nothing is promised: prices
and stock are those of the moment at which it is paid, and the payer is shown them before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.accounts import mailing
from quickshop.accounts.address_rules import checked
from quickshop.accounts.callers import Caller
from quickshop.accounts.people import PersonKey, email_index, load_person, new_person
from quickshop.accounts.places import place_of
from quickshop.accounts.queries import buyer
from quickshop.cart.queries import CartLine, cart_lines
from quickshop.cart.refs import CartRef
from quickshop.checkout.errors import DraftClosed
from quickshop.checkout.service import (
    Addresses,
    Buyer,
    Claim,
    PlaceOrder,
    demand_buyable,
    make_order,
    price_lines,
)
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.crypto import signed_token, token_subject
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import Money, money
from quickshop.kernel.outbox import dump
from quickshop.kernel.pagination import decode_cursor, encode_cursor
from quickshop.orders.queries import order_view_by_id
from quickshop.orders.viewers import Viewer, order_token

DAYS = 14
MOST_LINES = 100
STATES = ("open", "ordered", "cancelled")
_KIND = "draft-order"
PREPARED = "draft.prepared"


@dataclass(frozen=True)
class NewDraft:
    """What staff want: `items` are units by variant. It is for a member (`user_id`) or for whoever has the e-mail.

    `for_order`: the number of the order to which the goods are added; its buyer and address are taken over.
    """

    items: Mapping[UUID, int]
    shipping_method: str | None = None
    shipping_address: Mapping[str, Any] | None = None
    user_id: UUID | None = None
    email: str | None = None
    currency: str | None = None
    for_order: str | None = None
    free_shipping: bool = False


@dataclass(frozen=True)
class _For:
    """For whom a draft is, and where it goes."""

    user_id: UUID | None
    person: PersonKey
    email: str
    address: Mapping[str, Any]
    method: str
    currency: str | None
    order_id: UUID | None = None


def draft_token(draft_id: UUID) -> str:
    """The bearer token of a draft's link; made again from the id, never stored."""
    return signed_token(settings().secret_key, _KIND, str(draft_id))


def page_of(token: str) -> str:
    """The page at which a draft is looked at and paid."""
    return f"/draft-order?token={token}"


def make(new: NewDraft, staff_id: UUID | None) -> dict[str, Any]:
    """Write a draft; as staff see it, with its link. Writes; the caller commits.

    Raises NotFound (the member, the order), Invalid, ItemsUnavailable.
    """
    if not new.items or len(new.items) > MOST_LINES:
        raise Invalid({"items": [f"Between 1 and {MOST_LINES} lines."]})
    whom = _of_order(new.for_order) if new.for_order else _given(new)
    draft_id, cart_id = new_id(), new_id()
    db.run(
        "INSERT INTO carts (id, user_id, state, currency) VALUES (:id, CAST(:user AS uuid), 'draft', :currency)",
        id=cart_id,
        user=whom.user_id,
        currency=whom.currency,
    )
    known = db.scalar("SELECT count(*) FROM variants WHERE id = ANY(:ids)", ids=list(new.items))
    if known != len(new.items):
        raise Invalid({"items": ["Not a variant of this shop."]})
    db.run(
        "INSERT INTO cart_items (id, cart_id, variant_id, quantity) SELECT x.id, :cart, x.variant, x.quantity"
        " FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS x (id uuid, variant uuid, quantity int)",
        cart=cart_id,
        items=dump([{"id": str(new_id()), "variant": str(v), "quantity": q} for v, q in new.items.items()]),
    )
    db.run(
        """
        INSERT INTO order_drafts (id, number, cart_id, user_id, person_id, email, shipping_address, shipping_method,
            free_shipping, for_order_id, created_by, expires_at)
        VALUES (:id, 'DR-' || nextval('draft_numbers'), :cart, CAST(:user AS uuid), :person, :email, :address, :method,
            :free, CAST(:for_order AS uuid), CAST(:by AS uuid), now() + make_interval(days => :days))
        """,
        id=draft_id,
        cart=cart_id,
        user=whom.user_id,
        person=whom.person.id,
        email=whom.person.seal(whom.email, f"order_drafts/email/{draft_id}"),
        address=whom.person.seal(dict(whom.address), f"order_drafts/shipping_address/{draft_id}"),
        method=whom.method,
        free=new.free_shipping,
        for_order=whom.order_id,
        by=staff_id,
        days=DAYS,
    )
    ref = CartRef(cart_id, whom.user_id)
    lines = cart_lines(ref, draft=True)
    demand_buyable(lines)
    price_lines(ref, lines, place_of(whom.address), whom.method)  # refuses a way of shipping that is not offered
    return draft_view(draft_id)


def _given(new: NewDraft) -> _For:
    if new.shipping_address is None or not new.shipping_method:
        raise Invalid({"shipping_address": ["Where shall it go, and how?"]})
    if (new.user_id is None) == (new.email is None):
        raise Invalid({"email": ["Name either a customer or an e-mail address."]})
    address = checked(new.shipping_address, "shipping_address")
    if new.user_id is not None:
        member = buyer(new.user_id)
        return _For(new.user_id, member.person, member.email, address, new.shipping_method, new.currency)
    return _For(None, new_person(), str(new.email), address, new.shipping_method, new.currency)


def _of_order(number: str) -> _For:
    order = db.row(
        "SELECT id, user_id, person_id, email, shipping_address, shipping_method, currency FROM orders"
        " WHERE number = :number",
        number=number,
    )
    if order is None:
        raise NotFound("order")
    person = load_person(order.person_id)
    email = person.unseal(order.email, f"orders/email/{order.id}")
    address = person.unseal(order.shipping_address, f"orders/shipping_address/{order.id}")
    method = str(order.shipping_method["code"])
    return _For(order.user_id, person, email, address, method, order.currency, order.id)


# --- what is shown -----------------------------------------------------------------------------------------

_DRAFT = """
SELECT d.id, d.number, CASE WHEN d.state = 'open' AND d.expires_at <= now() THEN 'expired' ELSE d.state END AS state,
       d.cart_id, d.user_id, d.person_id, d.email, d.shipping_address, d.shipping_method, d.free_shipping, d.order_id,
       d.created_at, d.expires_at, f.number AS for_order, o.number AS order_number
FROM order_drafts d LEFT JOIN orders f ON f.id = d.for_order_id LEFT JOIN orders o ON o.id = d.order_id
WHERE {which}
"""


def draft_view(draft_id: UUID) -> dict[str, Any]:
    """A draft as staff see it, with its link. Raises NotFound."""
    draft = db.row(_DRAFT.format(which="d.id = :id"), id=draft_id)
    if draft is None:
        raise NotFound("draft")
    token = draft_token(draft.id)
    url = f"{settings().public_url}{page_of(token)}"
    return _document(draft) | {"token": token, "url": url, **_personal(draft)}


def shown_by_link(token: str) -> dict[str, Any]:
    """A draft as whoever has its link sees it. Raises NotFound."""
    draft = _of_token(token)
    return _document(draft) | _personal(draft)


def _of_token(token: str, lock: str = "") -> Any:
    subject = token_subject(settings().secret_key, _KIND, token)
    draft = db.row(_DRAFT.format(which="d.id = :id") + lock, id=UUID(subject)) if subject else None
    if draft is None:
        raise NotFound("draft")
    return draft


def _personal(draft: Any) -> dict[str, Any]:
    """E-mail and address; both None once the person is erased."""
    try:
        person = load_person(draft.person_id)
    except NotFound:
        return {"email": None, "shipping_address": None}
    return {
        "email": person.unseal(draft.email, f"order_drafts/email/{draft.id}"),
        "shipping_address": person.unseal(draft.shipping_address, f"order_drafts/shipping_address/{draft.id}"),
    }


def _document(draft: Any) -> dict[str, Any]:
    about = {
        "id": str(draft.id),
        "number": draft.number,
        "state": draft.state,
        "for_order": draft.for_order,
        "order": draft.order_number,
        "created_at": rfc3339(draft.created_at),
        "expires_at": rfc3339(draft.expires_at),
        "free_shipping": draft.free_shipping,
        "customer_id": str(draft.user_id) if draft.user_id else None,
        "items": [],
        "totals": None,
        "shipping_method": {"code": draft.shipping_method},
        "problem": None,
    }
    return about if draft.state != "open" else about | _priced(draft)


def _priced(draft: Any) -> dict[str, Any]:
    """What it costs at this moment; where it cannot be bought, why."""
    ref = CartRef(draft.cart_id, draft.user_id)
    lines = cart_lines(ref, draft=True)
    items = [_item(line) for line in lines]
    address = _personal(draft)["shipping_address"]
    missing = [line.sku for line in lines if not line.buyable or line.available < line.quantity]
    if missing or address is None:
        return {"items": items, "problem": f"Not to be had now: {', '.join(missing)}" if missing else "erased"}
    try:
        found, chosen, priced = price_lines(
            ref, lines, place_of(address), draft.shipping_method, free_shipping=draft.free_shipping
        )
    except Invalid:
        return {"items": items, "problem": "It is not sent there in this way any more."}
    totals = priced.totals
    paid = sum(found.paid_by(totals.total).values())
    due = money(totals.total - paid, totals.currency)
    return {
        "items": items,
        "totals": totals.as_dict() | {"credit": money(paid, totals.currency), "due": due},
        "shipping_method": {"code": chosen.code, "name": chosen.name},
    }


def _item(line: CartLine) -> dict[str, Any]:
    return {
        "variant_id": str(line.variant_id),
        "sku": line.sku,
        "name": line.name,
        "options": line.options,
        "quantity": line.quantity,
        "unit_price": money(line.unit_price_minor, line.currency),
    }


def list_drafts(*, state: str | None = None, limit: int = 24, cursor: str | None = None) -> dict[str, Any]:
    """A page of drafts without their lines, newest first: {items, next_cursor}."""
    values: dict[str, Any] = {"limit": limit + 1}
    parts = ["true"]
    if state is not None:
        parts.append("d.state = :state")
        values["state"] = state
    if cursor:
        at, last = decode_cursor(cursor, str, str)
        parts.append("(d.created_at, d.id) < (CAST(:at AS timestamptz), CAST(:last AS uuid))")
        values |= {"at": at, "last": last}
    sql = _DRAFT.format(which=" AND ".join(parts)) + " ORDER BY d.created_at DESC, d.id DESC LIMIT :limit"
    found = db.rows(sql, **values)
    shown = found[:limit]
    following = encode_cursor(shown[-1].created_at.isoformat(), str(shown[-1].id)) if len(found) > limit else None
    return {"items": [_summary(row) for row in shown], "next_cursor": following}


def drafts_for(number: str) -> list[dict[str, Any]]:
    """The drafts by which goods are added to an order, newest first."""
    found = db.rows(_DRAFT.format(which="f.number = :number") + " ORDER BY d.created_at DESC, d.id DESC", number=number)
    return [_summary(row) for row in found]


def _summary(draft: Any) -> dict[str, Any]:
    return {
        "id": str(draft.id),
        "number": draft.number,
        "state": draft.state,
        "for_order": draft.for_order,
        "order": draft.order_number,
        "created_at": rfc3339(draft.created_at),
        "expires_at": rfc3339(draft.expires_at),
    }


# --- what staff type ---------------------------------------------------------------------------------------


def variants_of(units: Mapping[str, int]) -> dict[UUID, int]:
    """Units by variant, from units by article code. Raises Invalid for codes that are none."""
    found = {r.sku: r.id for r in db.rows("SELECT id, sku FROM variants WHERE sku = ANY(:skus)", skus=list(units))}
    unknown = sorted(set(units) - set(found))
    if unknown:
        raise Invalid({"items": [f"No article has the code {', '.join(unknown)}."]})
    return {found[sku]: quantity for sku, quantity in units.items()}


def member_with(email: str) -> UUID | None:
    """The member who has proved that this address is theirs; None for nobody."""
    found: UUID | None = db.scalar(
        "SELECT id FROM users WHERE email_index = :index AND email_verified_at IS NOT NULL AND erased_at IS NULL",
        index=email_index(email),
    )
    return found


# --- what becomes of it ------------------------------------------------------------------------------------


def send(draft_id: UUID) -> None:
    """Mail the customer the link at which they pay. Writes; the caller commits. Raises NotFound, DraftClosed."""
    draft = draft_view(draft_id)
    if draft["state"] != "open" or draft["totals"] is None:
        raise DraftClosed(f"It is {draft['state']}." if draft["state"] != "open" else str(draft["problem"]))
    person_id = db.scalar("SELECT person_id FROM order_drafts WHERE id = :id", id=draft_id)
    content = {
        "email": draft["email"],
        "name": draft["shipping_address"]["name"],
        "number": draft["number"],
        "total": draft["totals"]["due"],
        "page": page_of(draft["token"]),
    }
    mailing.leave(PREPARED, draft_id, load_person(person_id), content)
    mailing.wake()


def cancel(draft_id: UUID) -> dict[str, Any]:
    """Let nobody pay a draft any more; again changes nothing. Writes; the caller commits. Raises NotFound, DraftClosed
    for one that was paid.
    """
    draft = db.row("SELECT state FROM order_drafts WHERE id = :id FOR UPDATE", id=draft_id)
    if draft is None:
        raise NotFound("draft")
    if draft.state == "ordered":
        raise DraftClosed("It was paid; cancel the order instead.")
    db.run("UPDATE order_drafts SET state = 'cancelled' WHERE id = :id", id=draft_id)
    return draft_view(draft_id)


def pay(
    token: str,
    caller: Caller,
    *,
    payment_token: str | None,
    payment_method_id: UUID | None,
    expected_total: Money,
    device: str | None,
    request_id: str | None,
) -> dict[str, Any]:
    """Turn a draft into an order of its customer, for whoever has its link; a draft that was paid gives that order
    again. Saved cards are those of the member whom it is for.

    Writes; the caller commits. Raises NotFound, DraftClosed, and what `place_order` raises. Records `order.placed`.
    """
    draft = _of_token(token, " FOR UPDATE OF d")
    if draft.state == "ordered":
        return _order_of(draft)
    if draft.state != "open":
        raise DraftClosed(f"It is {draft.state}; ask the shop for another.")
    order_id, ref = new_id(), CartRef(draft.cart_id, draft.user_id)
    number = db.scalar(
        "WITH cart AS (UPDATE carts SET state = 'ordered', order_id = :order, updated_at = now()"
        " WHERE id = :id AND state = 'draft' RETURNING id) SELECT 'QS-' || nextval('order_numbers') FROM cart",
        id=draft.cart_id,
        order=order_id,
    )
    lines = cart_lines(ref, ordered=True)
    demand_buyable(lines)
    person = load_person(draft.person_id)
    email = person.unseal(draft.email, f"order_drafts/email/{draft.id}")
    address = person.unseal(draft.shipping_address, f"order_drafts/shipping_address/{draft.id}")
    wish = PlaceOrder(
        shipping_address=address,
        shipping_method=draft.shipping_method,
        payment_token=payment_token,
        payment_method_id=payment_method_id,
        expected_total=expected_total,
        device=device,
        request_id=request_id,
    )
    payer = caller.user_id if caller.user_id == draft.user_id else None
    claim = Claim(order_id, number, ref)
    made = make_order(
        claim,
        lines,
        _buyer(draft, person, email),
        wish,
        Addresses(address, None),
        payer,
        free_shipping=draft.free_shipping,
    )
    db.run("UPDATE order_drafts SET state = 'ordered', order_id = :order WHERE id = :id", order=order_id, id=draft.id)
    return made | {"token": order_token(order_id)}


def _buyer(draft: Any, person: PersonKey, email: str) -> Buyer:
    index = email_index(email)
    if draft.user_id is None:
        return Buyer(f"guest:{index.hex()}", person.id, person.key, email, index)
    member = buyer(draft.user_id)
    return Buyer(f"user:{draft.user_id}", person.id, person.key, email, index, member.vip, member.spent)


def _order_of(draft: Any) -> dict[str, Any]:
    token = order_token(draft.order_id)
    return order_view_by_id(draft.order_id, Viewer(order_token=token), token)
