"""The Stripe adapter against a Stripe that says what a test wants: what each answer means, and what is asked."""

import hashlib
import hmac
import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
import stripe

from quickshop.payments.gateways.port import AnswerState, ChargeRequest
from quickshop.payments.gateways.stripe import StripeGateway, read_event
from quickshop.payments.signatures import BadSignature, verify
from tests.factories.gateways import RawServer, free_port

S = AnswerState
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
REQUEST = ChargeRequest("order:1:authorize", "QS-1", 1500, "USD", "pm_card")
CALLS = {
    "authorize": lambda g: g.authorize(REQUEST),
    "capture": lambda g: g.capture("pi_1", "key-c", 1500),
    "void": lambda g: g.void("pi_1", "key-v"),
    "refund": lambda g: g.refund("pi_1", "key-r", 100),
    "look_up by reference": lambda g: g.look_up(REQUEST.key, "pi_1", NOW),
    "look_up by key": lambda g: g.look_up(REQUEST.key, None, NOW),
    "describe": lambda g: g.describe("pm_card"),
    "keep": lambda g: g.keep("pm_card"),
    "forget": lambda g: g.forget("pm_card:cus_1"),
}


def intent(status="requires_capture", **more):
    return {
        "object": "payment_intent",
        "id": "pi_1",
        "amount": 1500,
        "currency": "usd",
        "status": status,
        "created": int(NOW.timestamp()),
        "metadata": {"key": REQUEST.key, "order": REQUEST.order_number},
        "latest_charge": None,
        **more,
    }


def method(**more):
    card = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030, "fingerprint": "fp1"}
    return {"object": "payment_method", "id": "pm_card", "type": "card", "card": card, **more}


def error(status, code="some_code", type_="invalid_request_error", **more):
    return status, {"error": {"type": type_, "code": code, "message": "No.", **more}}


def refund(**more):
    made = {"object": "refund", "id": "re_1", "payment_intent": "pi_1", "amount": 100, "status": "succeeded"}
    return made | {"metadata": {}} | more


def page(*items, more=False):
    return {"object": "list", "data": list(items), "has_more": more, "url": "/v1/x"}


class FakeStripe:
    """Answers the calls of a test one after the other: a document, or (status, document or bytes)."""

    def __init__(self):
        self.answers, self.asked = [], []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                said = dict(parse_qsl(body or parts.query))
                fake.asked.append((self.command, parts.path, said, dict(self.headers)))
                answer = fake.answers.pop(0)
                status, document = answer if isinstance(answer, tuple) else (200, answer)
                raw = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                if status in (301, 302):
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def says(self, *answers):
        self.answers, self.asked = list(answers), []


@pytest.fixture(scope="module")
def fake():
    found = FakeStripe()
    yield found
    found.server.shutdown()
    found.server.server_close()


def gateway(url, read_seconds=2.0, in_transaction=lambda: False, **more):
    return StripeGateway("sk_test_of_a_test", in_transaction, api_url=url, read_seconds=read_seconds, **more)


# --- what is asked -------------------------------------------------------------------------------------


def test_a_charge_is_one_call_with_our_key_manual_capture_and_no_card_number(fake):
    fake.says(intent())
    answer = gateway(fake.url, return_url="https://shop.test/orders/{order}").authorize(REQUEST)
    assert (answer.state, answer.provider_ref, answer.amount_minor, answer.currency) == (
        S.AUTHORIZED,
        "pi_1",
        1500,
        "USD",
    )
    ((verb, path, said, headers),) = fake.asked
    assert (verb, path, headers["Idempotency-Key"]) == ("POST", "/v1/payment_intents", REQUEST.key)
    assert said == {
        "amount": "1500",
        "currency": "usd",
        "payment_method": "pm_card",
        "payment_method_types[0]": "card",
        "capture_method": "manual",
        "confirm": "true",
        "metadata[key]": REQUEST.key,
        "metadata[order]": "QS-1",
        "expand[0]": "latest_charge",
        "return_url": "https://shop.test/orders/QS-1",
    }
    assert headers["Authorization"] == "Bearer sk_test_of_a_test"


def test_a_kept_card_is_charged_with_the_customer_that_keeps_it(fake):
    fake.says(intent())
    gateway(fake.url).authorize(ChargeRequest(REQUEST.key, "QS-1", 1500, "USD", "pm_card:cus_7"))
    said = fake.asked[0][2]
    assert (said["payment_method"], said["customer"]) == ("pm_card", "cus_7")


@pytest.mark.parametrize(("call", "key"), [("capture", "key-c"), ("void", "key-v")])
def test_captures_and_voids_carry_their_keys(fake, call, key):
    fake.says(intent("succeeded", amount_received=1500) if call == "capture" else intent("canceled"))
    CALLS[call](gateway(fake.url))
    assert fake.asked[0][3]["Idempotency-Key"] == key


def test_a_refund_that_was_made_before_is_found_by_its_key_and_not_made_again(fake):
    fake.says(page(refund(id="re_0", amount=5), refund(metadata={"key": "key-r"})))
    assert CALLS["refund"](gateway(fake.url)).state is S.REFUNDED
    assert [verb for verb, *_ in fake.asked] == ["GET"]


def test_a_new_refund_is_made_under_its_key(fake):
    fake.says(page(), refund())
    answer = CALLS["refund"](gateway(fake.url))
    assert (answer.state, answer.amount_minor) == (S.REFUNDED, 100)
    verb, path, said, headers = fake.asked[1]
    assert (verb, path, headers["Idempotency-Key"]) == ("POST", "/v1/refunds", "key-r")
    assert (said["amount"], said["metadata[key]"]) == ("100", "key-r")


def test_the_first_card_makes_a_customer_and_the_next_one_joins_it(fake):
    fake.says({"object": "customer", "id": "cus_1"}, method())
    kept = gateway(fake.url).keep("pm_card").card
    assert kept.country is None
    assert (kept.token, kept.brand, kept.last4, kept.fingerprint) == ("pm_card:cus_1", "visa", "4242", "fp1")
    assert fake.asked[0][2] == {}  # nothing of the person is told
    fake.says(method())
    assert gateway(fake.url).keep("pm_card", beside="pm_other:cus_1").card.token == "pm_card:cus_1"
    assert fake.asked[0][2] == {"customer": "cus_1"}


def test_no_call_is_made_inside_a_transaction(fake):
    fake.says()
    for call in CALLS.values():
        with pytest.raises(RuntimeError):
            call(gateway(fake.url, in_transaction=lambda: True))
    assert fake.asked == []


# --- what answers mean ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "state", "code"),
    [
        (intent(), S.AUTHORIZED, None),
        (intent("processing"), S.PENDING, None),
        (intent("requires_payment_method", last_payment_error={"code": "card_declined"}), S.DECLINED, "card_declined"),
        (error(402, "card_declined", "card_error"), S.DECLINED, "card_declined"),
        (
            error(402, "card_declined", "card_error", decline_code="insufficient_funds"),
            S.DECLINED,
            "insufficient_funds",
        ),
        (error(402, "expired_card", "card_error", payment_intent=intent()), S.DECLINED, "expired_card"),
        (error(400, "resource_missing"), S.DECLINED, "resource_missing"),
        # nobody can say whether it happened, or somebody else has the key
        (error(500, "boom", "api_error"), S.UNKNOWN, "http_500"),
        (error(409, "idempotency_key_in_use"), S.UNKNOWN, "key_in_use"),
        (error(400, None, "idempotency_error"), S.UNKNOWN, "key_in_use"),
        # believed only where it fits
        (intent(amount=1501), S.UNKNOWN, "bad_reply"),
        (intent(currency="eur"), S.UNKNOWN, "bad_reply"),
        (intent(metadata={"key": "another"}), S.UNKNOWN, "bad_reply"),
        (intent("some_new_state"), S.UNKNOWN, "bad_reply"),
        (intent(amount="1500"), S.UNKNOWN, "bad_reply"),
        ((400, b"<html>"), S.UNKNOWN, "bad_reply"),
        ((402, {"oops": 1}), S.UNKNOWN, "bad_reply"),
    ],
)
def test_what_an_answer_to_a_charge_means(fake, document, state, code):
    fake.says(document)
    answer = CALLS["authorize"](gateway(fake.url))
    assert (answer.state, answer.code, answer.retriable) == (state, code, False)
    assert len(fake.asked) == 1  # never repeated by the library


@pytest.mark.parametrize("status", [401, 403, 429])
def test_what_certainly_did_nothing_may_be_asked_again(fake, status):
    fake.says(error(status))
    answer = CALLS["authorize"](gateway(fake.url))
    assert (answer.state, answer.retriable) == (S.UNKNOWN, True)


def test_a_banks_question_is_a_redirect_to_https(fake):
    def asks(url):
        return intent("requires_action", next_action={"type": "redirect_to_url", "redirect_to_url": {"url": url}})

    fake.says(asks("https://hooks.stripe.com/3d"))
    answer = CALLS["authorize"](gateway(fake.url))
    assert (answer.state, answer.next_action) == (
        S.REQUIRES_ACTION,
        {"type": "redirect", "url": "https://hooks.stripe.com/3d"},
    )
    for bad in ("http://hooks.stripe.com/3d", "javascript:alert(1)", "https://a\nb", 7):
        fake.says(asks(bad))
        assert CALLS["authorize"](gateway(fake.url)).state is S.UNKNOWN


@pytest.mark.parametrize(
    ("document", "state", "captured", "refunded"),
    [
        (intent(), S.AUTHORIZED, 0, 0),
        (intent("canceled", latest_charge={"amount_refunded": 1500}), S.VOIDED, 0, 0),
        (intent("succeeded", amount_received=1500), S.CAPTURED, 1500, 0),
        (intent("succeeded", amount_received=1500, latest_charge={"amount_refunded": 300}), S.REFUNDED, 1500, 300),
        (intent("requires_payment_method"), S.DECLINED, 0, 0),
        (error(404, "resource_missing"), S.NOT_FOUND, 0, 0),
        (error(500), S.UNKNOWN, 0, 0),
        (intent(metadata={}), S.UNKNOWN, 0, 0),
    ],
)
def test_a_look_by_reference_tells_what_is_true_now(fake, document, state, captured, refunded):
    fake.says(document)
    answer = CALLS["look_up by reference"](gateway(fake.url))
    assert (answer.state, answer.captured_minor, answer.refunded_minor) == (state, captured, refunded)


def test_a_look_by_key_reads_what_was_made_about_then_page_by_page(fake):
    other = intent(id="pi_0", metadata={"key": "another"})
    fake.says(page(other, more=True), page(intent()))
    assert CALLS["look_up by key"](gateway(fake.url)).provider_ref == "pi_1"
    first, second = (said for _, _, said, _ in fake.asked)
    assert int(first["created[gte]"]) < NOW.timestamp() < int(first["created[lte]"])
    assert second["starting_after"] == "pi_0"
    fake.says(page(other))
    assert CALLS["look_up by key"](gateway(fake.url)).state is S.NOT_FOUND
    fake.says(error(500))
    assert CALLS["look_up by key"](gateway(fake.url)).state is S.UNKNOWN


def test_without_reference_and_time_nothing_is_claimed(fake):
    fake.says()
    assert gateway(fake.url).look_up(REQUEST.key).state is S.UNKNOWN


@pytest.mark.parametrize(
    ("call", "document", "state"),
    [
        ("capture", intent("succeeded", amount_received=1500), S.CAPTURED),  # this very call, made before
        ("capture", intent("succeeded", amount_received=1400), S.REFUSED),
        ("capture", intent("canceled"), S.REFUSED),
        ("void", intent("canceled"), S.VOIDED),
        ("void", intent("succeeded", amount_received=1500), S.REFUSED),
    ],
)
def test_what_is_refused_because_it_was_done_is_done(fake, call, document, state):
    fake.says(error(400, "payment_intent_unexpected_state"), document)
    assert CALLS[call](gateway(fake.url)).state is state


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([page(), error(400, "charge_already_refunded")], S.REFUSED),
        ([page(), refund(status="failed")], S.REFUSED),
        ([page(), refund(status="pending")], S.REFUNDED),
        ([page(), refund(amount=101)], S.UNKNOWN),
        ([page(), error(500)], S.UNKNOWN),
        ([error(500)], S.UNKNOWN),
        ([error(404)], S.NOT_FOUND),
    ],
)
def test_what_an_answer_to_a_refund_means(fake, answers, state):
    fake.says(*answers)
    assert CALLS["refund"](gateway(fake.url)).state is state


def test_the_books_tell_of_every_intent_with_key_and_order(fake):
    stray = intent("succeeded", id="pi_2", metadata={}, amount_received=1500)
    fake.says(page(intent(), stray, more=True))
    books = gateway(fake.url).books(NOW - timedelta(minutes=1), NOW)
    assert [(c.ref, c.key, c.order_number, c.state) for c in books.items] == [
        ("pi_1", REQUEST.key, "QS-1", S.AUTHORIZED),
        ("pi_2", None, None, S.CAPTURED),
    ]
    assert (books.after, books.items[0].made_at) == ("pi_2", NOW)
    fake.says(error(503))
    assert gateway(fake.url).books(NOW, NOW) is None


# --- a network that misbehaves -------------------------------------------------------------------------


def hang(connection, ending):
    ending.wait(10)


def cut(connection, ending):
    connection.shutdown(socket.SHUT_RDWR)


def drip(connection, ending):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not ending.wait(0.1):
        connection.sendall(b" ")


def flood(connection, ending):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b" " * 9_000_000)


def junk(connection, ending):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xfe{]")


@pytest.mark.parametrize(
    ("behave", "code"),
    [(hang, "timeout"), (cut, "connection_lost"), (drip, "timeout"), (flood, "reply_too_large"), (junk, "bad_reply")],
)
@pytest.mark.parametrize("call", ["authorize", "capture", "refund"])
def test_nothing_that_the_network_does_is_an_answer(behave, code, call):
    with RawServer(behave) as server:
        began = time.monotonic()
        answer = CALLS[call](gateway(server.url, read_seconds=0.3))
        assert time.monotonic() - began < 3
        assert (answer.state, answer.code, answer.retriable) == (S.UNKNOWN, code, False)
        assert server.calls == 1


def test_a_stripe_that_is_not_there_was_never_reached():
    answer = CALLS["authorize"](gateway(f"http://127.0.0.1:{free_port()}"))
    assert (answer.state, answer.code, answer.retriable) == (S.UNKNOWN, "unreachable", True)


def test_redirects_are_not_followed(fake):
    fake.says((302, b""))
    assert CALLS["authorize"](gateway(fake.url)).state is S.UNKNOWN
    assert len(fake.asked) == 1


# --- webhooks ------------------------------------------------------------------------------------------


def an_event(told, **more):
    return json.dumps({"object": "event", "id": "evt_1", "type": "x", "data": {"object": told}, **more}).encode()


def test_events_of_intents_and_charges_name_our_key():
    told = read_event(an_event(intent()))
    assert (told.id, told.provider_ref, told.key) == ("evt_1", "pi_1", REQUEST.key)
    charge = {"object": "charge", "id": "ch_1", "payment_intent": "pi_1", "metadata": {"key": "k"}}
    assert (read_event(an_event(charge)).provider_ref, read_event(an_event(charge)).key) == ("pi_1", "k")
    assert read_event(an_event({"object": "customer", "id": "cus_1"})).key is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"object": "event"}', b'{"id": "evt_1"}', an_event({}, id=7)])
def test_what_is_no_event_is_refused(body):
    with pytest.raises(ValueError):
        read_event(body)


def test_the_librarys_own_signature_is_believed_under_either_of_two_secrets():
    body, now = an_event(intent()), 1_800_000_000
    digest = hmac.new(b"whsec_old", b"%d." % now + body, hashlib.sha256).hexdigest()
    header = f"t={now},v1={digest},v0=00"
    assert stripe.Webhook.construct_event(body, header, "whsec_old", tolerance=10**9)
    assert verify(["whsec_new", "whsec_old"], header, body, now + 299)
    for late in (301, -301):
        with pytest.raises(BadSignature):
            verify(["whsec_old"], header, body, now + late)
    with pytest.raises(BadSignature):
        verify(["whsec_new"], header, body, now)
