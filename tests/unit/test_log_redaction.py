"""Logs: one line of JSON for each record, and nothing in it that must not be written down."""

import io
import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.kernel import logs, tracing
from quickshop.kernel.logs import AccessLines, JsonLines, redact
from quickshop.runtime.console import Console
from quickshop.runtime.log_lines import readable

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl-_x"
ORDER_TOKEN = "0198c0de-0000-7000-8000-000000000000.0123456789abcdef0123456789abcdef"
SECRETS = [
    (f"Authorization: Bearer {JWT}", JWT),
    (f"sent {JWT} along", JWT),
    ("charge with tok_approve:4f2a failed", "tok_approve"),
    ("card pm_1234abcd gone", "pm_1234abcd"),
    ("key qsk_Zm9vYmFyYmF6", "qsk_Zm9vYmFyYmF6"),
    (f"/orders/QS-100001?token={ORDER_TOKEN}", ORDER_TOKEN),
    (f"cart {ORDER_TOKEN} is closed", ORDER_TOKEN),
    ("link dGhpcyBpcyBhIG1haWxlZCB0b2tlbiBvZiAzMiBieXRlcw here", "dGhpcyBpcyBhIG1haWxlZCB0b2tlbiBvZiAzMiBieXRlcw"),
    ("no account of Robin.Ashdown+shop@mail.quickshop.example", "Robin.Ashdown+shop@mail.quickshop.example"),
    ("jörg@bücher.example was refused", "jörg@bücher.example"),
    ("call +44 20 7946 0958 now", "7946 0958"),
    ("call 0044207946095 now", "207946095"),
    ("call (020) 7946 0958 now", "7946 0958"),
    ("paid by 4242424242424242.", "4242424242424242"),
    ("paid by 4242 4242 4242 4242", "4242 4242"),
    ("paid by 3782-822463-10005", "822463"),
    ("postgresql://quickshop:hunter2@db.internal:5432/shop", "hunter2"),
    ("redis://:hunter2@127.0.0.1:6379/0", "hunter2"),
    ('{"password": "Cobalt-Harvest-27"}', "Cobalt-Harvest-27"),
    ("password=Cobalt-Harvest-27&x=1", "Cobalt-Harvest-27"),
    ("refresh_token: abcdef", "abcdef"),
    ("duplicate key\nDETAIL:  Failing row contains (1, robin, 12 Mill Lane).", "Mill Lane"),
]
HARMLESS = [
    "order QS-100001 of 0198c0de-0000-7000-8000-000000000000: step failed",
    "took 1234567 us at 2026-11-24T07:46:31.123Z, status 503",
    "4242424242424243 is no card, nor is 1764000000001",
    "connection to server at 10.0.0.1, port 5432 failed",
    "postgresql://quickshop@/quickshop?host=/tmp/socket",
    'File "/srv/quickshop/blueprints/http/gatekeeper.py", line 68, in enter',
    "SELECT a_very_long_name_of_a_function_that_nobody_would_take_for_a_token FROM x",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_and_personal_values_are_left_out(text, secret):
    assert secret in text
    assert secret not in redact(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_helps_and_harms_nobody_stays(text):
    assert redact(text) == text


@given(st.text())
def test_redacting_twice_changes_nothing_more_and_never_fails(text):
    once = redact(text)
    assert redact(once) == once


@pytest.fixture
def written():
    """A logger in the shop's form, and a function that gives its lines, parsed."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("test.written")
    logger.handlers, logger.propagate = [handler], False
    return logger, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_when_how_bad_where_what_and_for_which_request(written):
    logger, lines = written
    tracing.set_request_id("the-request")
    try:
        logger.warning("the database is %s", "away")
    finally:
        tracing.set_request_id(None)
    [line] = lines()
    assert line["at"].endswith("Z")
    assert (line["level"], line["logger"]) == ("WARNING", "test.written")
    assert (line["message"], line["request_id"]) == ("the database is away", "the-request")


def test_line_breaks_cannot_forge_a_line(written):
    logger, lines = written
    logger.error('name\r\n{"level": "INFO", "message": "forged"}\x85\u2028end')
    assert len(lines()) == 1


def test_a_trace_is_one_line_and_redacted(written):
    logger, lines = written
    try:
        raise ValueError("robin@quickshop.example has 4242424242424242")
    except ValueError:
        logger.exception("failed")
    [line] = lines()
    assert "ValueError: [email] has [card]" in line["error"]
    assert "Traceback" in line["error"]


def test_access_lines_stay_json_without_tokens_in_their_address():
    record = logging.makeLogRecord({"msg": '{"path":"/orders/QS-1/%s","status":200}' % ORDER_TOKEN})  # noqa: UP031
    line = AccessLines().format(record)
    assert ORDER_TOKEN not in line
    assert json.loads(line)["status"] == 200


def test_installed_everything_leaves_in_this_form(monkeypatch, capsys):
    root = logging.getLogger()
    before, level, hook = root.handlers[:], root.level, sys.excepthook
    try:
        logs.install(logging.INFO)
        logging.getLogger("anybody").info("hello")
        try:
            raise RuntimeError("mail robin@quickshop.example")
        except RuntimeError as error:
            sys.excepthook(RuntimeError, error, error.__traceback__)
    finally:
        root.handlers[:], sys.excepthook = before, hook
        root.setLevel(level)
        logging.captureWarnings(False)
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first["message"] == "hello"
    assert (second["level"], second["message"]) == ("CRITICAL", "uncaught")
    assert "robin@" not in second["error"]


def test_the_console_shows_what_matters_in_words(capsys):
    console = Console({"NO_COLOR": "1"})
    line = json.dumps({"at": "2026-11-24T07:46:31.123Z", "level": "%", "logger": "quickshop.relay", "message": "gone"})
    console.child_line("relay", line.replace("%", "WARNING"))
    console.child_line("relay", line.replace("%", "INFO").replace("gone", "no error here"))
    console.child_line("postgres", "2026-11-24 [1] FATAL:  out of memory")
    console.child_line("web", "{ not json but an ERROR")
    shown = capsys.readouterr().out.splitlines()
    assert [text.partition("| ")[2] for text in shown] == [
        "WARNING quickshop.relay: gone",
        "2026-11-24 [1] FATAL:  out of memory",
        "{ not json but an ERROR",
    ]


def test_the_end_of_a_log_reads_as_words():
    line = json.dumps({"level": "ERROR", "logger": "x", "message": "failed", "error": "Traceback\nValueError: no\n"})
    assert readable(line) == "ERROR x: failed (ValueError: no)"
    assert readable("plain") == "plain"
