"""Buyers of a shop under fire: they buy by the public API and, like any good client, ask again with the same key."""

import itertools
import threading
import time
from collections import Counter

import urllib3

from tests.factories.shop import ADDRESS

_RETRIED = (429, 503)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_numbers = itertools.count(1)


class GaveUp(Exception):
    """No answer within the buyer's patience."""


class History:
    """What buyers saw: every status, every order accepted with its token, every trouble on the way."""

    def __init__(self):
        self.statuses = Counter()
        self.accepted = {}
        self.cancelled = set()
        self.refused = Counter()
        self.lost_answers = 0
        self.gave_up = []
        self._lock = threading.Lock()

    def note(self, status):
        """An answer came."""
        with self._lock:
            self.statuses[status] += 1

    def note_lost(self):
        """The connection broke, or nothing came: nobody knows whether it happened."""
        with self._lock:
            self.lost_answers += 1

    def note_accepted(self, number, order):
        """An order was accepted."""
        with self._lock:
            self.accepted[number] = order

    def note_cancelled(self, number):
        """A cancellation was granted."""
        with self._lock:
            self.cancelled.add(number)


class Buyer:
    """One guest, or the member of `access_token`, with a connection of their own."""

    def __init__(self, url, history, *, access_token=None, patience=90.0):
        self._url = f"{url}/api/v1"
        self._history = history
        self._token = access_token
        self._patience = patience
        self._http = urllib3.PoolManager(maxsize=1, retries=False, timeout=urllib3.Timeout(connect=2, read=15))

    def call(self, method, path, body=None, **headers):
        """One call, asked again until it is answered for good; its JSON. Raises GaveUp, or AssertionError on a 5xx."""
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        deadline, pause = time.monotonic() + self._patience, _FIRST_PAUSE
        while True:
            try:
                answer = self._http.request(method, self._url + path, json=body, headers=headers)
                self._history.note(answer.status)
                if answer.status not in _RETRIED:
                    return answer
            except urllib3.exceptions.HTTPError:
                self._history.note_lost()
            if time.monotonic() > deadline:
                raise GaveUp(f"{method} {path}")
            time.sleep(pause)  # a client's back-off, not a synchronisation
            pause = min(pause * 2, _LONGEST_PAUSE)

    def buy(self, items, payment_token):
        """Fill a cart with {variant id: units} and order it; the order's number, or None where it was refused."""
        try:
            return self._buy(items, payment_token)
        except GaveUp as silence:
            self._history.gave_up.append(str(silence))
            return None

    def cancel(self, number):
        """Cancel an order that was bought, whatever has become of it."""
        token = self._history.accepted[number].get("token")
        mine = {"X-Order-Token": token} if token else {}
        try:
            answer = self.call("POST", f"/orders/{number}/cancel", {}, **mine)
        except GaveUp as silence:
            self._history.gave_up.append(str(silence))
            return
        if answer.status == 202:
            self._history.note_cancelled(number)
        else:
            self._refused(answer)

    def fill_cart(self, items):
        """Fill a cart with {variant id: units}: (headers that name it, body of its order), or None where refused."""
        mine = {}
        for variant_id, quantity in items.items():
            cart = self.call("POST", "/cart/items", {"variant_id": str(variant_id), "quantity": quantity}, **mine)
            if cart.status != 200:
                self._refused(cart)
                return None
            if not self._token:
                mine = {"X-Cart-Token": cart.json()["token"]}
        quote = self.call(
            "POST", "/checkout/quote", {"shipping_address": ADDRESS, "shipping_method": "standard"}, **mine
        )
        if quote.status != 200:
            self._refused(quote)
            return None
        body = {
            "shipping_address": ADDRESS,
            "shipping_method": "standard",
            "payment": {"token": "tok_approve"},
            "expected_total": quote.json()["totals"]["total"],
        }
        if not self._token:
            body["email"] = f"buyer{next(_numbers)}@quickshop.example"
        return mine, body

    def post_order(self, filled, key):
        """Place the order of a filled cart once, whatever the answer; the answer."""
        headers, body = filled
        return self._http.request("POST", f"{self._url}/orders", json=body, headers={**headers, "Idempotency-Key": key})

    def _buy(self, items, payment_token):
        filled = self.fill_cart(items)
        if filled is None:
            return None
        mine, body = filled
        body["payment"] = {"token": payment_token}
        key = f"storm-{next(_numbers)}-{id(self)}"
        placed = self.call("POST", "/orders", body, **mine, **{"Idempotency-Key": key})
        if placed.status != 202:
            return self._refused(placed)
        order = placed.json()
        self._history.note_accepted(order["number"], order)
        return order["number"]

    def _refused(self, answer):
        try:
            code = answer.json().get("code")
        except ValueError:
            code = "no problem document"
        self._history.refused[f"{answer.status} {code}"] += 1
