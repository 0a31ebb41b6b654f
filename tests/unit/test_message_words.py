"""The words of messages: a name that somebody typed greets, and never carries a text or a link of theirs."""

import pytest
from markupsafe import escape

from quickshop.notifications.rendering import KINDS, render

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
