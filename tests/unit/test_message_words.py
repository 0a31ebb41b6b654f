"""The words of messages: there are some for everything that is told, in every language, and nothing in them is left
open; a name that somebody typed greets, and never carries a text or a link of theirs.
"""

import re
import tomllib
from pathlib import Path

import pytest
from markupsafe import escape

import quickshop
from quickshop.notifications.kinds import topic_of, words_of
from quickshop.notifications.rendering import KINDS, LANGUAGES, amount_text, render

CONTEXT = {"public_url": "https://shop.example", "token": "t"}


@pytest.mark.parametrize("name", ["Robin", "Élodie", "Anne-Marie", "O'Neill", "J. R.", "Žofie Nováková", "李小龍"])
def test_a_name_is_greeted(name):
    made = render("account.verification_requested", {**CONTEXT, "first_name": name})
    assert made.text.startswith(f"Hello {name},")
    assert f"Hello {escape(name)}," in made.html


@pytest.mark.parametrize(
    "name",
    [
        "Win at http://evil.example",
        "evil.example",
        "//evil",
        "www.evil.example",
        "me@evil.example",
        "tel:123",
        "Bob,\r\n\r\nYour account is closed",
        "Bob\u2028Write to us",
        "\u202eelpmaxe",
        "x" * 61,
    ],
)
def test_a_name_that_is_none_is_left_out(name):
    for kind in KINDS:
        if kind.startswith("account."):
            made = render(kind, {**CONTEXT, "first_name": name})
            assert made.text.startswith("Hello,\n\n")
            assert name not in made.subject + made.text + made.html


# --- words for everything, in every language ------------------------------------------------------------

SHOP = Path(quickshop.__file__).parent
MONEY = {"amount": 123456, "currency": "USD"}
WHOLE = CONTEXT | {
    "number": "QS-1001",
    "ticket": 7,
    "page": "/page",
    "product": "Radio",
    "slug": "radio",
    "variant_id": "1",
    "webhook_id": "1",
    "items": ["Radio"],
    "count": 1,
    "total": MONEY,
    "price": MONEY,
    "before": MONEY,
    "data": {"amount": MONEY, "from": "2026-11-26", "to": "2026-11-28", "code": "card_declined"},
}
# Steps that the shopper sees on the order's page and is not written to about.
UNTOLD = {
    "order.confirmed_by_shopper", "order.hold_expired", "order.payment_authorized", "order.payment_captured",
    "order.payment_retried", "order.payment_voided", "order.processing", "order.refund_failed", "order.unpacked",
}  # fmt: skip


def test_every_event_of_an_order_has_words_or_is_not_told():
    found = {
        name
        for path in SHOP.rglob("*.py")
        for name in re.findall(r"""Fact\(\s*f?["'](order\.[a-z_]+)["']""", path.read_text("utf-8"))
    }
    assert found - KINDS - UNTOLD == set()
    assert len(found) > 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_same_words_and_leaves_nothing_open(language):
    words = {
        name: tomllib.loads((SHOP / "notifications/words" / f"{name}.toml").read_text("utf-8"))
        for name in ("en", language)
    }
    assert {k: set(v) for k, v in words[language].items()} == {k: set(v) for k, v in words["en"].items()}
    for kind in KINDS:
        made = render(kind, WHOLE, language, "https://shop.example/unsubscribe?token=t")
        whole = made.subject + made.text + made.html + made.short
        assert not re.search(r"\{[a-z_]+\}|None|\{\{", whole), kind
        assert topic_of(kind) and made.subject and made.link.startswith("https://shop.example")
        assert f'<html lang="{language}">' in made.html


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("order.shipped", {"whole": True}, "order.shipped"),
        ("order.shipped", {"whole": False}, "order.shipped.part"),
        ("order.delivered", {"whole": False}, "order.delivered.part"),
        ("order.on_hold", {"reason": "needs_review"}, "order.on_hold"),
        ("order.on_hold", {"reason": "shopper_confirmation"}, "order.on_hold.shopper"),
        ("order.on_hold", {"reason": "staff"}, "order.held"),
    ],
)
def test_some_kinds_have_other_words_for_a_part_or_a_reason(kind, data, words):
    assert words_of(kind, {"data": data}) == words


@pytest.mark.parametrize(
    ("locale", "amount", "text"),
    [
        ("en", MONEY, "USD 1,234.56"),
        ("de", MONEY, "1.234,56 USD"),
        ("fr-CA", MONEY, "1\u202f234,56 USD"),
        ("en", {"amount": 1500, "currency": "JPY"}, "JPY 1,500"),
        ("de", {"amount": -5, "currency": "EUR"}, "−0,05 EUR"),
    ],
)
def test_amounts_are_written_as_readers_write_them(locale, amount, text):
    assert amount_text(amount, locale) == text


@pytest.mark.parametrize(
    ("locale", "dates"),
    [
        ("en", "26 November 2026 to 28 November 2026"),
        ("de", "26. November 2026 bis 28. November 2026"),
        ("fr", "du 26 novembre 2026 au 28 novembre 2026"),
    ],
)
def test_a_later_delivery_is_told_with_its_days(locale, dates):
    assert dates in render("order.delivery_delayed", WHOLE, locale).text


def test_what_somebody_named_is_written_out_as_text_and_never_as_a_page():
    made = render("wishlist.back_in_stock", WHOLE | {"product": "<b>Radio</b>"})
    assert "<b>Radio" not in made.html and "&lt;b&gt;Radio" in made.html
