"""Who gets what from each operation of the API: the access matrix that was agreed, a line per operation.

A new operation needs a line here, or the suite fails. `ids` in paths and bodies are the owner's (tests/factories/
callers.py says who calls and what is there). Start from one of the six patterns and name what differs:

    "GET /api/v1/things/{thing_id}": owners(),
    "POST /api/v1/things": members().sending(lambda world: {"name": "x"}),
    "GET /api/v1/admin/things": staff("things:read", support=OK),
"""

import itertools
from dataclasses import dataclass, replace

from tests.factories.accounts import registration
from tests.factories.callers import BAD_TOKENS, KINDS, SIGNED_IN
from tests.factories.shop import ADDRESS

OK = "allowed"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Expectation:
    """The outcome per kind of caller: OK or a refusal's status; and how to call so that who may, can.

    `answers` are the statuses that count as OK. `scopes` are what an API key must have. `places` renames path
    parameters whose value stands under another name in the world.
    """

    outcomes: dict
    scopes: tuple = ()
    body: object = None
    headers: object = None
    query: str = ""
    answers: frozenset = frozenset({200, 201, 202, 204})
    places: object = None

    def but(self, **different):
        """The same but for these kinds of caller."""
        assert different.keys() <= set(KINDS)
        return replace(self, outcomes=self.outcomes | different)

    def sending(self, body, headers=None):
        """With this body (a function of the world)."""
        return replace(self, body=body, headers=headers or self.headers)

    def heading(self, headers):
        """With these headers more (a function of the world)."""
        return replace(self, headers=headers)

    def asking(self, query):
        """With this query string."""
        return replace(self, query=query)

    def answering(self, *statuses):
        """Where these statuses tell that the call was let in."""
        return replace(self, answers=frozenset(statuses))

    def at(self, places):
        """With these path parameters (a function of the world)."""
        return replace(self, places=places)

    def also(self, *scopes):
        """With a key that has more scopes."""
        return replace(self, scopes=(*self.scopes, *scopes))


def _same(kinds, outcome):
    return dict.fromkeys(kinds, outcome)


def everybody():
    """Public: no credential is even read."""
    return Expectation(_same(KINDS, OK))


def anyone():
    """Guests, members and keys, each with what is theirs; a credential that is given must be good."""
    return Expectation(_same(KINDS, OK) | _same(BAD_TOKENS, 401))


def members():
    """Whoever is signed in, each with what is theirs. Keys have no account."""
    return Expectation(_same(KINDS, 401) | _same(SIGNED_IN, OK))


def owners():
    """Signed-in, and what is named must be theirs."""
    return members().but(other=404, support=404, unproven=404, admin=404)


def holders():
    """What is named must be theirs, for guests and keys, too."""
    return owners().but(anonymous=404, key=404, bare_key=404)


def staff(permission, support=403):
    """Staff with a permission and a second factor, or a key that has it."""
    outcomes = _same(KINDS, 403) | _same(("anonymous", *BAD_TOKENS), 401)
    return Expectation(outcomes | {"admin": OK, "key": OK, "support": support}, scopes=(permission,))


# --- bodies --------------------------------------------------------------------------------------------


def _cart(world):
    return {"X-Cart-Token": world.places["cart_token"]}


def _order(world):
    return {
        "shipping_address": ADDRESS,
        "shipping_method": "standard",
        "payment": {"token": "tok_approve"},
        "expected_total": world.places["total"],
        "email": "guest@quickshop.example",
    }


def _removed(world):
    return {"item_id": world.places["removed_id"]}


def _saved(world):
    return {"item_id": world.places["saved_id"]}


def _shared(world):
    return {"token": world.places["shared_cart"]}


def _key(world):
    return {"Idempotency-Key": f"matrix-{next(_numbers)}"}


def _order_headers(world):
    return _cart(world) | _key(world)


def _draft(world):
    return {"X-Draft-Token": world.places["draft_token"]}


def _draft_paid(world):
    return {"payment": {"token": "tok_approve"}, "expected_total": world.places["total"]}


def _draft_headers(world):
    return _draft(world) | _key(world)


def _new_draft(world):
    items = [{"variant_id": world.places["variant_id"], "quantity": 1}]
    whom = {"email": "guest@quickshop.example", "shipping_address": ADDRESS, "shipping_method": "standard"}
    return {"items": items} | whom


def _product(world):
    number = next(_numbers)
    return {
        "slug": f"matrix-{number}",
        "name": "Matrix",
        "category_id": world.places["category"],
        "currency": "USD",
        "variants": [{"sku": f"MATRIX-{number}", "price": _DOLLAR}],
    }


def _webhook_delivery(world):
    return {"delivery_id": world.places["webhook_delivery"]}


def _password(world):
    return {"password": world.owner["password"]}


def _new_password(world):
    return {"current_password": world.owner["password"], "new_password": "Willow-Lantern-58"}


def _proof(world):
    return _password(world) | {"code": "000000"}


_DOLLAR = {"amount": 100, "currency": "USD"}
_METHOD = {"name": "Standard", "price": _DOLLAR, "min_days": 1, "max_days": 2}
_SHOP_DAY = {
    "timezone": "UTC", "cut_off": "14:00", "handling_days": 0, "working_days": [1], "home_country": "US",
}  # fmt: skip
_RATE = {"country": "US", "region": "NY", "name": "Sales tax", "rate": "4"}
_SUPPORTS = ("customers:read", "metrics:read", "orders:read", "tickets:write")


def _invoiced(world):
    return {"number": world.places["invoiced"]}


def _supports_role(world):
    return {"customer_id": str(world.users["support"]), "name": "support"}


def _a_day(world):
    return {"day": "2026-12-25"}


def _no_rate(world):
    return {"rate_id": "01980000-0000-7000-8000-000000000000"}


def _mailed(world):
    return {"delivery_id": world.places["mailed_delivery"]}


def _another(world):
    return {"customer_id": str(world.users["other"])}


def _device(world):
    return {"token": world.places["device"]}


def _new_device(world):
    return {"token": f"device-{next(_numbers)}"}


def _others_review(world):
    return {"review_id": world.places["others_review"]}


def _gone(world):
    return {"variant_id": world.places["gone"], "product_id": world.places["gone_product"]}


def _arrived(world):
    return {"number": world.places["arrived"], "place": "1", "position": "1"}


def _some(**body):
    return lambda world: body


# --- the matrix ----------------------------------------------------------------------------------------

_ORDER = owners().but(anonymous=404, support=OK, admin=OK, key=OK, bare_key=404).also("orders:read")

EXPECTATIONS = {
    # conversations with support
    "GET /api/v1/tickets": members(),
    "POST /api/v1/tickets": members().sending(_some(subject="Matrix", body="Where?")),
    "GET /api/v1/tickets/{ticket_id}": holders(),
    "POST /api/v1/tickets/{ticket_id}/messages": holders().sending(_some(body="And?")),
    "POST /api/v1/tickets/{ticket_id}/attachments": holders().answering(422),  # a form with a file is needed
    "GET /api/v1/tickets/{ticket_id}/attachments/{attachment_id}": holders(),
    "POST /api/v1/tickets/{ticket_id}/close": holders(),
    # probes
    "GET /healthz": everybody(),
    "GET /metrics": everybody(),
    "GET /readyz": everybody().answering(200, 503),
    # accounts and sessions
    "POST /api/v1/auth/register": everybody().sending(lambda world: registration()),
    "POST /api/v1/auth/verify-email": everybody().sending(_some(token="unknown")).answering(400),
    "POST /api/v1/auth/resend-verification": everybody().sending(_some(email="a@quickshop.example")),
    "POST /api/v1/auth/login": everybody().sending(lambda world: world.owner),
    "POST /api/v1/auth/login/2fa": everybody().sending(_some(challenge="unknown", code="000000")).answering(401),
    "GET /api/v1/auth/2fa": members(),
    "POST /api/v1/auth/2fa/setup": members().sending(_password),
    "POST /api/v1/auth/2fa/enable": members().sending(_some(code="000000")).answering(409),  # not set up
    "POST /api/v1/auth/2fa/disable": members()
    .but(support=403, unproven=403, admin=403)  # staff need it
    .sending(_proof)
    .answering(409),
    "POST /api/v1/auth/2fa/recovery-codes": members().sending(_proof).answering(409),
    "GET /api/v1/auth/passkeys": members(),
    "POST /api/v1/auth/passkeys/register/options": members().sending(_password),
    "POST /api/v1/auth/passkeys/register": members().sending(_some(challenge="", credential={})).answering(422),
    "POST /api/v1/auth/passkeys/login/options": everybody(),
    "POST /api/v1/auth/passkeys/login": everybody().sending(_some(challenge="unknown", credential={})).answering(401),
    "DELETE /api/v1/auth/passkeys/{passkey_id}": owners().sending(_password),
    "POST /api/v1/auth/password/forgot": everybody().sending(_some(email="a@quickshop.example")),
    "POST /api/v1/auth/password/reset": everybody()
    .sending(_some(token="unknown", password="Cobalt-Harvest-28"))
    .answering(400),
    # takes a refresh token where others take an access token
    "POST /api/v1/auth/refresh": Expectation(_same(KINDS, 401) | {"wrong_type": OK}),
    "POST /api/v1/auth/logout": members(),
    "GET /api/v1/auth/sessions": members(),
    "DELETE /api/v1/auth/sessions": members(),
    "DELETE /api/v1/auth/sessions/{session_id}": owners(),
    # the caller's own account
    "GET /api/v1/me": members(),
    "PATCH /api/v1/me": members().sending(_some(first_name="Kim")),
    "POST /api/v1/me/password": members().sending(_new_password),
    "POST /api/v1/me/email": members().sending(lambda world: _password(world) | {"email": "moved@quickshop.example"}),
    "POST /api/v1/me/email/confirm": everybody().sending(_some(token="unknown")).answering(400),
    "DELETE /api/v1/me": members().sending(_password).answering(204, 409),  # 409: an order is under way
    "GET /api/v1/me/events": members(),
    "GET /api/v1/me/credit": members(),
    "GET /api/v1/me/export": members(),
    "GET /api/v1/me/addresses": members(),
    "POST /api/v1/me/addresses": members().sending(lambda world: ADDRESS),
    "GET /api/v1/me/addresses/{address_id}": owners(),
    "PATCH /api/v1/me/addresses/{address_id}": owners().sending(_some(line2="Flat 2")),
    "DELETE /api/v1/me/addresses/{address_id}": owners(),
    "POST /api/v1/me/addresses/{address_id}/default": owners().sending(_some(kind="both")),
    "GET /api/v1/me/payment-methods": members(),
    "POST /api/v1/me/payment-methods": members().sending(_some(token="made up")).answering(422),
    "DELETE /api/v1/me/payment-methods/{method_id}": owners(),
    "POST /api/v1/me/payment-methods/{method_id}/default": owners(),
    "GET /api/v1/me/preferences": members(),
    "PUT /api/v1/me/preferences": members().sending(_some(topics={"news": {"email": True}})),
    "GET /api/v1/notifications": members(),
    "POST /api/v1/notifications/{notification_id}/read": owners(),
    "POST /api/v1/notifications/read-all": members(),
    "GET /api/v1/unsubscribe": everybody().asking("token=unknown").answering(303),
    "POST /api/v1/unsubscribe": everybody().asking("token=unknown").answering(400),
    "GET /api/v1/me/devices": members(),
    "PUT /api/v1/me/devices/{token}": members().sending(_some(platform="ios")).at(_new_device),
    "DELETE /api/v1/me/devices/{token}": owners().at(_device),
    # catalogue
    "GET /api/v1/categories": everybody(),
    "GET /api/v1/products": everybody(),
    "GET /api/v1/products/{slug_or_id}": everybody(),
    "GET /api/v1/products/{slug_or_id}/related": everybody(),
    "GET /api/v1/search/suggest": everybody().asking("q=product"),
    # reviews: 403 tells who did not buy, and whose own review it is
    "GET /api/v1/products/{product_id}/reviews": anyone(),
    "POST /api/v1/products/{product_id}/reviews": members()
    .but(other=403, support=403, unproven=403, admin=403)
    .sending(_some(rating=5, body="Good.")),
    "PATCH /api/v1/reviews/{review_id}": owners().sending(_some(rating=3)),
    "DELETE /api/v1/reviews/{review_id}": owners(),
    "POST /api/v1/reviews/{review_id}/vote": members().but(other=403).sending(_some(helpful=True)).at(_others_review),
    # wishlists and alerts
    "GET /api/v1/wishlists": members(),
    "POST /api/v1/wishlists": members().sending(_some(name="Matrix")),
    "GET /api/v1/wishlists/{wishlist_id}": owners(),
    "PATCH /api/v1/wishlists/{wishlist_id}": owners().sending(_some(shared=False)),
    "DELETE /api/v1/wishlists/{wishlist_id}": owners(),
    "PUT /api/v1/wishlists/{wishlist_id}/items/{variant_id}": owners(),
    "DELETE /api/v1/wishlists/{wishlist_id}/items/{variant_id}": owners(),
    "POST /api/v1/wishlists/{wishlist_id}/items/{variant_id}/move-to-cart": owners().sending(_some()),
    "GET /api/v1/wishlists/shared/{token}": everybody(),
    # 422: members are told at their own address
    "POST /api/v1/products/{product_id}/stock-alerts": anyone()
    .sending(lambda world: {"variant_id": world.places["gone"], "email": "a@quickshop.example"})
    .at(_gone)
    .answering(202, 422),
    "DELETE /api/v1/products/{product_id}/stock-alerts/{variant_id}": owners().at(_gone),
    "GET /api/v1/stock-alerts": members(),
    "POST /api/v1/stock-alerts/confirm": everybody().sending(_some(token="unknown")).answering(400),
    # cart and checkout
    "GET /api/v1/cart": anyone(),
    "DELETE /api/v1/cart": anyone().heading(_cart),
    "POST /api/v1/cart/items": anyone().sending(lambda world: {"variant_id": world.places["variant_id"]}, _cart),
    "PATCH /api/v1/cart/items/{item_id}": holders().sending(_some(quantity=2), _cart),
    "DELETE /api/v1/cart/items/{item_id}": holders().heading(_cart),
    "POST /api/v1/cart/coupons": anyone().sending(lambda world: {"code": world.places["promotion_code"]}, _cart),
    "DELETE /api/v1/cart/coupons/{code}": anyone().heading(_cart).at(lambda world: {"code": "NONE"}).answering(404),
    "PUT /api/v1/cart/credit": members().sending(_some(use=True)),
    "PATCH /api/v1/cart": anyone().sending(lambda world: {"currency": "USD"}, _cart),
    "POST /api/v1/cart/seen": anyone().heading(_cart),
    "POST /api/v1/cart/items/{item_id}/restore": holders().heading(_cart).at(_removed),
    "POST /api/v1/cart/items/{item_id}/save-for-later": holders().heading(_cart),
    "POST /api/v1/cart/saved/{item_id}/move-to-cart": holders().heading(_cart).at(_saved),
    "DELETE /api/v1/cart/saved/{item_id}": holders().heading(_cart).at(_saved),
    "POST /api/v1/cart/share": anyone().heading(_cart),
    "POST /api/v1/cart/from/{token}": anyone().heading(_cart).at(_shared),
    "POST /api/v1/checkout/quote": anyone().sending(_some(), _cart),
    "POST /api/v1/checkout/hold": anyone().heading(_cart),
    # orders
    "POST /api/v1/orders": anyone().sending(_order, _order_headers),
    "GET /api/v1/draft-order": anyone().heading(_draft),
    "POST /api/v1/draft-order/pay": anyone().sending(_draft_paid, _draft_headers),
    "GET /api/v1/orders": members(),
    "GET /api/v1/orders/{number}": _ORDER,
    "GET /api/v1/orders/{number}/events": _ORDER,
    "GET /api/v1/orders/{number}/notifications": _ORDER,
    # 409: the order is not waiting for money. To read an order is no leave to pay for it.
    "GET /api/v1/orders/{number}/invoices": _ORDER,
    "GET /api/v1/orders/{number}/invoice.pdf": _ORDER.at(_invoiced),
    "GET /api/v1/orders/{number}/invoices/{invoice}.pdf": _ORDER.at(_invoiced),
    "POST /api/v1/orders/{number}/reorder": holders(),
    "POST /api/v1/orders/{number}/pay": holders().sending(_some(payment={"token": "tok_approve"})).answering(409),
    "POST /api/v1/orders/{number}/pay/confirm": holders(),
    "POST /api/v1/orders/{number}/cancel": holders(),
    # returns: of an order of the owner's that arrived
    "GET /api/v1/orders/{number}/returns": _ORDER.at(_arrived),
    "POST /api/v1/orders/{number}/returns": holders()
    .sending(_some(lines=[{"line": 1, "quantity": 1}], reason="other"))
    .at(_arrived),
    "GET /api/v1/orders/{number}/returns/{place}": _ORDER.at(_arrived),
    "POST /api/v1/orders/{number}/returns/{place}/withdraw": holders().at(_arrived),
    "POST /api/v1/orders/{number}/returns/{place}/photos": holders().at(_arrived).answering(422),  # without a file
    "GET /api/v1/orders/{number}/returns/{place}/photos/{position}": _ORDER.at(_arrived),
    "POST /api/v1/orders/{number}/confirm": holders().answering(409),  # nobody asks
    "POST /api/v1/payments/webhooks/{provider}": everybody().sending(_some()).answering(400),
    # staff: catalogue and orders
    "POST /api/v1/admin/categories": staff("catalog:write").sending(
        lambda world: {"slug": f"matrix-{next(_numbers)}", "name": "Matrix"}
    ),
    "POST /api/v1/admin/products": staff("catalog:write").sending(_product),
    "GET /api/v1/admin/products": staff("catalog:write").asking("q=product"),
    "GET /api/v1/admin/products/{product_id}": staff("catalog:write"),
    "PATCH /api/v1/admin/products/{product_id}": staff("catalog:write").sending(_some(name="Matrix")),
    "POST /api/v1/admin/products/show": staff("catalog:write").sending(
        lambda world: {"product_ids": [world.places["product"]], "shown": False}
    ),
    "POST /api/v1/admin/products/{product_id}/variants": staff("catalog:write").sending(
        lambda world: {"sku": f"MATRIX-{next(_numbers)}", "price": _DOLLAR}
    ),
    "POST /api/v1/admin/products/{product_id}/images": staff("catalog:write").answering(422),  # no file
    "PATCH /api/v1/admin/products/{product_id}/images/{image_id}": staff("catalog:write").sending(_some(alt="Matrix")),
    "DELETE /api/v1/admin/products/{product_id}/images/{image_id}": staff("catalog:write"),
    "PATCH /api/v1/admin/variants/{variant_id}": staff("catalog:write").sending(_some(weight_grams=1)),
    "DELETE /api/v1/admin/variants/{variant_id}": staff("catalog:write").answering(409),  # the last one
    "PUT /api/v1/admin/variants/{variant_id}/price": staff("catalog:write").sending(_some(price=_DOLLAR)),
    "PUT /api/v1/admin/variants/{variant_id}/sale": staff("catalog:write").sending(
        _some(price={"amount": 1, "currency": "USD"})
    ),
    "DELETE /api/v1/admin/variants/{variant_id}/sale": staff("catalog:write"),
    "GET /api/v1/admin/variants/{variant_id}/prices": staff("catalog:write"),
    # The matrix' shop takes one currency: 422 and 404 tell that the call was let in.
    "PUT /api/v1/admin/variants/{variant_id}/prices/{currency}": staff("catalog:write")
    .sending(_some(price={"amount": 1, "currency": "EUR"}))
    .at(lambda world: {"currency": "EUR"})
    .answering(422),
    "DELETE /api/v1/admin/variants/{variant_id}/prices/{currency}": staff("catalog:write")
    .at(lambda world: {"currency": "EUR"})
    .answering(404),
    "POST /api/v1/admin/variants/{variant_id}/stock": staff("catalog:write").sending(_some(quantity=1)),
    "GET /api/v1/admin/variants/{variant_id}/stock-movements": staff("catalog:write"),
    "POST /api/v1/admin/variants/{variant_id}/stock-movements": staff("catalog:write").sending(
        _some(delta=1, cause="received")
    ),
    "GET /api/v1/admin/stock/movements": staff("catalog:write"),
    "GET /api/v1/admin/stock/low": staff("catalog:write"),
    "GET /api/v1/admin/categories": staff("catalog:write"),
    "PATCH /api/v1/admin/categories/{category_id}": staff("catalog:write").sending(_some(name="Matrix")),
    "DELETE /api/v1/admin/categories/{category_id}": staff("catalog:write").answering(409),  # it is not empty
    "GET /api/v1/admin/attributes": staff("catalog:write"),
    "PATCH /api/v1/admin/attributes/{name}": staff("catalog:write").sending(_some(label="Matrix")).answering(404),
    # 422: a form with a file is needed; 409: it does not stand where that can be asked for
    "POST /api/v1/admin/imports": staff("catalog:write").answering(422),
    "GET /api/v1/admin/imports": staff("catalog:write"),
    "GET /api/v1/admin/imports/{import_id}": staff("catalog:write"),
    "GET /api/v1/admin/imports/{import_id}/errors": staff("catalog:write"),
    "GET /api/v1/admin/imports/{import_id}/errors.csv": staff("catalog:write"),
    "POST /api/v1/admin/imports/{import_id}/start": staff("catalog:write").answering(409),
    "POST /api/v1/admin/imports/{import_id}/stop": staff("catalog:write").answering(409),
    "POST /api/v1/admin/imports/{import_id}/resume": staff("catalog:write").answering(409),
    "GET /api/v1/admin/exports/{kind}.csv": staff("catalog:write").at(lambda world: {"kind": "products"}),
    "GET /api/v1/admin/shipping-methods": staff("catalog:write"),
    "GET /api/v1/admin/shipping-methods/{code}": staff("catalog:write"),
    "PUT /api/v1/admin/shipping-methods/{code}": staff("catalog:write").sending(_some(**_METHOD)),
    "DELETE /api/v1/admin/shipping-methods/{code}": staff("catalog:write"),
    "GET /api/v1/admin/shipping-zones": staff("catalog:write"),
    "PUT /api/v1/admin/shipping-zones/{code}": staff("catalog:write").sending(_some(name="Matrix", places=["US"])),
    "DELETE /api/v1/admin/shipping-zones/{code}": staff("catalog:write").answering(404),
    "GET /api/v1/admin/holidays": staff("catalog:write"),
    "PUT /api/v1/admin/holidays/{day}": staff("catalog:write").at(_a_day).sending(_some(name="Matrix")),
    "DELETE /api/v1/admin/holidays/{day}": staff("catalog:write").at(_a_day).answering(404),
    "GET /api/v1/admin/shipping-settings": staff("catalog:write"),
    "PUT /api/v1/admin/shipping-settings": staff("catalog:write").sending(_some(**_SHOP_DAY)),
    "GET /api/v1/admin/tax-classes": staff("catalog:write"),
    "PUT /api/v1/admin/tax-classes/{code}": staff("catalog:write").sending(_some(name="Matrix")),
    "DELETE /api/v1/admin/tax-classes/{code}": staff("catalog:write").answering(409),  # the standard one
    "GET /api/v1/admin/tax-rates": staff("catalog:write"),
    "POST /api/v1/admin/tax-rates": staff("catalog:write").sending(_some(**_RATE)),
    "PUT /api/v1/admin/tax-rates/{rate_id}": staff("catalog:write").sending(_some(**_RATE)).at(_no_rate).answering(404),
    "DELETE /api/v1/admin/tax-rates/{rate_id}": staff("catalog:write").at(_no_rate).answering(404),
    "GET /api/v1/admin/tax-settings": staff("catalog:write"),
    "PUT /api/v1/admin/tax-settings": staff("catalog:write").sending(_some(prices_include_tax=True)),
    "GET /api/v1/admin/tickets": staff("tickets:write", support=OK),
    "GET /api/v1/admin/tickets/assignees": staff("tickets:write", support=OK),
    "GET /api/v1/admin/tickets/{ticket_id}": staff("tickets:write", support=OK),
    "PATCH /api/v1/admin/tickets/{ticket_id}": staff("tickets:write", support=OK).sending(_some(version=1)),
    "POST /api/v1/admin/tickets/{ticket_id}/messages": staff("tickets:write", support=OK).sending(_some(body="Yes.")),
    "POST /api/v1/admin/tickets/{ticket_id}/attachments": staff("tickets:write", support=OK).answering(422),
    "GET /api/v1/admin/tickets/{ticket_id}/attachments/{attachment_id}": staff("tickets:write", support=OK),
    "GET /api/v1/admin/canned-replies": staff("tickets:write", support=OK),
    "POST /api/v1/admin/canned-replies": staff("tickets:write", support=OK).sending(_some(title="Matrix", body="Hi")),
    "PUT /api/v1/admin/canned-replies/{reply_id}": staff("tickets:write", support=OK).sending(
        _some(title="Matrix", body="Hi", version=1)
    ),
    "DELETE /api/v1/admin/canned-replies/{reply_id}": staff("tickets:write", support=OK),
    "GET /api/v1/admin/orders": staff("orders:read", support=OK),
    "GET /api/v1/admin/orders/{number}": staff("orders:read", support=OK),
    "GET /api/v1/admin/orders/{number}/payments": staff("orders:read", support=OK),
    "GET /api/v1/admin/orders/{number}/refunds": staff("orders:read", support=OK),
    "GET /api/v1/admin/orders/{number}/parcels": staff("orders:read", support=OK),
    "POST /api/v1/admin/orders/{number}/parcels": staff("orders:write").sending(_some()).answering(409),  # not paid yet
    "POST /api/v1/admin/orders/{number}/ship": staff("orders:write").sending(_some()).answering(409),
    "GET /api/v1/admin/parcels/{parcel_id}": staff("orders:read", support=OK),
    "POST /api/v1/admin/parcels/{parcel_id}/ship": staff("orders:write").sending(_some()).answering(409),
    "POST /api/v1/admin/parcels/{parcel_id}/unpack": staff("orders:write"),
    "POST /api/v1/admin/parcels/{parcel_id}/events": staff("orders:write").sending(_some(state="in_transit")),
    "GET /api/v1/admin/parcels/{parcel_id}/label.pdf": staff("orders:read", support=OK).answering(404),  # none yet
    # 409: nothing was taken yet
    "POST /api/v1/admin/orders/{number}/refund": staff("orders:write")
    .sending(_some(amount={"amount": 1, "currency": "USD"}), _key)
    .answering(409),
    "GET /api/v1/admin/invoices": staff("orders:read", support=OK),
    "GET /api/v1/admin/invoice-series": staff("orders:read", support=OK),
    "GET /api/v1/admin/risk-reviews": staff("orders:read", support=OK),
    "GET /api/v1/admin/orders/{number}/risk": staff("orders:read", support=OK),
    "POST /api/v1/admin/orders/{number}/approve": staff("orders:write").answering(409),  # it waits for nobody
    "POST /api/v1/admin/orders/{number}/reject": staff("orders:write").answering(409),
    "GET /api/v1/admin/shop-logo.png": staff("settings:write").answering(404),  # there is none
    "PUT /api/v1/admin/shop-logo": staff("settings:write").answering(422),  # no file
    "DELETE /api/v1/admin/shop-logo": staff("settings:write"),
    "GET /api/v1/admin/settings": staff("settings:write"),
    "GET /api/v1/admin/settings/{setting}": staff("settings:write"),
    "PUT /api/v1/admin/settings/{setting}": staff("settings:write")
    .sending(_some(value={"USD": 1}, version=-1))
    .answering(409),
    "POST /api/v1/admin/orders/{number}/cancel": staff("orders:write"),
    "GET /api/v1/admin/processing": staff("orders:read", support=OK),
    "GET /api/v1/admin/failed-tasks": staff("orders:read", support=OK),
    "POST /api/v1/admin/failed-tasks/{task_id}/replay": staff("orders:write"),
    "GET /api/v1/admin/orders/{number}/stages": staff("orders:read", support=OK),
    "POST /api/v1/admin/orders/{number}/hold": staff("orders:write"),
    "POST /api/v1/admin/orders/{number}/release": staff("orders:write").answering(409),  # nobody holds it
    "GET /api/v1/admin/orders/{number}/notes": staff("orders:read", support=OK),
    "POST /api/v1/admin/orders/{number}/notes": staff("orders:write").sending(_some(body="Matrix")),
    "POST /api/v1/admin/orders/bulk": staff("orders:write").sending(_some(action="hold", numbers=["QS-1"])),
    # 409: it is not paid yet
    "POST /api/v1/admin/orders/{number}/edit": staff("orders:write")
    .sending(_some(lines=[{"line": 1, "quantity": 0}]))
    .answering(409),
    "GET /api/v1/admin/draft-orders": staff("orders:read", support=OK),
    "POST /api/v1/admin/draft-orders": staff("orders:write").sending(_new_draft),
    "GET /api/v1/admin/draft-orders/{draft_id}": staff("orders:write"),
    "POST /api/v1/admin/draft-orders/{draft_id}/send": staff("orders:write"),
    "POST /api/v1/admin/draft-orders/{draft_id}/cancel": staff("orders:write"),
    "GET /api/v1/admin/pick-list": staff("orders:read", support=OK),
    "GET /api/v1/admin/pick-list.csv": staff("orders:read", support=OK),
    "GET /api/v1/admin/deliveries": staff("orders:read", support=OK),
    "POST /api/v1/admin/deliveries/{delivery_id}/resend": staff("orders:write").at(_mailed).answering(202, 409),
    "GET /api/v1/admin/returns": staff("orders:read", support=OK),
    "GET /api/v1/admin/returns/{return_id}": staff("orders:read", support=OK),
    "GET /api/v1/admin/returns/{return_id}/photos/{position}": staff("orders:read", support=OK).at(_arrived),
    "POST /api/v1/admin/returns/{return_id}/approve": staff("orders:write"),
    "POST /api/v1/admin/returns/{return_id}/reject": staff("orders:write").sending(_some(answer="Worn")),
    # 409: it was not approved, and nothing of it arrived
    "POST /api/v1/admin/returns/{return_id}/receive": staff("orders:write")
    .sending(_some(lines=[{"line": 1, "received": 1, "restocked": 1}]))
    .answering(409),
    "POST /api/v1/admin/returns/{return_id}/refund": staff("orders:write").sending(_some(), _key).answering(409),
    "POST /api/v1/admin/returns/{return_id}/exchange": staff("orders:write").heading(_key).answering(409),
    "GET /api/v1/admin/cancellation-requests": staff("orders:read", support=OK),
    "POST /api/v1/admin/cancellation-requests/{asked_id}/grant": staff("orders:write"),
    "POST /api/v1/admin/cancellation-requests/{asked_id}/refuse": staff("orders:write").sending(
        _some(answer="Too late")
    ),
    "GET /api/v1/admin/payments/breaks": staff("orders:read", support=OK),
    "POST /api/v1/admin/payments/breaks/{break_id}/close": staff("orders:write").sending(_some(note="Matrix")),
    "GET /api/v1/admin/reviews": staff("reviews:write"),
    "POST /api/v1/admin/reviews/{review_id}/publish": staff("reviews:write").sending(_some()).answering(409),  # it is
    "POST /api/v1/admin/reviews/{review_id}/reject": staff("reviews:write").sending(_some(reason="Matrix")),
    "GET /api/v1/admin/audit-log": staff("audit:read"),
    # staff: promotions and credit
    "GET /api/v1/admin/coupons": staff("promotions:write"),
    "POST /api/v1/admin/coupons": staff("promotions:write").sending(
        _some(name="Matrix", label="Matrix", kind="percent", rate=1000)
    ),
    "GET /api/v1/admin/coupons/{promotion_id}": staff("promotions:write"),
    "PATCH /api/v1/admin/coupons/{promotion_id}": staff("promotions:write").sending(_some(active=False)),
    "POST /api/v1/admin/coupons/{promotion_id}/codes": staff("promotions:write").sending(
        lambda world: {"code": f"MATRIX{next(_numbers)}"}
    ),
    "DELETE /api/v1/admin/coupons/{promotion_id}/codes/{code}": staff("promotions:write").at(
        lambda world: {"code": world.places["promotion_code"]}
    ),
    "GET /api/v1/admin/gift-cards": staff("promotions:write"),
    "POST /api/v1/admin/gift-cards": staff("promotions:write").sending(_some(value=_DOLLAR)),
    "GET /api/v1/admin/gift-cards/{card_id}": staff("promotions:write"),
    "PATCH /api/v1/admin/gift-cards/{card_id}": staff("promotions:write").sending(_some(active=True)),
    "GET /api/v1/admin/customers/{customer_id}/credit": staff("customers:read", support=OK),
    "POST /api/v1/admin/customers/{customer_id}/credit": staff("promotions:write").sending(
        _some(amount=100, currency="USD")
    ),
    # staff: customers, roles, keys
    "GET /api/v1/admin/customers": staff("customers:read", support=OK).asking("q=robin"),
    "GET /api/v1/admin/customers/{customer_id}": staff("customers:read", support=OK),
    "PATCH /api/v1/admin/customers/{customer_id}": staff("customers:write").sending(_some(vip=True, disabled=True)),
    "GET /api/v1/admin/customers/{customer_id}/export": staff("customers:erase"),
    "POST /api/v1/admin/customers/{customer_id}/erase": staff("customers:erase").at(_another),
    "POST /api/v1/admin/orders/{number}/erase-person": staff("customers:erase").answering(409),  # a member's order
    "PUT /api/v1/admin/customers/{customer_id}/roles/{name}": staff("roles:write"),
    "DELETE /api/v1/admin/customers/{customer_id}/roles/{name}": staff("roles:write")
    .also(*_SUPPORTS)
    .at(_supports_role),
    "GET /api/v1/admin/permissions": staff("roles:read"),
    "GET /api/v1/admin/roles": staff("roles:read"),
    "POST /api/v1/admin/roles": staff("roles:write").sending(_some(name="matrix", permissions=[])),
    "GET /api/v1/admin/roles/{name}": staff("roles:read"),
    "PUT /api/v1/admin/roles/{name}": staff("roles:write").sending(_some(description="Matrix")),
    "DELETE /api/v1/admin/roles/{name}": staff("roles:write"),
    "GET /api/v1/admin/api-keys": staff("api-keys:write"),
    "POST /api/v1/admin/api-keys": staff("api-keys:write")
    .sending(_some(name="matrix", scopes=["orders:read"]))
    .but(key=403),  # a key makes no keys
    "DELETE /api/v1/admin/api-keys/{key_id}": staff("api-keys:write"),
    # staff: outbound webhooks
    "GET /api/v1/admin/webhooks": staff("webhooks:read"),
    "POST /api/v1/admin/webhooks": staff("webhooks:write").sending(
        _some(name="Warehouse", url="https://hooks.example/in", events=["order.*"])
    ),
    "GET /api/v1/admin/webhooks/{webhook_id}": staff("webhooks:read"),
    "PATCH /api/v1/admin/webhooks/{webhook_id}": staff("webhooks:write").sending(_some(name="Other")),
    "DELETE /api/v1/admin/webhooks/{webhook_id}": staff("webhooks:write"),
    "POST /api/v1/admin/webhooks/{webhook_id}/rotate": staff("webhooks:write").sending(_some(hours=1)),
    "POST /api/v1/admin/webhooks/{webhook_id}/test": staff("webhooks:write"),
    "POST /api/v1/admin/webhooks/{webhook_id}/recover": staff("webhooks:write").sending(_some(after=0)),
    "GET /api/v1/admin/webhooks/{webhook_id}/deliveries": staff("webhooks:read"),
    "GET /api/v1/admin/webhook-deliveries/{delivery_id}": staff("webhooks:read").at(_webhook_delivery),
    "POST /api/v1/admin/webhook-deliveries/{delivery_id}/redeliver": staff("webhooks:write").at(_webhook_delivery),
    "GET /api/v1/admin/webhook-events": staff("webhooks:read"),
}
