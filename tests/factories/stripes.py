"""localstripe, a Stripe of development under the GPL, as a process of its own; none of it is imported."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import stripe
import urllib3

from tests.factories.gateways import free_port
from tests.factories.waiting import eventually

SECRET_KEY = "sk_test_of_localstripe"
WEBHOOK_SECRET = "whsec_of_localstripe"
APPROVED, DECLINED, ASKS = "4242424242424242", "4000000000000341", "4000002500003155"


class LocalStripe:
    """A running localstripe at `url`, and what a card form or a shopper would do with it."""

    def __init__(self, url):
        self.url = url
        self.http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=1, read=10))
        self.client = stripe.StripeClient(SECRET_KEY, base_addresses={"api": url}, max_network_retries=0).v1

    def card(self, number=APPROVED):
        """The token that the card form makes of a number, in the browser."""
        card = {"number": number, "exp_month": 12, "exp_year": 2039, "cvc": "123"}
        return self.client.payment_methods.create({"type": "card", "card": card}).id

    def intent(self, ref):
        """An intent as Stripe has it."""
        return self.client.payment_intents.retrieve(ref, {"expand": ["latest_charge"]})

    def answer_bank(self, ref, success):
        """What the shopper answers the bank."""
        fields = {"client_secret": self.intent(ref).client_secret, "success": str(success).lower()}
        return self._post(f"/v1/payment_intents/{ref}/_authenticate", fields)

    def tell(self, url):
        """Have events told to this address."""
        return self._post("/_config/webhooks/shop", {"url": url, "secret": WEBHOOK_SECRET})

    def _post(self, path, fields):
        headers = {"Authorization": f"Bearer {SECRET_KEY}"}
        return self.http.request("POST", self.url + path, fields=fields, encode_multipart=False, headers=headers)

    def ready(self):
        """Whether it answers."""
        try:
            return self.http.request("GET", f"{self.url}/v1/balance", headers={"Authorization": f"Bearer {SECRET_KEY}"})
        except urllib3.exceptions.HTTPError:
            return False


@contextmanager
def localstripe(folder):
    """A localstripe that starts empty and ends with the block."""
    port = free_port()
    with (folder / "localstripe.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "localstripe", "--from-scratch", "--port", str(port)],
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        found = LocalStripe(f"http://127.0.0.1:{port}")
        eventually(found.ready, within=30)
        yield found
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
