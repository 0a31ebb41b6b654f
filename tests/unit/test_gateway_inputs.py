"""What the simulated gateway accepts in a body, and its settings."""

import json

import pytest

from quickshop.runtime.doubles.inputs import LARGEST_BODY, read_card, read_charge, read_operation
from quickshop.runtime.doubles.options import OptionsError, load_options
from quickshop.runtime.doubles.refusals import Refused

CHARGE = {"key": "k", "order": "QS-1", "amount": 1999, "currency": "USD", "token": "tok_approve"}
CARD = {"number": "4242 4242-4242 4242", "exp_month": "7", "exp_year": "30", "cvc": "123"}
ENV = {"QUICKSHOP_ENV": "testing", "GATEWAY_WEBHOOK_SECRET": "s", "QUICKSHOP_HOME": "/nowhere"}


def test_a_charge_is_read_as_it_was_sent():
    wanted = read_charge(json.dumps(CHARGE).encode())
    assert (wanted.key, wanted.order, wanted.amount, wanted.currency, wanted.script) == (
        "k",
        "QS-1",
        1999,
        "USD",
        "tok_approve",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 19.99},
        {"amount": True},
        {"amount": "1999"},
        {"amount": 0},
        {"amount": -1},
        {"amount": 10**12 + 1},
        {"amount": None},
        {"currency": "usd"},
        {"currency": "USDX"},
        {"currency": "ÜSD"},
        {"key": ""},
        {"key": "k" * 256},
        {"key": 7},
        {"order": None},
        {"token": ["tok_approve"]},
    ],
)
def test_a_wrong_field_is_refused(change):
    with pytest.raises(Refused) as refusal:
        read_charge(json.dumps(CHARGE | change).encode())
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_request")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"key": NaN}'])
def test_a_body_that_is_no_object_is_refused(body):
    for read in (read_charge, read_card, lambda raw: read_operation("void", raw)):
        with pytest.raises(Refused) as refusal:
            read(body)
        assert refusal.value.code == "invalid_request"


def test_a_body_over_the_limit_is_refused():
    with pytest.raises(Refused) as refusal:
        read_charge(b" " * (LARGEST_BODY + 1))
    assert refusal.value.status == 413


def test_a_void_takes_no_amount_and_a_refund_needs_one():
    assert read_operation("void", b'{"key": "v"}') == ("v", None)
    assert read_operation("refund", b'{"key": "r", "amount": 5}') == ("r", 5)
    with pytest.raises(Refused):
        read_operation("refund", b'{"key": "r"}')


def test_a_card_form_may_hold_spaces_texts_and_a_short_year():
    card = read_card(json.dumps(CARD).encode())
    assert (card.number, card.exp_month, card.exp_year, card.cvc) == ("4242424242424242", 7, 2030, "123")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": "4242 4242 4242 424x"}, "invalid_number"),
        ({"number": "４２４２４２４２４２４２４２４２"}, "invalid_number"),
        ({"number": None}, "invalid_number"),
        ({"exp_month": "VII"}, "invalid_expiry"),
        ({"exp_year": True}, "invalid_expiry"),
        ({"exp_year": 20300}, "invalid_expiry"),
        ({"cvc": "12a"}, "invalid_cvc"),
    ],
)
def test_a_wrong_card_form_is_refused(change, code):
    with pytest.raises(Refused) as refusal:
        read_card(json.dumps(CARD | change).encode())
    assert refusal.value.code == code


def test_settings_have_defaults_and_times_can_be_set():
    options = load_options(ENV | {"GATEWAY_LATENCY_MS": "25", "GATEWAY_HANG_SECONDS": "0.5", "PORT": "8123"})
    assert (options.latency, options.hang, options.slow, options.late) == (0.025, 0.5, 20, 2)
    assert options.shop_url == "http://127.0.0.1:8123"
    assert options.webhook_url == "http://127.0.0.1:8123/api/v1/payments/webhooks/simulator"
    assert str(options.journal) == "/nowhere/gateway/ledger.jsonl"


def test_the_shop_may_be_opened_under_either_name_of_the_loopback_address():
    assert load_options(ENV | {"SHOP_URL": "http://localhost:8000"}).shop_origins == {
        "http://127.0.0.1:8000",
        "http://localhost:8000",
    }
    assert load_options(ENV | {"SHOP_URL": "https://shop.example"}).shop_origins == {"https://shop.example"}


@pytest.mark.parametrize(
    "change",
    [
        {"QUICKSHOP_ENV": "production"},
        {"QUICKSHOP_ENV": ""},
        {"GATEWAY_WEBHOOK_SECRET": ""},
        {"GATEWAY_HANG_SECONDS": "long"},
        {"GATEWAY_SLOW_SECONDS": "-1"},
        {"GATEWAY_LATE_SECONDS": "nan"},
        {"SHOP_URL": "ftp://shop.example"},
        {"GATEWAY_URL": "nonsense"},
    ],
)
def test_wrong_settings_and_production_are_refused(change):
    with pytest.raises(OptionsError):
        load_options(ENV | change)


def test_the_first_of_two_secrets_signs():
    assert load_options(ENV | {"GATEWAY_WEBHOOK_SECRET": "new,old"}).webhook_secret == "new"
