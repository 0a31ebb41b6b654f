"""Everybody who may call an operation, in one small world where what can be named belongs to one member, the owner."""

import io
import time
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from blueprints.http.tokens import token_pair
from quickshop.accounts import addresses, api_keys, devices, refreshing, roles
from quickshop.accounts.callers import Caller
from quickshop.accounts.permissions import Permission
from quickshop.cart import service as cart
from quickshop.catalog import pictures
from quickshop.catalog.renditions import Rendition
from quickshop.checkout import drafts
from quickshop.checkout.drafts import NewDraft
from quickshop.imports import uploading
from quickshop.imports.kinds import Kind
from quickshop.kernel import db
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.notifications import service as notifications
from quickshop.orders.viewers import Viewer
from quickshop.payments import breaks, methods
from quickshop.payments.breaks import Break
from quickshop.payments.gateways.port import StoredCard
from quickshop.promotions import crediting, managing
from quickshop.promotions.managing import Setting
from quickshop.returns import photos
from quickshop.security import passwords
from quickshop.support import canned, files
from quickshop.support.holders import Holder
from quickshop.webhooks import service as webhooks
from quickshop.wishlists import alerts
from quickshop.wishlists import service as wishlists
from quickshop.wishlists.sharing import share_token
from tests.factories import invoices, returns, reviews, shop, support
from tests.factories.accounts import PASSWORD, bearer
from tests.factories.tokens import made, parts_of

SIGNED_IN = ("other", "owner", "support", "unproven", "admin")
BAD_TOKENS = ("expired", "revoked", "wrong_type")
KEYS = ("key", "bare_key")
# `unproven` is an admin whom one factor let in; `bare_key` may everything but what the operation asks for.
KINDS = ("anonymous", *BAD_TOKENS, *SIGNED_IN, *KEYS)


@lru_cache(maxsize=1)
def _hash():
    return passwords.hash_password(PASSWORD)


@dataclass
class World:
    """Who is there (`users` by kind), how each of them calls (`headers`), and what the owner has (`places`)."""

    users: dict = field(default_factory=dict)
    headers: dict = field(default_factory=dict)
    places: dict = field(default_factory=dict)
    owner: dict = field(default_factory=dict)


def a_world(app, scopes=()):
    """A new world in an empty database; the key has the `scopes`, the bare key all others."""
    world = World()
    with app.app_context():
        _people(app, world)
        _things(world)
        _keys(world, frozenset(scopes) or {str(Permission.ORDERS_READ)})
    return world


# --- people --------------------------------------------------------------------------------------------


def _people(app, world):
    for kind in SIGNED_IN:
        world.users[kind] = shop.a_member().user_id
    run_unit(lambda: db.run("UPDATE users SET password_hash = :hash", hash=_hash()))
    for kind, role in (("support", "support"), ("unproven", "admin"), ("admin", "admin")):
        run_unit(lambda user=world.users[kind], name=role: roles.grant(user, name))
    pairs = {kind: token_pair(_session(world, kind, proved=kind != "unproven")) for kind in SIGNED_IN}
    world.headers = {"anonymous": {}} | {kind: bearer(pair["access_token"]) for kind, pair in pairs.items()}

    token = pairs["owner"]["access_token"]
    over = made(parts_of(app, token), exp=int(time.time()) - 3600)
    world.headers |= {"expired": bearer(over), "wrong_type": bearer(pairs["owner"]["refresh_token"])}
    ended = _session(world, "owner")
    run_unit(lambda: db.run("UPDATE sessions SET revoked_at = now() WHERE id = :id", id=ended.session_id))
    world.headers["revoked"] = bearer(token_pair(ended)["access_token"])

    username = shop.look("SELECT username FROM users WHERE id = :id", id=world.users["owner"])[0].username
    world.owner = {"login": username, "password": PASSWORD}
    world.places |= {
        "session_id": str(_session(world, "owner").session_id),
        "customer_id": str(world.users["owner"]),
        "passkey_id": str(run_unit(lambda: _passkey(world.users["owner"]))),
    }


def _passkey(user_id):
    """A passkey that exists; nobody can sign with it."""
    return db.scalar(
        "INSERT INTO passkeys (id, user_id, credential_id, public_key, name)"
        " VALUES (gen_random_uuid(), :user, 'credential', 'key', 'Phone') RETURNING id",
        user=user_id,
    )


def _parcel(order_id):
    """A parcel that was packed."""
    return db.scalar(
        "INSERT INTO parcels (id, order_id, number) VALUES (gen_random_uuid(), :order, 1) RETURNING id", order=order_id
    )


def _session(world, kind, *, proved=True):
    """A session of somebody, opened with two factors where it is `proved`."""
    origin = refreshing.Origin("Test", "192.0.2.1")
    return run_unit(lambda: refreshing.start_session(world.users[kind], origin, second_factor=proved))


# --- things --------------------------------------------------------------------------------------------


_FILE = Rendition(200, 200, "webp", b"what a picture's file would hold")


def _things(world):
    variant = shop.a_variant(stock=100)
    owner = Caller(user_id=world.users["owner"], email_verified=True)
    order = shop.an_order({variant: 1}, caller=owner)
    world.places["parcel_id"] = str(run_unit(lambda: _parcel(order.id)))
    came_back, invoiced = _what_comes_back(owner), _an_invoice(variant, owner)
    # After all orders: an order takes its member's cart with it.
    carts = {kind: shop.a_cart({variant: 1}, Caller(user_id=user)) for kind, user in world.users.items()}
    guests = shop.a_cart({variant: 1})
    found = shop.look("SELECT p.id, p.slug, p.category_id FROM variants v JOIN products p ON p.id = v.product_id")[0]
    item = shop.look("SELECT id FROM cart_items WHERE cart_id = :id", id=carts["owner"].id)[0].id
    put_aside = _put_aside(carts["owner"])
    run_unit(lambda: db.run("INSERT INTO roles (name, permissions) VALUES ('spare', '{}')"))
    world.places |= {
        "variant_id": str(variant),
        "product": str(found.id),
        "product_id": str(found.id),
        "category_id": str(found.category_id),
        "image_id": str(run_unit(lambda: pictures.add_picture(found.id, [_FILE]))),
        "slug_or_id": found.slug,
        "category": str(found.category_id),
        "number": order.number,
        "task_id": str(order.id),
        **_a_draft(variant),
        "item_id": str(item),
        "cart_token": guests.token,
        "total": order.document["totals"]["total"],
        "code": "standard",
        "provider": "simulator",
        "setting": "high-value",
        "name": "spare",
        **put_aside,
        "import_id": str(_an_import()),
        "break_id": str(_a_break()),
        **_an_offer(),
        **_a_conversation(owner),
        **_a_webhook(),
        **invoiced,
        **came_back,
    }
    _messages(world)
    _profile(world)
    _words(world, reviews.Shelf(found.id, variant, found.slug))


def _messages(world):
    """What the owner was told: their order was placed."""
    notifications.drain()
    found = shop.look(
        "SELECT m.id, d.id AS delivery FROM inbox_messages m JOIN deliveries d USING (fact_key)"
        " WHERE m.user_id = :owner AND d.channel = 'email'",
        owner=world.users["owner"],
    )[0]
    world.places |= {"notification_id": str(found.id), "mailed_delivery": str(found.delivery)}


def _what_comes_back(owner):
    """An order of the owner's that arrived, with a return and its picture; and a packed one they want to cancel."""
    arrived, packed = shop.an_order({shop.a_variant(): 3}, caller=owner), shop.an_order(caller=owner)
    for status in ("processing", "confirmed"):
        run_unit(
            lambda status=status: db.run(
                "UPDATE orders SET status = :s WHERE id = ANY(:i)", s=status, i=[arrived.id, packed.id]
            )
        )
    made = returns.ask(returns.deliver(arrived), note="Matrix")
    run_unit(lambda: photos.add(arrived.number, 1, Viewer(staff=True), [_FILE]))
    asked = returns.ask_to_cancel(returns.pack(packed))
    return {"arrived": arrived.number, "return_id": str(made), "asked_id": str(asked)}


def _a_draft(variant):
    """An order that staff prepared for a guest."""
    wish = NewDraft({variant: 1}, "standard", shop.ADDRESS, email="guest@quickshop.example")
    made = run_unit(lambda: drafts.make(wish, None))
    return {"draft_id": made["id"], "draft_token": made["token"]}


def _an_offer():
    """A promotion with a code, and a gift card."""
    offer = Setting("Matrix", "Matrix", "percent", rate=1000)
    made = run_unit(lambda: managing.make(offer))
    code = run_unit(lambda: managing.add_code(made, "MATRIX"))
    card, _ = run_unit(lambda: crediting.issue(Money(1000, "USD")))
    return {"promotion_id": str(made), "promotion_code": code, "card_id": str(card)}


def _a_conversation(owner):
    """The owner's question with a file, a file that waits, and a canned reply."""
    ticket = support.a_ticket(owner, files=[support.PICTURE])
    waiting = run_unit(lambda: files.attach(ticket, Holder(owner.user_id), support.PICTURE))
    sent = shop.look("SELECT id FROM ticket_attachments WHERE message_id IS NOT NULL")[0].id
    reply = run_unit(lambda: canned.add_reply("Hello", "Hello {name}"))
    return {"ticket_id": str(ticket), "attachment_id": str(sent), "waiting_id": str(waiting), "reply_id": str(reply)}


def _a_webhook():
    """An endpoint, and a delivery to it."""
    made, _ = run_unit(lambda: webhooks.make("Matrix", "https://hooks.example/matrix", ["*"], None))
    return {"webhook_id": str(made), "webhook_delivery": str(run_unit(lambda: webhooks.send_test(made)))}


def _an_invoice(variant, owner):
    """Another order of the owner, which has its invoice."""
    order = shop.an_order({variant: 1}, caller=owner)
    invoices.issue_for(order.id)
    (paper,) = invoices.papers(order)
    return {"invoiced": order.number, "invoice": paper["number"]}


def _put_aside(ref):
    """What the owner saved for later, took out of the cart a moment ago, and shared."""
    saved, removed = shop.a_variant(), shop.a_variant()

    def put():
        for variant in (saved, removed):
            cart.add_item(ref, variant, 1)
        ids = {
            variant: db.scalar("SELECT id FROM cart_items WHERE cart_id = :c AND variant_id = :v", c=ref.id, v=variant)
            for variant in (saved, removed)
        }
        cart.save_for_later(ref, ids[saved])
        cart.remove_item(ref, ids[removed])
        return {"saved_id": str(ids[saved]), "removed_id": str(ids[removed]), "shared_cart": cart.share(ref)}

    return run_unit(put)


def _a_break():
    """Something that does not add up."""
    found = Break("unknown_charge", "simulator", "charge-1", "USD", 0, 100)
    return run_unit(lambda: breaks.note(found) or db.scalar("SELECT id FROM payment_breaks"))


def _profile(world):
    """What the owner keeps in their profile."""
    owner = world.users["owner"]
    card = StoredCard("visa", "4242", 12, 2039, "fingerprint")
    world.places |= {
        "address_id": str(run_unit(lambda: addresses.add_address(owner, shop.ADDRESS))),
        "method_id": str(run_unit(lambda: methods._write(owner, "tok_approve:matrix", card))),
        "device": "device-of-the-owner",
    }
    run_unit(lambda: devices.register_device(owner, world.places["device"], "android", "Phone"))


def _words(world, shelf):
    """What the owner says of what they bought, wishes for and waits for; and a review of somebody else."""
    owner, other = world.users["owner"], world.users["other"]
    gone = reviews.a_product(stock=0)
    reviews.bought(shelf, owner)
    stranger = reviews.a_product()
    reviews.bought(stranger, other)
    own, others = reviews.a_review(shelf, owner), reviews.a_review(stranger, other)

    def wish():
        made = wishlists.create(owner, "Birthday")
        wishlists.put(owner, made, shelf.variant_id)
        wishlists.change(owner, made, {"shared": True})
        alerts.ask_as_member(owner, gone.product_id, gone.variant_id)
        return made

    made = run_unit(wish)
    world.places |= {
        "review_id": str(own),
        "others_review": str(others),
        "wishlist_id": str(made),
        "token": share_token(made, 1),
        "gone": str(gone.variant_id),
        "gone_product": str(gone.product_id),
    }


def _an_import():
    file = io.BytesIO(b"sku,quantity\nSKU,1\n")
    return run_unit(lambda: uploading.take(Kind.STOCK, file, "stock.csv"))


def _keys(world, scopes):
    admin = Caller(world.users["admin"], None, frozenset(str(p) for p in Permission), second_factor=True)
    others = admin.permissions - scopes

    def make():
        keys = {"key": api_keys.make(admin, "key", scopes), "bare_key": api_keys.make(admin, "bare key", others)}
        spare, _ = api_keys.make(admin, "spare", ["orders:read"])
        return keys, spare

    keys, spare = run_unit(make)
    world.headers |= {kind: {"X-API-Key": key} for kind, (_, key) in keys.items()}
    world.places["key_id"] = str(spare)


# --- what the database says ----------------------------------------------------------------------------

# What a refused call may well leave: that somebody was refused.
_NOTES_OF_REFUSALS = {"audit_log", "audit_heads"}
_TABLES = [t for name, t in sorted(db.db.metadata.tables.items()) if name not in _NOTES_OF_REFUSALS]
# When a session or key was last used is no change of anything.
_ROW = "to_jsonb(t) - 'last_used_at'"
_DIGEST = f"md5(coalesce(string_agg(({_ROW})::text, '|' ORDER BY ({_ROW})::text), ''))"


def _select(table, where="true"):
    return f"SELECT '{table}' AS name, count(*) AS rows, {_DIGEST} AS digest FROM {table} t WHERE {where}"


_EVERYTHING = " UNION ALL ".join(_select(t.name) for t in _TABLES)
_OF_THE_OWNER = " UNION ALL ".join(
    [_select(t.name, "t.user_id = :owner") for t in _TABLES if "user_id" in t.columns]
    + [
        _select("users", "t.id = :owner"),
        _select("cart_items", "t.cart_id IN (SELECT id FROM carts WHERE user_id = :owner)"),
        _select("order_events", "t.order_id IN (SELECT id FROM orders WHERE user_id = :owner)"),
        _select("refresh_tokens", "t.session_id IN (SELECT id FROM sessions WHERE user_id = :owner)"),
    ]
)


def everything(app):
    """Each table's row count and digest: equal before and after means that nothing was changed."""
    with app.app_context(), reading():
        return {row.name: (row.rows, row.digest) for row in db.rows(_EVERYTHING)}


def of_the_owner(app, world):
    """The same of the owner's rows alone."""
    owner: UUID = world.users["owner"]
    with app.app_context(), reading():
        return {row.name: (row.rows, row.digest) for row in db.rows(_OF_THE_OWNER, owner=owner)}
