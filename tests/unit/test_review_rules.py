"""What a review may say and what makes it wait; no database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.kernel.errors import Invalid
from quickshop.reviews.rules import LONGEST_BODY, Held, Words, after_writing, held_because, plain, words
from quickshop.reviews.states import State


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("<b>Good</b> <script>alert(1)</script>mug", "Good mug"),
        ("5 < 6 & 7 > 2", "5 < 6 & 7 > 2"),
        ("I <3 it", "I <3 it"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
        ("&amp;lt;img src=x onerror=alert(1)&amp;gt;", ""),
        ("one\r\ntwo\r\n\r\n\r\n\r\nthree", "one\ntwo\n\nthree"),
        ("  around  ", "around"),
        ("Très bon, 10 €", "Très bon, 10 €"),
    ],
)
def test_text_becomes_plain(given_text, shown):
    assert plain(given_text) == shown


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=80))
def test_what_is_plain_stays_as_it_is(text):
    once = plain(text)
    assert plain(once) == once


@pytest.mark.parametrize("body", ["a\x00b", "a\x1bb", "a\x85b", "left\u202eright", "\u2066x"])
def test_control_and_turning_characters_are_refused(body):
    with pytest.raises(Invalid) as refused:
        words(3, None, body)
    assert list(refused.value.errors) == ["body"]


@pytest.mark.parametrize(
    ("rating", "title", "body", "wrong"),
    [
        (0, None, "x", "rating"),
        (6, None, "x", "rating"),
        (3, None, "   ", "body"),
        (3, None, "<i></i>", "body"),
        (3, None, "x" * (LONGEST_BODY + 1), "body"),
        (3, "x" * 121, "x", "title"),
    ],
)
def test_wrong_parts_are_named(rating, title, body, wrong):
    with pytest.raises(Invalid) as refused:
        words(rating, title, body)
    assert wrong in refused.value.errors


def test_a_title_is_one_line_and_may_be_left_out():
    assert words(5, " two\nlines ", "x").title == "two lines"
    assert words(5, "  ", "x").title is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Works well, I would buy it again.", None),
        ("See https://cheap.example/mug", Held.LINKS),
        ("cheaper at WWW.other.example", Held.LINKS),
        ("they sell it on bestmugs.com", Held.LINKS),
        ("write to me@there.example", Held.LINKS),
        ("THIS IS THE WORST MUG I EVER BOUGHT", Held.SHOUTING),
        ("It has USB and HDMI.", None),
        ("OK", None),
        ("What a piece of shit", Held.WORDS),
        ("A Shiitake mushroom grower from Scunthorpe", None),
        ("３．5 stars, e.g. fine", None),
    ],
)
def test_what_waits_for_staff(text, reason):
    assert held_because(Words(3, None, text)) == reason


GOOD, BAD = Words(5, None, "Good mug."), Words(1, None, "see www.other.example")


@pytest.mark.parametrize(
    ("before", "said", "moderate_all", "after"),
    [
        (None, GOOD, False, (State.PUBLISHED, None)),
        (None, BAD, False, (State.PENDING, Held.LINKS)),
        (None, GOOD, True, (State.PENDING, Held.EVERY_REVIEW)),
        (State.PUBLISHED, GOOD, False, (State.PUBLISHED, None)),
        (State.PUBLISHED, BAD, False, (State.PENDING, Held.LINKS)),
        (State.PENDING, GOOD, False, (State.PUBLISHED, None)),
        (State.REJECTED, GOOD, False, (State.PENDING, Held.REJECTED_BEFORE)),
        (State.REJECTED, BAD, False, (State.PENDING, Held.LINKS)),
    ],
)
def test_where_a_review_stands_once_written(before, said, moderate_all, after):
    assert after_writing(before, said, moderate_all=moderate_all) == after
