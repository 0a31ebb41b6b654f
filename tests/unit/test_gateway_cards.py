"""Test tokens and test card numbers of the simulated gateway."""

from datetime import date

import pytest

from quickshop.runtime.doubles.cards import NUMBERS, SCRIPTS, Card, Wait, describe, passes_luhn, read_token, tokenize
from quickshop.runtime.doubles.refusals import Refused

TODAY = date(2026, 7, 15)


def card(number="4242424242424242", month=12, year=2030, cvc="123"):
    return Card(number, month, year, cvc)


@pytest.mark.parametrize(
    ("token", "state", "code"),
    [
        ("tok_approve", "authorized", None),
        ("tok_decline", "declined", "card_declined"),
        ("tok_insufficient_funds", "declined", "insufficient_funds"),
        ("tok_challenge", "requires_action", None),
        ("tok_timeout_charged", "authorized", None),
        ("tok_timeout_lost", None, None),
        ("tok_slow", "pending", None),
        ("tok_late", "pending", None),
        ("tok_error_once", "authorized", None),
    ],
)
def test_each_token_has_its_script(token, state, code):
    script = read_token(token).script
    assert (script.state, script.code) == (state, code)


def test_only_the_two_time_outs_stay_silent_and_only_late_tells_by_webhook():
    assert {name for name, s in SCRIPTS.items() if not s.answers} == {
        "tok_timeout_charged",
        "tok_timeout_lost",
    }
    assert {name: s.wait for name, s in SCRIPTS.items() if s.wait} == {
        "tok_slow": Wait.SLOW,
        "tok_late": Wait.LATE,
    }


def test_a_suffix_is_another_card_of_the_same_kind():
    plain, other, same = (read_token(t) for t in ("tok_decline", "tok_decline:two", "tok_decline:two"))
    assert other.name == plain.name
    assert other.fingerprint == same.fingerprint != plain.fingerprint


@pytest.mark.parametrize(
    "token",
    [
        "",
        "tok_",
        "tok_nothing",
        "approve",
        "tok_approve:",
        "tok_approve:a b",
        "tok_approve:" + "x" * 65,
        "TOK_APPROVE",
        "tok_approve\n",
    ],
)
def test_a_token_nobody_issued_is_refused(token):
    with pytest.raises(Refused) as refusal:
        read_token(token)
    assert (refusal.value.status, refusal.value.code) == (400, "unknown_token")


@pytest.mark.parametrize("number", sorted(NUMBERS))
def test_every_published_number_is_a_valid_card_and_gives_its_token(number):
    assert passes_luhn(number)
    made = tokenize(card(number, cvc="1234" if number.startswith("37") else "123"), TODAY)
    assert read_token(made["token"]).name == NUMBERS[number]
    assert made["last4"] == number[-4:]
    assert made["brand"] in ("visa", "mastercard", "amex", "discover")
    assert number not in made["token"]


def test_one_card_has_one_fingerprint_and_two_cards_have_two():
    tokens = [tokenize(card(n), TODAY)["token"] for n in ("4242424242424242", "4242424242424242", "4000056655665556")]
    prints = [read_token(token).fingerprint for token in tokens]
    assert prints[0] == prints[1] != prints[2]


def test_every_script_can_be_reached_with_a_card_number():
    assert set(NUMBERS.values()) == set(SCRIPTS)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (card("4242424242424241"), "invalid_number"),
        (card("42"), "invalid_number"),
        (card("4" * 20), "invalid_number"),
        (card(month=0), "invalid_expiry"),
        (card(month=13), "invalid_expiry"),
        (card(year=2126), "invalid_expiry"),
        (card(month=6, year=2026), "expired_card"),
        (card(cvc="12"), "invalid_cvc"),
        (card("378282246310005", cvc="123"), "invalid_cvc"),
        (card("4111111111111111"), "test_card_required"),
    ],
)
def test_a_wrong_card_is_refused_with_the_reason(wrong, code):
    with pytest.raises(Refused) as refusal:
        tokenize(wrong, TODAY)
    assert refusal.value.code == code


def test_a_card_is_good_to_the_end_of_its_month():
    assert tokenize(card(month=7, year=2026), TODAY)["token"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_token_made_from_a_number_tells_of_that_card(number):
    made = tokenize(card(number, cvc="1234" if number.startswith("37") else "123"), TODAY)
    told = describe(made["token"])
    assert {name: told[name] for name in made} == made
    assert told == describe(made["token"])
    assert number not in str(told)


@pytest.mark.parametrize("token", [*SCRIPTS, *(f"{name}:ANY" for name in SCRIPTS)])
def test_every_test_token_has_a_card_that_stays_the_same(token):
    told = describe(token)
    assert told == describe(token)
    assert len(told["last4"]) == 4 and told["last4"].isdigit()
    assert 1 <= told["exp_month"] <= 12 and told["exp_year"] >= 2030
    assert told["fingerprint"] == read_token(token).fingerprint


def test_other_cards_of_a_kind_look_different():
    assert len({describe(f"tok_approve:{n}")["last4"] for n in range(20)}) > 10


def test_an_unknown_token_has_no_card():
    with pytest.raises(Refused) as refusal:
        describe("tok_nothing")
    assert refusal.value.code == "unknown_token"


@pytest.mark.parametrize(
    ("token", "country"),
    [
        ("tok_approve:from_DE", "DE"),
        ("tok_approve:from_DE.2", "DE"),
        ("tok_approve:from_DEU", None),
        ("tok_approve", None),
    ],
)
def test_a_card_tells_where_it_was_issued_where_its_token_does(token, country):
    assert describe(token)["country"] == country
