"""Sending something back: the form, the return's own page with its pictures, the slip for the parcel."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, g, make_response, render_template, request

from blueprints.http import request_id
from blueprints.http.commits import commits_itself
from blueprints.http.limits import limited
from blueprints.http.orders import payer, viewer
from blueprints.http.page_access import shopper, shopper_now
from blueprints.http.pages import go
from blueprints.http.returns import photo_response
from blueprints.http.uploads import all_uploaded, prepared, takes_pictures
from blueprints.storefront import guest_orders
from blueprints.storefront.pages import pages, problem
from quickshop.catalog.queries import variant_pictures
from quickshop.kernel import idempotency
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import new_id, parse_id
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import queries as orders
from quickshop.returns import photos, queries, service
from quickshop.returns.models import MOST_PHOTOS
from quickshop.returns.rules import Wish, WishedLine
from quickshop.returns.states import Reason, Resolution, State
from quickshop.shop.queries import details

LONGEST_NOTE = 2000
REASONS = (
    (Reason.CHANGED_MIND, "I changed my mind"),
    (Reason.TOO_SMALL, "Too small"),
    (Reason.TOO_LARGE, "Too large"),
    (Reason.DAMAGED, "It arrived damaged"),
    (Reason.FAULTY, "It does not work"),
    (Reason.WRONG_ITEM, "Not what I ordered"),
    (Reason.NOT_AS_DESCRIBED, "Not as described"),
    (Reason.LATE, "It came too late"),
    (Reason.OTHER, "Something else"),
)
RESOLUTIONS = (
    (Resolution.REFUND, "Money back", "To where it came from."),
    (Resolution.CREDIT, "Store credit", "In your account as soon as the parcel is here."),
    (Resolution.EXCHANGE, "Another one", "Sent at no charge once the parcel is here."),
)
WORDS = {str(reason): words for reason, words in REASONS}


@pages.get("/orders/<number>/returns/new")
@shopper
def new_return(number: str) -> Response:
    """What of the order can come back, and the form to say so."""
    return _form(number)


def _form(number: str, error: ShopError | None = None) -> Response:
    who = viewer(guest_orders.token_of(number))
    order = orders.order_view(number, who)
    found = queries.returnable(number, who)
    items = {item["line"]: item for item in order["items"]}
    pictures = variant_pictures([items[line["line"]]["variant_id"] for line in found])
    lines = [{**line, **pictures.get(items[line["line"]]["variant_id"], {})} for line in found]
    shown = render_template(
        "shop/return_new.html",
        order=order,
        lines=lines,
        reasons=REASONS,
        resolutions=[each for each in RESOLUTIONS if each[0] != Resolution.CREDIT or g.caller.signed_in],
        typed=request.form,
        most_photos=MOST_PHOTOS,
        idempotency_key=request.form.get("idempotency_key") or str(new_id()),
        problem=_told(error) if error else None,
    )
    return make_response(shown, error.status if error else 200)


def _told(error: ShopError) -> dict[str, Any]:
    told = problem(error)
    if isinstance(error, Invalid):
        told["detail"] = " ".join(text for texts in error.errors.values() for text in texts)
    return told


@pages.post("/orders/<number>/returns")
@shopper_now
@limited("checkout")
@takes_pictures
@commits_itself
def ask_return(number: str) -> Response:
    """Announce a return with its pictures; the key of the form makes a second sending harmless."""
    who = payer(guest_orders.token_of(number))
    with reading():
        order_id, _ = orders.find_order(number, who)
    try:
        wish = _wish()
        files = [prepared(raw) for raw in all_uploaded("photos", MOST_PHOTOS)]
        place = run_unit(lambda: _ask(number, str(order_id), wish, files))
    except ShopError as error:
        if error.status == 404:
            raise
        return _form(number, error)
    return go(f"/orders/{number}/returns/{place}")


def _ask(number: str, order_id: str, wish: Wish, files: list[Any]) -> int:
    who = payer(guest_orders.token_of(number))
    key = idempotency.form_key(request.form.get("idempotency_key"))
    asked = json.dumps([[w.line, w.quantity, w.reason] for w in wish.lines]).encode()
    slot = idempotency.slot(f"order:{order_id}", "POST /orders/returns", key, asked)
    stored = idempotency.enter(slot)
    if stored is not None:
        return int(json.loads(stored.body))
    made = service.ask(number, who, wish, request_id.current())
    place = int(queries.return_by_id(made, who)["number"])
    for file in files:
        photos.add(number, place, who, file)
    idempotency.bind(slot, 201, json.dumps(place).encode())
    return place


def _wish() -> Wish:
    """What the form asks for. Raises Invalid for what no browser would send."""
    form = request.form
    lines = []
    for name, units in form.items():
        place = name.removeprefix("units-")
        if name == place or not place.isdecimal() or len(place) > 4 or units in ("", "0"):
            continue
        if not units.isdecimal() or len(units) > 6:
            raise Invalid({"lines": ["How many shall come back?"]})
        reason, other = form.get(f"reason-{place}", ""), form.get(f"exchange-{place}", "")
        if reason not in WORDS:
            raise Invalid({"reason": ["Say why it comes back."]})
        exchanged = _id(other) if form.get("resolution") == Resolution.EXCHANGE and other else None
        lines.append(WishedLine(int(place), int(units), reason, exchanged))
    resolution, note = form.get("resolution", ""), form.get("note", "").strip()
    if resolution not in [str(each) for each in Resolution]:
        raise Invalid({"resolution": ["Say what you would like for it."]})
    if len(note) > LONGEST_NOTE:
        raise Invalid({"note": [f"At most {LONGEST_NOTE} characters."]})
    return Wish(lines, resolution, note or None)


def _id(text: str) -> Any:
    try:
        return parse_id(text)
    except ShopError:
        raise Invalid({"lines": ["Choose one of those that are offered."]}) from None


@pages.get("/orders/<number>/returns/<int:place>")
@shopper
def one_return(number: str, place: int) -> Response:
    """A return as it stands."""
    return _page(number, place)


def _page(number: str, place: int, error: ShopError | None = None) -> Response:
    found = queries.return_of(number, place, viewer(guest_orders.token_of(number)))
    shown = render_template(
        "shop/return.html",
        found=found,
        words=WORDS,
        resolutions={str(key): words for key, words, _ in RESOLUTIONS},
        withdrawable=found["state"] in (State.REQUESTED, State.APPROVED),
        more_photos=found["state"] in (State.REQUESTED, State.APPROVED) and len(found["photos"]) < MOST_PHOTOS,
        problem=_told(error) if error else None,
    )
    return make_response(shown, error.status if error else 200)


@pages.post("/orders/<number>/returns/<int:place>/withdraw")
@shopper_now
@limited("checkout")
@commits_itself
def withdraw_return(number: str, place: int) -> Response:
    """Keep what was announced."""
    who = payer(guest_orders.token_of(number))
    try:
        run_unit(lambda: service.withdraw(number, place, who, request_id.current()))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(number, place, error)
    return go(f"/orders/{number}/returns/{place}")


@pages.post("/orders/<number>/returns/<int:place>/photos")
@shopper_now
@limited("checkout")
@takes_pictures
@commits_itself
def add_return_photos(number: str, place: int) -> Response:
    """Show more of what comes back."""
    who = payer(guest_orders.token_of(number))
    with reading():
        queries.return_of(number, place, who)
    try:
        files = [prepared(raw) for raw in all_uploaded("photos", MOST_PHOTOS)]
        if not files:
            raise Invalid({"photos": ["Choose a picture."]})
        run_unit(lambda: [photos.add(number, place, who, file) for file in files])
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(number, place, error)
    return go(f"/orders/{number}/returns/{place}")


@pages.get("/orders/<number>/returns/<int:place>/photos/<int:position>")
@shopper
@limited("media")
def return_photo(number: str, place: int, position: int) -> Response:
    """A picture of a return, for who may see it."""
    return photo_response(photos.of_order(number, place, position, viewer(guest_orders.token_of(number))))


@pages.get("/orders/<number>/returns/<int:place>/slip")
@shopper
def return_slip(number: str, place: int) -> str:
    """The slip to print and put into the parcel, by which it is known when it arrives."""
    found = queries.return_of(number, place, viewer(guest_orders.token_of(number)))
    return render_template("shop/return_slip.html", found=found, shop=details(), words=WORDS)
