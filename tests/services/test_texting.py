"""Text messages in the form of Twilio's API, against a local server that answers as it is told."""

import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from quickshop.notifications.channels.port import Answer, Away, Message
from quickshop.notifications.channels.sms import LONGEST_TEXT, TwilioChannel, phone_number

ACCOUNT = "AC" + "0" * 32


class Provider:
    """Keeps each call and answers with the given (status, body), then 201."""

    def __init__(self):
        self.calls, self.answers = [], []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.calls.append((self.path, self.headers, parse_qs(body, keep_blank_values=True)))
                status, said = provider.answers.pop(0) if provider.answers else (201, b'{"sid": "SM1"}')
                if status is None:
                    self.connection.close()
                    return
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def provider():
    made = Provider()
    yield made
    made.stop()


def texts(count=1, to="+44 113 496 0000"):
    return [Message(f"fact.{n}", to, "", f"Order QS-{n} is on its way") for n in range(1, count + 1)]


def channel(url):
    return TwilioChannel(url, ACCOUNT, "token-of-the-account", "+15550100200")


def test_a_text_is_one_call_with_the_number_as_networks_write_it(provider):
    assert list(channel(provider.url).send(texts())) == [Answer()]
    ((path, headers, fields),) = provider.calls
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert fields == {"To": ["+441134960000"], "From": ["+15550100200"], "Body": ["Order QS-1 is on its way"]}
    assert b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == f"{ACCOUNT}:token-of-the-account"
    assert headers["I-Twilio-Idempotency-Token"] == "fact.1"


def test_a_number_that_takes_no_texts_is_final_and_holds_up_no_other(provider):
    provider.answers = [(400, b'{"code": 21211, "message": "not a number"}')]
    assert list(channel(provider.url).send(texts(2))) == [Answer("HTTP 400, code 21211", final=True), Answer()]


@pytest.mark.parametrize("answer", [(429, b""), (503, b"<html>"), (401, b'{"code": 20003}'), (307, b""), (500, b"[]")])
def test_a_provider_that_cannot_now_is_away_and_says_nothing_of_the_message(provider, answer):
    provider.answers = [(201, b"{}"), answer]
    answers = channel(provider.url).send(texts(3))
    assert next(answers) == Answer()
    with pytest.raises(Away) as away:
        next(answers)
    assert not away.value.met
    assert len(provider.calls) == 2  # no redirect was followed, and the third text not tried


def test_a_connection_that_breaks_leaves_it_open_whether_the_text_went_out(provider):
    provider.answers = [(None, b"")]
    with pytest.raises(Away) as away:
        list(channel(provider.url).send(texts()))
    assert away.value.met


def test_nobody_there(provider):
    provider.stop()
    with pytest.raises(Away) as away:
        list(channel(provider.url).send(texts()))
    assert not away.value.met


def test_a_text_is_no_longer_than_one_call_takes(provider):
    list(channel(provider.url).send([Message("fact.1", "1", "", "x" * 5000)]))
    assert len(provider.calls[0][2]["Body"][0]) == LONGEST_TEXT


@pytest.mark.parametrize(
    ("typed", "number"),
    [("+44 (113) 496-0000", "+441134960000"), ("0044 113 496 0000", "+441134960000"), ("0113 4960000", "01134960000")],
)
def test_what_people_type_as_a_number(typed, number):
    assert phone_number(typed) == number
