"""Whatever stage of a sale a test needs, made by the shop's own services. Needs an active application context."""

import itertools
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from quickshop.accounts.callers import ANONYMOUS, Caller
from quickshop.accounts.people import email_index, make_key
from quickshop.cart import service as carts
from quickshop.catalog import service as catalog
from quickshop.checkout.service import PlaceOrder, place_order, quote
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import cancelling, paying, processing, refunding
from quickshop.orders.viewers import Viewer
from quickshop.shipping import service as shipping
from quickshop.shipping.rules import Method

_numbers = itertools.count(1)
ADDRESS = {
    "name": "Robin Ashdown",
    "line1": "1 Mill Lane",
    "line2": "",
    "city": "Leeds",
    "region": "",
    "postal_code": "LS1 4AB",
    "country": "GB",
    "phone": "",
}
STANDARD = Method("standard", "Standard", "USD", 500, 10_000, 2, 4)


# --- things to sell ------------------------------------------------------------------------------------


def a_variant(*, price=1000, stock=10, sku=None, currency="USD", ships=True):
    """A published product with one variant in stock, and (unless the shop has its own) a way to ship it; its id."""
    sku = sku or f"SKU-{next(_numbers)}"

    def make():
        if ships:
            shipping.set_method(STANDARD, 1)
        category = catalog.create_category(f"category-{sku.lower()}", f"Category of {sku}")
        product = catalog.NewProduct(
            slug=f"product-{sku.lower()}",
            name=f"Product {sku}",
            description="",
            category_id=category,
            currency=currency,
            variants=[catalog.NewVariant(sku, price)],
        )
        _, variants = catalog.create_product(product)
        if stock:
            inventory.receive({variants[sku]: stock})
        return variants[sku]

    return run_unit(make)


def set_price(variant_id, price):
    """Change a price behind the shopper's back."""
    run_unit(lambda: db.run("UPDATE variants SET price_minor = :p WHERE id = :id", p=price, id=variant_id))


# --- people --------------------------------------------------------------------------------------------


def a_member(*, vip=False, verified=True, spent=0, email=None):
    """A member, written without the cost of hashing a password; their caller."""
    number = next(_numbers)
    email = email or f"member{number}@quickshop.example"
    person, wrapped = make_key()
    user_id = new_id()

    def make():
        db.run(
            "INSERT INTO persons (id, key_id, wrapped_key) VALUES (:id, :key_id, :wrapped)",
            id=person.id,
            key_id=wrapped.key_id,
            wrapped=wrapped.wrapped,
        )
        db.run(
            """
            INSERT INTO users (id, person_id, username, email, email_index, first_name, last_name, password_hash,
                               email_verified_at, vip, spent_minor, spent)
            VALUES (:id, :person, :username, :email, :index, :first, :last, 'none',
                    CASE WHEN :verified THEN now() END, :vip, :spent,
                    jsonb_build_object('USD', CAST(:spent AS bigint)))
            """,
            id=user_id,
            person=person.id,
            username=f"member{number}",
            email=person.seal(email, f"users/email/{user_id}"),
            index=email_index(email),
            first=person.seal("Robin", f"users/first_name/{user_id}"),
            last=person.seal("Ashdown", f"users/last_name/{user_id}"),
            verified=verified,
            vip=vip,
            spent=spent,
        )

    run_unit(make)
    return Caller(user_id=user_id, email_verified=verified, username=f"member{number}")


# --- carts ---------------------------------------------------------------------------------------------


def a_cart(items, caller=ANONYMOUS):
    """A cart with {variant id: quantity}; its ref."""

    def make():
        ref = carts.start_cart(caller)
        for variant_id, quantity in items.items():
            carts.add_item(ref, variant_id, quantity)
        return ref

    return run_unit(make)


def total_of(ref, method="standard"):
    """What the cart costs now."""
    with reading():
        total = quote(ref, method)["totals"]["total"]
    return Money(total["amount"], total["currency"])


# --- orders --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Placed:
    """An order that was placed: its id, number and the document the shopper got."""

    id: UUID
    number: str
    document: dict

    @property
    def total(self):
        """In minor units."""
        return self.document["totals"]["total"]["amount"]


def a_wish(ref, **more):
    """What a shopper asks for who saw the present total."""
    more.setdefault("email", f"guest{next(_numbers)}@quickshop.example")
    token = more.pop("token", None if "payment_method_id" in more else "tok_approve")
    expected = more.pop("expected_total", None) or total_of(ref)
    where = None if "shipping_address_id" in more else ADDRESS
    defaults = {"shipping_address": where, "shipping_method": "standard"}
    return PlaceOrder(**defaults | more, payment_token=token, expected_total=expected)


def order_cart(ref, caller=ANONYMOUS, **wish):
    """Place the cart's order in one unit."""
    asked = a_wish(ref, **wish)
    document = run_unit(lambda: place_order(caller, ref, asked))
    return Placed(UUID(document["id"]), document["number"], document)


def an_order(items=None, caller=ANONYMOUS, **wish):
    """A placed order (of one unit of a new product, where no items are given)."""
    return order_cart(a_cart(items or {a_variant(): 1}, caller), caller, **wish)


def a_confirmed_order(**more):
    """An order that was paid and confirmed."""
    order = an_order(**more)
    processing.process(order.id)
    assert state_of(order) == ("confirmed", "captured")
    return order


def a_declined_order(**more):
    """An order whose payment was declined."""
    order = an_order(**{"token": "tok_decline"} | more)
    processing.process(order.id)
    assert state_of(order) == ("payment_failed", "failed")
    return order


def an_order_on_hold(**more):
    """An order that automation gave up."""
    order = an_order(**more)
    run_unit(lambda: db.run("UPDATE order_processing SET attempt = 5 WHERE order_id = :id", id=order.id))
    processing.process(order.id)
    assert state_of(order)[0] == "on_hold"
    return order


def pay_again(order, token="tok_approve", *, user_id=None, method_id=None):
    """Try another card, as the one who ordered; a saved one is named by its member and id."""
    viewer = Viewer(user_id=user_id, staff=user_id is None)
    token = None if method_id else token
    return run_unit(lambda: paying.pay_again(order.number, viewer, token, None, method_id))


def cancel(order, by="shopper"):
    """Cancel, by whoever may see the order."""
    return run_unit(lambda: cancelling.cancel(order.number, Viewer(staff=True), None, by))


def refund(order, amount, reason=None, currency="USD"):
    """Ask for a refund as staff do; minor units."""
    return run_unit(lambda: refunding.refund(order.number, Money(amount, currency), reason, None))


# --- time ----------------------------------------------------------------------------------------------


def come_due(order):
    """Let the waiting step's time come now."""
    run_unit(
        lambda: db.run(
            "UPDATE order_processing SET next_run_at = now() - interval '1 ms' WHERE order_id = :id AND step <> 'done'",
            id=order.id,
        )
    )


def let_lease_run_out(order):
    """Let the time of whoever owns the step be over."""
    run_unit(
        lambda: db.run(
            "UPDATE order_processing SET lease_until = now() - interval '1 ms'"
            " WHERE order_id = :id AND lease_token IS NOT NULL",
            id=order.id,
        )
    )


def grow_older(order, seconds):
    """Make everything that was asked of the gateway for this order older."""
    run_unit(
        lambda: db.run(
            "UPDATE payment_attempts SET created_at = created_at - make_interval(secs => :s) WHERE order_id = :id",
            s=seconds,
            id=order.id,
        )
    )


def let_pass(gateway, seconds, order=None):
    """Let so much time pass for orders (or one) and their charges, in our books and in the scripted gateway's."""

    def older():
        for table, columns in {
            "payments": ("created_at",),
            "payment_attempts": ("created_at",),
            "order_processing": ("ended_at", "next_run_at", "lease_until"),
        }.items():
            changes = ", ".join(f"{c} = {c} - make_interval(secs => :s)" for c in columns)
            db.run(f"UPDATE {table} SET {changes} WHERE :all OR order_id = :id", s=seconds, all=order is None,
                   id=order and order.id)  # fmt: skip

    run_unit(older)
    for key, charge in gateway.charges.items():
        if order is None or charge.order == order.number:
            gateway.charges[key] = replace(charge, made_at=charge.made_at - timedelta(seconds=seconds))


def process_until_ended(order, most=20):
    """Process the order, each time as soon as it is due, until automation is over; how many runs it took."""
    for run in range(1, most + 1):
        processing.process(order.id)
        if look("SELECT step FROM order_processing WHERE order_id = :id", id=order.id)[0].step == "done":
            return run
        come_due(order)
    raise AssertionError(f"still not ended after {most} runs: {state_of(order)}")


# --- what the database says ----------------------------------------------------------------------------


def look(sql, **params):
    """Rows of a query, with no transaction left open."""
    with reading():
        return db.rows(sql, **params)


def state_of(order):
    """(status, payment_status)."""
    row = look("SELECT status, payment_status FROM orders WHERE id = :id", id=order.id)[0]
    return row.status, row.payment_status


def work_of(order):
    """The processing row."""
    return look("SELECT * FROM order_processing WHERE order_id = :id", id=order.id)[0]


def log_of(order):
    """The types of the order's log, in order; fails where seq has a gap."""
    rows = look("SELECT seq, type FROM order_events WHERE order_id = :id ORDER BY seq", id=order.id)
    assert [r.seq for r in rows] == list(range(1, len(rows) + 1))
    last = look("SELECT event_seq FROM orders WHERE id = :id", id=order.id)[0].event_seq
    assert last == len(rows)
    return [r.type for r in rows]


def stock_of(variant_id):
    """(on_hand, held)."""
    row = look("SELECT on_hand, held FROM stock_items WHERE variant_id = :id", id=variant_id)[0]
    return row.on_hand, row.held


# The audit log may tell of a refusal that changed nothing.
_TABLES = sorted(set(db.db.metadata.tables) - {"audit_log", "audit_heads"})
_DIGEST = "md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
_CONTENT = " UNION ALL ".join(
    f"SELECT '{name}' AS name, count(*) AS rows, {_DIGEST} AS digest FROM {name} t" for name in _TABLES
)


def everything():
    """Each table's row count and digest: equal before and after means that nothing at all was changed."""
    return {r.name: (r.rows, r.digest) for r in look(_CONTENT)}
