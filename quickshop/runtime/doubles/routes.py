"""The doubles' WSGI program: which address leads where, for everything but the shop's own payment calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import orjson
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from quickshop.runtime.doubles import pages
from quickshop.runtime.doubles.cards import describe, tokenize
from quickshop.runtime.doubles.carrier import Carrier
from quickshop.runtime.doubles.charges_api import PREFIX, ChargesApi
from quickshop.runtime.doubles.gateway import Gateway
from quickshop.runtime.doubles.inputs import LARGEST_BODY, read_card, read_object
from quickshop.runtime.doubles.journal import Journal
from quickshop.runtime.doubles.mailbox import Mailbox
from quickshop.runtime.doubles.options import Options
from quickshop.runtime.doubles.refusals import Refused

_PAGE_ROWS = 200
_MOST_MESSAGES = 5000
_RULES = Map(
    [
        Rule("/", endpoint="ledger_page", methods=["GET"]),
        Rule("/charges", endpoint="ledger", methods=["GET"]),
        Rule("/challenge/<charge_id>", endpoint="question", methods=["GET"]),
        Rule("/challenge/<charge_id>", endpoint="answer", methods=["POST"]),
        Rule("/v1/tokens", endpoint="token", methods=["POST"]),
        Rule("/v1/tokens", endpoint="token_preflight", methods=["OPTIONS"]),
        Rule("/v1/tokens/<path:card_token>", endpoint="card", methods=["GET"]),
        Rule("/outbox", endpoint="outbox", methods=["GET"]),
        Rule("/outbox/<int:number>", endpoint="message", methods=["GET"]),
        Rule("/carrier", endpoint="parcels_page", methods=["GET"]),
        Rule("/carrier/parcels", endpoint="parcels", methods=["GET"]),
        Rule("/carrier/parcels/<number>/events", endpoint="drive", methods=["POST"]),
        Rule("/carrier/v1/parcels", endpoint="book", methods=["POST"]),
        Rule("/carrier/v1/events", endpoint="parcel_events", methods=["GET"]),
        Rule("/style.css", endpoint="style", methods=["GET"]),
        Rule("/healthz", endpoint="healthz", methods=["GET"]),
    ]
)
# A mail's own HTML is shown apart from everything: no scripts, no forms, links open elsewhere.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:"
)


def _json(document: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, mimetype="application/json")


def _text_argument(request: Request, name: str) -> str | None:
    return request.args.get(name) or None


def _limit(request: Request, default: int) -> int:
    raw = request.args.get("limit")
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdigit() and int(raw[:9]) >= 1):
        raise Refused(400, "invalid_request", "limit must be a whole number, at least 1.")
    return min(int(raw[:9]), _MOST_MESSAGES)


class Doubles:
    """The handlers; each takes the request and what its address holds."""

    def __init__(self, options: Options, gateway: Gateway, carrier: Carrier) -> None:
        self._options = options
        self._gateway = gateway
        self._carrier = carrier
        self._mailbox = Mailbox(options.mail_file)
        # form-action is asked about redirects too, and the bank's page sends the shopper back to the shop.
        self._page_policy = (
            "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self' {' '.join(sorted(options.shop_origins))}"
        )

    def _page(self, html: str) -> Response:
        return Response(
            html,
            mimetype="text/html",
            headers={"Content-Security-Policy": self._page_policy, "Cache-Control": "no-store"},
        )

    # --- the ledger --------------------------------------------------------------------------------

    def ledger(self, request: Request) -> Response:
        """Every charge as JSON, oldest first."""
        return _json(self._gateway.charges(_text_argument(request, "order")))

    def ledger_page(self, request: Request) -> Response:
        """The newest charges for people."""
        rows = self._gateway.charges()
        newest = rows[: -_PAGE_ROWS - 1 : -1]
        return self._page(pages.ledger_page(newest, len(rows), self._options.shop_url))

    # --- the bank's question -----------------------------------------------------------------------

    def _order_url(self, order: str) -> str:
        return f"{self._options.shop_url}/orders/{quote(order, safe='')}"

    def question(self, request: Request, charge_id: str) -> Response:
        """Approve or refuse?"""
        row = self._gateway.row(self._gateway.charge(charge_id))
        return self._page(pages.challenge_page(row, self._order_url(row["order"]), self._options.shop_url))

    def answer(self, request: Request, charge_id: str) -> Response:
        """The shopper's answer; then back to the shop."""
        decision = request.form.get("decision")
        if decision not in ("approve", "refuse"):
            raise Refused(400, "invalid_request", "decision must be approve or refuse.")
        charge = self._gateway.decide_challenge(charge_id, decision == "approve")
        return redirect(self._order_url(charge.wanted.order), 303)

    # --- card tokens -------------------------------------------------------------------------------

    def _shared_with_shop(self, request: Request, response: Response) -> Response:
        origin = request.headers.get("Origin", "")
        response.headers["Vary"] = "Origin"
        if origin in self._options.shop_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
        return response

    def token(self, request: Request) -> Response:
        """A token for a test card; the number goes no further."""
        try:
            card = read_card(request.get_data())
            response = _json(tokenize(card, datetime.now(UTC).date()), 201)
        except Refused as refusal:
            response = _refusal(refusal)
        return self._shared_with_shop(request, response)

    def card(self, request: Request, card_token: str) -> Response:
        """What may be shown of the card behind a token; a call of the shop, not of its pages."""
        return _json(describe(card_token))

    def token_preflight(self, request: Request) -> Response:
        """May the shop's page ask?"""
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": "600",
        }
        return self._shared_with_shop(request, Response(status=204, headers=allowed))

    # --- the mailbox -------------------------------------------------------------------------------

    def outbox(self, request: Request) -> Response:
        """What was mailed and texted, as JSON unless the caller prefers a page."""
        to = _text_argument(request, "to")
        accepted = request.accept_mimetypes.best_match(["application/json", "text/html"])
        if accepted != "text/html":
            lines = [line for _, line in self._mailbox.newest(_limit(request, _MOST_MESSAGES), to)]
            return Response(b"[" + b",".join(lines) + b"]", mimetype="application/json")
        found = self._mailbox.newest(_limit(request, _PAGE_ROWS), to)
        messages = ((number, orjson.loads(line)) for number, line in found)
        return self._page(pages.outbox_page(messages, to, self._options.shop_url))

    def message(self, request: Request, number: int) -> Response:
        """The HTML body of one mail."""
        message = self._mailbox.message(number)
        if message is None:
            raise Refused(404, "not_found", "No such message.")
        return Response(
            str(message.get("html") or ""),
            mimetype="text/html",
            headers={"Content-Security-Policy": _MAIL_POLICY, "Referrer-Policy": "no-referrer"},
        )

    # --- the carrier -------------------------------------------------------------------------------

    def book(self, request: Request) -> Response:
        """Take a parcel, once per key."""
        return _json(self._carrier.book(read_object(request.get_data())), 201)

    def parcel_events(self, request: Request) -> Response:
        """What became of parcels after an event."""
        after = request.args.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 10):
            raise Refused(400, "invalid_request", "after is the id of an event.")
        return _json({"items": self._carrier.events(int(after), min(_limit(request, 100), 1000))})

    def parcels(self, request: Request) -> Response:
        """Every parcel as JSON, newest first."""
        return _json(self._carrier.list(_text_argument(request, "number")))

    def parcels_page(self, request: Request) -> Response:
        """The newest parcels for people, each with what may become of it."""
        rows = self._carrier.list(_text_argument(request, "number"))
        return self._page(pages.parcels_page(rows[:_PAGE_ROWS], len(rows), self._options.shop_url))

    def drive(self, request: Request, number: str) -> Response:
        """Say what becomes of a parcel: a form's or JSON's {state, code}."""
        said = request.form if request.mimetype != "application/json" else read_object(request.get_data())
        code = said.get("code") or None
        parcel = self._carrier.drive(number, str(said.get("state", "")), str(code) if code else None)
        if request.mimetype == "application/json":
            return _json({"tracking_number": parcel.tracking_number, "state": parcel.state}, 201)
        return redirect("/carrier", 303)

    # --- the rest ----------------------------------------------------------------------------------

    def style(self, request: Request) -> Response:
        """The pages' style sheet."""
        return Response(pages.STYLE, mimetype="text/css", headers={"Cache-Control": "max-age=60"})

    def healthz(self, request: Request) -> Response:
        """The process lives."""
        return _json({"status": "ok"})


def _refusal(refusal: Refused) -> Response:
    return _json({"code": refusal.code, "detail": refusal.detail}, refusal.status)


def _http_error(error: HTTPException) -> Response:
    name = (error.name or "error").lower().replace(" ", "_")
    response = _json({"code": name, "detail": error.description}, error.code or 500)
    if error.response is None:
        response.headers.extend((k, v) for k, v in error.get_headers() if k in ("Allow",))
    return response


def create_app(options: Options) -> WSGIApplication:
    """Build the program; takes ownership of the journal. Raises JournalError."""
    gateway = Gateway(options)
    carrier = Carrier(Journal(options.carrier_journal), options.carrier_step, options.public_url)
    doubles = Doubles(options, gateway, carrier)
    charges = ChargesApi(gateway, options.latency)

    def respond(environ: WSGIEnvironment) -> Response:
        request = Request(environ)
        request.max_content_length = LARGEST_BODY
        try:
            endpoint, values = _RULES.bind_to_environ(environ).match()
            handler: Callable[..., Response] = getattr(doubles, endpoint)
            return handler(request, **values)
        except Refused as refusal:
            return _refusal(refusal)
        except HTTPException as error:
            return _http_error(error)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(PREFIX):
            return charges(environ, start_response)
        response = respond(environ)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response(environ, start_response)

    return app
