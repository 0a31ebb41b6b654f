"""What happens to a routed request before its view: limits, admission, CSRF. In one hook, for speed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, abort, g, request

from blueprints.http.admission import Gate, make_gate
from blueprints.http.border import EXTRA, ROUTE
from blueprints.http.csrf import csrf
from blueprints.http.errors import wants_problem
from blueprints.http.json_body import card_refused
from blueprints.http.limits import ClassLimiter, Rate, make_limiter
from blueprints.http.uploads import LargeBody, let_in
from quickshop.kernel.cards import holds_card_number

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class _Rules:
    """What an endpoint's view asks of the gatekeeper; found once."""

    rate: Rate | None
    checkout: bool
    page: bool
    large_body: LargeBody | None


class Gatekeeper:
    """The checks of one application."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._limiter: ClassLimiter = make_limiter(app)
        with app.app_context():
            self._gate: Gate = make_gate()
        self._rules: dict[str, _Rules] = {}

    def _rules_of(self, endpoint: str, path: str) -> _Rules:
        found = self._rules.get(endpoint)
        if found is None:
            view: Callable[..., Any] = self._app.view_functions[endpoint]
            checkout = getattr(view, "rate_class", "") == "checkout"
            found = _Rules(
                self._limiter.rate_of(view), checkout, not wants_problem(path), getattr(view, "large_body", None)
            )
            self._rules[endpoint] = found
        return found

    def enter(self) -> None:
        """Let the request in, or raise what the caller is told."""
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        environ = asked.environ
        if "\0" in environ["PATH_INFO"] or "%00" in environ.get("QUERY_STRING", ""):
            # No text column holds NUL, so no address may.
            abort(404)
        if asked.url_rule is None:
            return
        environ[ROUTE] = asked.url_rule.rule
        rules = self._rules_of(asked.url_rule.endpoint, environ["PATH_INFO"])
        if rules.rate is not None:
            told = self._limiter.spend(rules.rate)
            environ.get(EXTRA, []).extend(told)
            g.places = self._gate.enter(rules.checkout)
        if rules.large_body is not None:
            let_in(asked, rules.large_body)
        if asked.method not in _SAFE:
            if holds_card_number(environ["PATH_INFO"]):
                abort(404)
            if rules.page:
                csrf.protect()
                _check_form(asked)

    def leave(self, _error: BaseException | None = None) -> None:
        """Give the request's place back."""
        places = g.pop("places", None)
        if places:
            self._gate.leave(places)


def _check_form(asked: Request) -> None:
    """Refuse NUL, which no text column holds, and card numbers.

    No form of ours takes one; the card form's fields have no names and go to the provider.
    """
    for name, value in asked.form.items(multi=True):
        if "\0" in name or "\0" in value:
            abort(400)
        if holds_card_number(value) or holds_card_number(name):
            raise card_refused(name if not holds_card_number(name) else "form")


def _as_it_is(view: Callable[..., Any]) -> Callable[..., Any]:
    """No view and no hook here is a coroutine; Flask would ask each of them, fifteen times a request."""
    return view


def install_gatekeeper(app: Flask) -> None:
    """Stand before every view of the application."""
    gatekeeper = Gatekeeper(app)
    app.ensure_sync = _as_it_is  # type: ignore[method-assign,assignment]
    app.before_request(gatekeeper.enter)
    app.teardown_request(gatekeeper.leave)
