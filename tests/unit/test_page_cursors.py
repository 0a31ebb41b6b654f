"""Keyset cursors: what went in comes out, and nothing else is taken."""

import base64
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.kernel.errors import Invalid
from quickshop.kernel.pagination import decode_cursor, encode_cursor, page


@given(st.text(max_size=80), st.integers(-(2**53), 2**53))
def test_a_cursor_gives_its_key_back(text, number):
    assert decode_cursor(encode_cursor(text, number), str, int) == [text, number]


@given(st.text(max_size=60))
def test_whatever_is_sent_for_a_cursor_is_read_or_refused_never_an_error(text):
    try:
        decode_cursor(text, str, int)
    except Invalid as refusal:
        assert refusal.errors == {"cursor": ["Not a cursor of this list."]}


@given(st.binary(max_size=60))
def test_any_bytes_inside_are_read_or_refused(raw):
    try:
        decode_cursor(base64.urlsafe_b64encode(raw).decode().rstrip("="), int)
    except Invalid:
        return


@pytest.mark.parametrize("foreign", [encode_cursor("a"), encode_cursor(1, 2), encode_cursor(True, 1), encode_cursor()])
def test_a_cursor_of_another_list_is_refused(foreign):
    with pytest.raises(Invalid):
        decode_cursor(foreign, str, int)


def rows(count):
    return [SimpleNamespace(at=f"2026-11-{n:02}", id=n) for n in range(1, count + 1)]


def test_a_full_page_has_a_cursor_that_continues_after_its_last_row():
    shown, cursor = page(rows(4), 3, "at", "id")
    assert [r.id for r in shown] == [1, 2, 3]
    assert decode_cursor(cursor, str, int) == ["2026-11-03", 3]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_last_page_has_none(count):
    assert page(rows(count), 3, "id") == (rows(count), None)
