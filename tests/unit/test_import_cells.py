"""Single cells and whole columns: what is understood, what is refused, and why."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.imports import cells
from quickshop.imports.cells import Wrong
from quickshop.imports.errors import ColumnsRefused
from quickshop.imports.kinds import Kind, columns, proposal

PRINTABLE = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


def why(read, *given):
    """The reason of a refusal."""
    with pytest.raises(Wrong) as wrong:
        read(*given)
    return wrong.value.fault.reason


@given(PRINTABLE)
def test_a_text_that_is_written_out_is_read_back_and_never_looks_like_a_formula(value):
    written = cells.neutral(value)
    assert cells.plain(written) == value
    assert written.lstrip()[:1] not in ("=", "+", "-", "@")


@given(PRINTABLE)
def test_texts_survive_their_way_through_a_file(value):
    assert cells.text(cells.neutral(value.strip()), 100) == value.strip()


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=12)


@given(st.dictionaries(NAMES, NAMES, max_size=5))
def test_pairs_survive_their_way_through_a_file(values):
    assert cells.pairs(cells.neutral(cells.written_pairs(values)), 60, 300) == values


@given(st.integers(0, 10**15), st.sampled_from(["USD", "JPY", "KWD"]))
def test_prices_survive_their_way_through_a_file(units, code):
    assert cells.minor(cells.price(cells.written_price(units, code)), code) == units


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-A1", "@SUM(A1)", "\t=1", " =1+1", "=cmd|' /C calc'!A0"])
def test_formulas_are_refused_and_taken_as_texts_behind_an_apostrophe(formula):
    assert why(cells.text, formula, 100) == "formula"
    if "\t" not in formula:
        assert cells.text(f"'{formula}", 100) == formula.strip()


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("12,99", "price_has_comma"),
        ("1,299.00", "price_has_comma"),
        ("$12.99", "price_has_currency"),
        ("12.99 EUR", "price_has_currency"),
        ("-1.00", "negative"),
        ("12.", "not_a_price"),
        ("1e5", "price_has_currency"),
        ("٣", "not_a_price"),
        ("1" * 17, "not_a_price"),
    ],
)
def test_prices_that_are_not_numbers(cell, reason):
    assert why(cells.price, cell) == reason


@pytest.mark.parametrize(
    ("price", "code", "reason"),
    [("1.234", "USD", "too_many_decimals"), ("1.5", "JPY", "too_many_decimals"), ("9" * 15, "USD", "too_large")],
)
def test_prices_that_do_not_fit_their_currency(price, code, reason):
    assert why(cells.minor, Decimal(price), code) == reason


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("a\0b", "nul_byte"),
        ("a\x07b", "control_character"),
        ("a\nb", "line_break"),
        ("Caf\udce9", "not_utf8"),
        ("x" * 33_000, "cell_too_long"),
        ("x" * 101, "too_long"),
    ],
)
def test_texts_that_cannot_be_stored(cell, reason):
    assert why(cells.text, cell, 100) == reason


def test_bytes_of_latin_1_are_shown_as_what_they_meant():
    with pytest.raises(Wrong, match="Café"):
        cells.text("Caf\udce9", 100)


def test_other_values():
    assert why(cells.currency, "XYZ") == "unknown_currency"
    assert cells.currency(" eur ") == "EUR"
    assert why(cells.whole, "1.5", 0, 9) == "not_a_number"
    assert why(cells.whole, "-1", 0, 9) == "negative"
    assert why(cells.moment, "2026-03-01T09:00") == "time_without_zone"
    assert cells.written_moment(cells.moment("2026-03-01T10:00:00.123456+01:00")) == "2026-03-01T09:00:00.123456Z"
    assert why(cells.moment, "1.3.2026") == "not_a_time"
    assert why(cells.slug, "Not A Slug", 100) == "bad_slug"
    assert why(cells.pairs, "size", 10, 10) == "bad_pairs"
    assert why(cells.pairs, "a=1; a=2", 10, 10) == "bad_pairs"


# --- columns -------------------------------------------------------------------------------------------


def test_columns_are_known_by_their_names_and_their_usual_other_names():
    assert proposal(Kind.PRODUCTS, ["Handle", "Title", "Variant SKU", "Variant-Price", "Colour"]) == {
        "Handle": "slug",
        "Title": "name",
        "Variant SKU": "sku",
        "Variant-Price": "price",
        "Colour": None,
    }
    assert proposal(Kind.STOCK, ["SKU", "stock", "quantity"])["stock"] is None


def test_a_mapping_says_otherwise():
    assert columns(Kind.STOCK, ["No", "count", "x"], {"No": "sku", "count": "quantity"}) == ("sku", "quantity", None)
    assert columns(Kind.STOCK, ["sku", "quantity", "n"], {"n": "quantity"}) == ("sku", None, "quantity")
    assert columns(Kind.STOCK, ["sku", "quantity", "mode"], {"mode": None}) == ("sku", "quantity", None)


@pytest.mark.parametrize(
    ("header", "mapping", "what"),
    [
        (["sku"], None, {"missing": ["quantity"]}),
        (["a", "b", "c"], {"a": "sku", "b": "sku", "c": "quantity"}, {"twice": ["sku"]}),
        (["sku", "quantity"], {"nowhere": "mode"}, {"unknown": ["nowhere"]}),
        (["sku", "quantity", "x"], {"x": "price"}, {"unknown": ["price"]}),
    ],
)
def test_columns_that_do_not_fit_are_refused(header, mapping, what):
    with pytest.raises(ColumnsRefused) as refused:
        columns(Kind.STOCK, header, mapping)
    assert {name: value for name, value in refused.value.extra.items() if value} == what
