"""Money, moments and texts as pages write them."""

import pytest

from blueprints.http.formatting import day, facts, moment, money, percent_off, picture, plain, rich, tint, window, words


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1999, "USD", "$19.99"),
        (5, "USD", "$0.05"),
        (0, "EUR", "€0.00"),
        (123456789, "GBP", "£1,234,567.89"),
        (-250, "USD", "−$2.50"),
        (1500, "JPY", "¥1,500"),
        (1234, "BHD", "BHD 1.234"),
        (100, "CHF", "CHF 1.00"),
    ],
)
def test_money(amount, currency, text):
    assert money({"amount": amount, "currency": currency}) == text


def test_moments_days_and_windows():
    assert moment("2026-11-22T21:55:03.120Z") == "22 Nov, 21:55 UTC"
    assert day("2026-11-24") == "Tue 24 Nov"
    assert window({"from": "2026-11-24", "to": "2026-11-26"}) == "Tue 24 Nov – Thu 26 Nov"
    assert window({"from": "2026-11-24", "to": "2026-11-24"}) == "Tue 24 Nov"
    assert (money(None), moment(None), day(None), window(None)) == ("", "", "", "")


def test_words_and_tints():
    assert words("payment_failed") == "Payment failed"
    assert words("vip_customer") == "VIP customer"
    assert tint("mug") == tint("mug") and tint("mug").startswith("tint-")


def test_facts_of_an_event_read_as_a_sentence():
    data = {"number": "QS-1", "total": {"amount": 500, "currency": "USD"}, "code": "card_declined", "cause": None}
    assert facts(data) == "total $5.00, code card_declined"
    assert facts({"lines": [{"line": 1}, {"line": 2}], "whole": True, "pickup": False}) == "2 lines, whole, not pickup"
    assert facts(None) == ""


def test_reductions_round_down_and_never_below_zero():
    usd = lambda amount: {"amount": amount, "currency": "USD"}  # noqa: E731
    assert percent_off(usd(6667), usd(10000)) == 33
    assert percent_off(usd(100), usd(90)) == 0
    assert percent_off(usd(100), None) == 0


def test_descriptions_keep_a_few_tags_and_no_more():
    assert rich('<p onclick="x">a<script>b</script><img src=x></p>') == "<p>a</p>"
    assert rich("one\n\ntwo & three") == "<p>one</p><p>two &amp; three</p>"
    assert plain("<p>One.</p><p>Two &amp; three.</p>") == "One. Two & three."


def test_picture_sources():
    assert (
        picture("storefront/x-320.webp 320w, /static/y.webp 640w")
        == "/static/storefront/x-320.webp 320w, /static/y.webp 640w"
    )
    assert picture("https://img.example/x.webp") == "https://img.example/x.webp"
