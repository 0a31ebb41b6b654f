"""Sealed values: they open with their key in their place, and nowhere else, and not after a single bit changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.kernel.crypto import (
    Keyring,
    SealBroken,
    WrappedKey,
    blind_index,
    seal,
    signed_token,
    token_subject,
    unseal,
)

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
PLACE = "orders/email/1"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
RING = Keyring((("new", KEY), ("old", OTHER)))


@given(VALUES)
def test_a_value_comes_back_as_it_went_in(value):
    assert unseal(KEY, seal(KEY, value, PLACE), PLACE) == value


def test_the_same_value_never_looks_the_same_twice():
    assert seal(KEY, "a@b.example", PLACE) != seal(KEY, "a@b.example", PLACE)


@given(st.text(), st.data())
def test_one_changed_bit_breaks_the_seal(value, data):
    sealed = bytearray(seal(KEY, value, PLACE))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealBroken):
        unseal(KEY, bytes(sealed), PLACE)


@given(st.integers(0, 60))
def test_a_value_cut_short_breaks_the_seal(length):
    sealed = seal(KEY, {"name": "Robin", "city": "Leeds"}, PLACE)
    with pytest.raises(SealBroken):
        unseal(KEY, sealed[: min(length, len(sealed) - 1)], PLACE)


@pytest.mark.parametrize("place", ["orders/email/2", "orders/shipping_address/1", "users/email/1", ""])
def test_a_value_moved_to_another_row_column_or_table_does_not_open(place):
    with pytest.raises(SealBroken):
        unseal(KEY, seal(KEY, "a@b.example", PLACE), place)


def test_a_value_does_not_open_with_another_key():
    with pytest.raises(SealBroken):
        unseal(OTHER, seal(KEY, "a@b.example", PLACE), PLACE)


def test_why_a_seal_broke_does_not_name_the_row():
    with pytest.raises(SealBroken) as broken:
        unseal(OTHER, seal(KEY, "a@b.example", PLACE), PLACE)
    assert str(broken.value) == "a sealed value does not open at orders/email"


def test_a_data_key_is_wrapped_under_the_current_master_key_and_opens_again():
    plain, wrapped = RING.new_key("person-1")
    assert wrapped.key_id == "new"
    assert plain not in wrapped.wrapped
    assert RING.unwrap(wrapped, "person-1") == plain


def test_a_key_wrapped_by_an_older_master_key_still_opens():
    plain, wrapped = Keyring((("old", OTHER),)).new_key("person-1")
    assert RING.unwrap(wrapped, "person-1") == plain


def test_a_persons_key_does_not_open_as_another_persons():
    _, wrapped = RING.new_key("person-1")
    with pytest.raises(SealBroken):
        RING.unwrap(wrapped, "person-2")


def test_a_key_of_a_master_key_we_no_longer_have_does_not_open():
    _, wrapped = RING.new_key("person-1")
    with pytest.raises(SealBroken, match="'new'"):
        Keyring((("old", OTHER),)).unwrap(wrapped, "person-1")
    with pytest.raises(SealBroken):
        RING.unwrap(WrappedKey("old", wrapped.wrapped), "person-1")


@given(VALUES)
def test_a_value_under_the_master_key_comes_back_and_names_its_key(value):
    sealed = RING.seal(value, PLACE)
    assert sealed.startswith(b"new:")
    assert RING.unseal(sealed, PLACE) == value
    assert Keyring((("newest", KEY[::-1]), ("new", KEY))).unseal(sealed, PLACE) == value


def test_a_value_under_the_master_key_opens_in_its_place_only_and_with_its_key_only():
    sealed = RING.seal("a@b.example", PLACE)
    with pytest.raises(SealBroken):
        RING.unseal(sealed, "orders/email/2")
    with pytest.raises(SealBroken, match="not among MASTER_KEYS"):
        Keyring((("old", OTHER),)).unseal(sealed, PLACE)
    with pytest.raises(SealBroken):
        RING.unseal(sealed[:-1], PLACE)
    with pytest.raises(SealBroken):
        RING.unseal(b"old:" + sealed.partition(b":")[2], PLACE)


@given(st.binary(max_size=50))
def test_rubbish_in_place_of_a_sealed_value_breaks_the_seal(raw):
    for sealed in (raw, b"new:" + raw):
        with pytest.raises(SealBroken):
            RING.unseal(sealed, PLACE)


@given(st.binary(max_size=50))
def test_rubbish_in_place_of_a_wrapped_key_breaks_the_seal(raw):
    with pytest.raises(SealBroken):
        RING.unwrap(WrappedKey("new", raw), "person-1")


def test_a_blind_index_depends_on_key_kind_and_value():
    made = {
        blind_index(key, kind, value)
        for key in (KEY, OTHER)
        for kind in ("email", "phone")
        for value in ("a@b.example", "c@d.example")
    }
    assert len(made) == 8
    assert blind_index(KEY, "email", "a@b.example") in made


def test_a_token_names_its_subject_for_its_own_kind_only():
    token = signed_token("secret", "cart", "1234")
    assert token_subject("secret", "cart", token) == "1234"
    assert token_subject("secret", "order", token) is None
    assert token_subject("another", "cart", token) is None


@given(st.text())
def test_an_invented_token_names_nobody(token):
    assert token_subject("secret", "cart", token) is None
    assert token_subject("secret", "cart", "1234." + token) is None


def test_a_value_under_a_master_key_opens_at_its_place_whichever_master_key_is_current():
    sealed = Keyring((("old", OTHER),)).seal({"a": "secret"}, "table/column/1")
    assert b"secret" not in sealed
    assert RING.unseal(sealed, "table/column/1") == {"a": "secret"}
    for ring, place in ((RING, "table/column/2"), (Keyring((("new", KEY),)), "table/column/1")):
        with pytest.raises(SealBroken):
            ring.unseal(sealed, place)


@given(st.binary(max_size=80))
def test_rubbish_under_a_master_key_breaks_the_seal(raw):
    for sealed in (raw, b"new:" + raw):
        with pytest.raises(SealBroken):
            RING.unseal(sealed, "table/column/1")
