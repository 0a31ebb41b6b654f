"""Conversations with support on the pages: a member's under /account/tickets, a guest's under /support."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.http.attachments import give_out, sent_files, takes_files
from blueprints.http.commits import commits_itself
from blueprints.http.limits import limited
from blueprints.http.page_access import member_page, member_page_by_itself, shopper, shopper_by_itself
from blueprints.http.pages import go
from blueprints.http.tickets import holder, open_ticket
from blueprints.storefront import guest_orders, guest_tickets
from blueprints.storefront.forms import EmailForm
from blueprints.storefront.pages import field_errors, pages, problem
from quickshop.kernel.errors import Invalid, ShopError
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.support import files, queries, service
from quickshop.support.holders import Holder, ticket_token
from quickshop.support.messages import Said
from quickshop.support.service import Wish

MEMBERS, GUESTS = "/account/tickets", "/support"
PER_PAGE = 20
_FORM = ("subject", "body", "email")


# --- asking --------------------------------------------------------------------------------------------


@pages.get("/account/tickets")
@member_page
def tickets() -> str:
    """The member's conversations, what moved last first."""
    found = queries.own_tickets(Holder(g.caller.user_id), limit=PER_PAGE, cursor=request.args.get("cursor") or None)
    return render_template("shop/tickets.html", section="tickets", tickets=found)


def _asking(error: ShopError | None = None, order: str | None = None, status: int = 200) -> Response:
    """The form; of a guest the one that asks for an address, unless this browser holds the order's token."""
    order = (order or request.args.get("order") or "")[:40] or None
    if order is not None and not g.caller.signed_in and guest_orders.token_of(order) is None:
        order = None
    shown = render_template(
        "shop/ticket_new.html",
        section="tickets",
        layout="shop/account_layout.html" if g.caller.signed_in else "shop/support_layout.html",
        action=f"{MEMBERS}/new" if g.caller.signed_in else GUESTS,
        order=order,
        asks_address=not g.caller.signed_in and order is None,
        form={name: request.form.get(name, "") for name in _FORM},
        errors=field_errors(error) if error else {},
        problem=problem(error) if error else None,
    )
    return make_response(shown, error.status if error else status)


@pages.get("/account/tickets/new")
@member_page
def ticket_form() -> Response:
    """Where a member asks."""
    return _asking()


@pages.get("/support")
@shopper
def support() -> Response:
    """Where a guest asks; a member has a place of their own."""
    if g.caller.signed_in:
        return go(f"{MEMBERS}/new?{request.query_string.decode()}".rstrip("?"))
    return _asking()


def _ask() -> Response:
    order = (request.form.get("order") or "")[:40] or None
    token = guest_orders.token_of(order) if order and not g.caller.signed_in else None
    try:
        email = None if g.caller.signed_in or token else _typed_email()
        said = Said(request.form.get("body", ""), files=sent_files("files"))
        wish = Wish(request.form.get("subject", ""), said, order)
        ticket_id, mailed = run_unit(lambda: open_ticket(wish, token, email))
    except ShopError as error:
        if error.status == 404:
            raise
        return _asking(error, order)
    if mailed:
        return go(f"{GUESTS}/sent")
    if not g.caller.signed_in:
        guest_tickets.keep(ticket_token(ticket_id))
    return go(f"{MEMBERS if g.caller.signed_in else GUESTS}/{ticket_id}")


def _typed_email() -> str:
    form = EmailForm(request.form)
    if not form.validate():
        raise Invalid({name: list(texts) for name, texts in form.errors.items() if name})
    return str(form.email.data)


@pages.post("/account/tickets/new")
@member_page
@limited("auth")
@takes_files
@commits_itself
def open_members_ticket() -> Response:
    """Ask as a member."""
    return _ask()


@pages.post("/support")
@shopper
@limited("auth")
@takes_files
@commits_itself
def open_guests_ticket() -> Response:
    """Ask as a guest: of an order this browser holds the token of, or at an address, where the link is mailed to."""
    return _ask()


@pages.get("/support/sent")
@shopper
def question_sent() -> str:
    """Where a guest's question ends: the rest is in their mail."""
    return render_template("shop/ticket_sent.html")


# --- the conversation ----------------------------------------------------------------------------------


def _holder(ticket_id: str) -> Holder:
    return holder(None, guest_tickets.token_of(ticket_id))


def _base() -> str:
    return MEMBERS if request.path.startswith(MEMBERS) else GUESTS


def _shown(ticket_id: str) -> dict[str, Any]:
    """What the page and its live part show. Raises NotFound for a conversation that is not the caller's."""
    found = queries.own_ticket(parse_id(ticket_id, "ticket"), _holder(ticket_id))
    return {"ticket": found, "base": f"{_base()}/{found['id']}"}


def _page(ticket_id: str, error: ShopError | None = None) -> Response:
    shown = render_template(
        "shop/ticket.html",
        section="tickets",
        layout="shop/account_layout.html" if _base() == MEMBERS else "shop/support_layout.html",
        written=request.form.get("body", ""),
        errors=field_errors(error) if error else {},
        problem=problem(error) if error else None,
        **_shown(ticket_id),
    )
    return make_response(shown, error.status if error else 200)


def _live(ticket_id: str) -> str:
    return render_template("shop/_ticket_live.html", **_shown(ticket_id))


def _do(ticket_id: str, work: Callable[[UUID, Holder], Any]) -> Response:
    known, asking = parse_id(ticket_id, "ticket"), _holder(ticket_id)
    queries.check_own(known, asking)
    try:
        run_unit(lambda: work(known, asking))
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(ticket_id, error)
    return go(f"{_base()}/{known}#answer")


def _say(ticket_id: str) -> Response:
    try:
        said = Said(request.form.get("body", ""), files=sent_files("files"))
    except ShopError as error:
        return _page(ticket_id, error)
    return _do(ticket_id, lambda known, asking: service.say(known, asking, said))


def _close(ticket_id: str) -> Response:
    return _do(ticket_id, service.close)


def _file(ticket_id: str, file_id: str) -> Response:
    return give_out(files.get(parse_id(ticket_id, "ticket"), parse_id(file_id, "attachment"), _holder(ticket_id)))


@pages.get("/account/tickets/<ticket_id>")
@member_page
def ticket(ticket_id: str) -> Response:
    """A member's conversation."""
    return _page(ticket_id)


@pages.get("/account/tickets/<ticket_id>/live")
@member_page_by_itself
def ticket_part(ticket_id: str) -> str:
    """The part that changes, drawn anew."""
    return _live(ticket_id)


@pages.post("/account/tickets/<ticket_id>/messages")
@member_page
@takes_files
@commits_itself
def say(ticket_id: str) -> Response:
    """Write."""
    return _say(ticket_id)


@pages.post("/account/tickets/<ticket_id>/close")
@member_page
@commits_itself
def close_ticket(ticket_id: str) -> Response:
    """Say that it is over."""
    return _close(ticket_id)


@pages.get("/account/tickets/<ticket_id>/attachments/<file_id>")
@member_page
@limited("media")
def ticket_file(ticket_id: str, file_id: str) -> Response:
    """A file, to be saved."""
    return _file(ticket_id, file_id)


@pages.get("/support/<ticket_id>")
@shopper
def guests_ticket(ticket_id: str) -> Response:
    """A guest's conversation. A mailed link's token is kept in the browser and leaves the address.

    From the page of an order, whose token this browser holds, `order` is its number.
    """
    token, order = request.args.get("token"), request.args.get("order")
    if token or order:
        known = parse_id(ticket_id, "ticket")
        queries.check_own(known, holder(guest_orders.token_of(order) if order else None, token))
        guest_tickets.keep(ticket_token(known))
        return go(f"{GUESTS}/{known}")
    return _page(ticket_id)


@pages.get("/support/<ticket_id>/live")
@shopper_by_itself
def guests_part(ticket_id: str) -> str:
    """The part that changes, drawn anew."""
    return _live(ticket_id)


@pages.post("/support/<ticket_id>/messages")
@shopper
@takes_files
@commits_itself
def guest_says(ticket_id: str) -> Response:
    """Write."""
    return _say(ticket_id)


@pages.post("/support/<ticket_id>/close")
@shopper
@commits_itself
def guest_closes(ticket_id: str) -> Response:
    """Say that it is over."""
    return _close(ticket_id)


@pages.get("/support/<ticket_id>/attachments/<file_id>")
@shopper
@limited("media")
def guests_file(ticket_id: str, file_id: str) -> Response:
    """A file, to be saved."""
    return _file(ticket_id, file_id)
