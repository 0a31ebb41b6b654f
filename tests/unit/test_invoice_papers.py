"""What is printed: languages, sums, letters of Europe, pages, and the same bytes for the same paper."""

import io
import logging
import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from quickshop.accounts.address_rules import postal_lines
from quickshop.invoices import documents, sheet, words
from quickshop.invoices.drawing import Paper, draw
from quickshop.kernel.errors import Invalid
from quickshop.shop.details import DEFAULTS, check_details
from tests.factories.invoices import text_of

AT = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
ADDRESS = {"name": "Robin", "line1": "1 Mill Lane", "line2": "", "city": "Leeds", "region": "", "country": "GB",
           "postal_code": "LS1 4AB"}  # fmt: skip
# Letters and marks of each language, as its own speakers write them.
EUROPE = {
    "Albanian": "ÇËçë",
    "Basque": "Ññ",
    "Bosnian": "ČĆĐŠŽčćđšž",
    "Breton": "ÊÑÙʼ",
    "Bulgarian": "ЪЬЮЯъьюя",
    "Catalan": "ÀÇÈÉÍÏĿŀÒÓÚÜ·",
    "Czech": "ÁČĎÉĚÍŇÓŘŠŤÚŮÝŽáčďéěíňóřšťúůýž",
    "Danish": "ÆØÅæøå",
    "Dutch": "ĲĳÉË",
    "Estonian": "ÄÕÖÜŠŽ",
    "Faroese": "ÁÐÍÓÚÝÆØ",
    "Finnish": "ÅÄÖ",
    "French": "ÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸàâæçéèêëîïôœùûüÿ’«»",
    "Gaelic": "ÀÈÌÒÙàèìòùḂĊḊḞĠṀṠṪ",
    "German": "ÄÖÜẞßäöü",
    "Greek": "ΆΈΉΊΌΎΏΪΫάέήίόύώϊϋΐΰςἀᾳῆὼ",
    "Hungarian": "ÁÉÍÓÖŐÚÜŰőű",
    "Icelandic": "ÁÐÉÍÓÚÝÞÆÖðþ",
    "Irish": "ÁÉÍÓÚ",
    "Italian": "ÀÈÉÌÒÙ",
    "Latvian": "ĀČĒĢĪĶĻŅŠŪŽāčēģīķļņšūž",
    "Lithuanian": "ĄČĘĖĮŠŲŪŽąčęėįšųūž",
    "Macedonian": "ЃЅЈЉЊЌЏѓѕјљњќџ",
    "Maltese": "ĊĠĦŻċġħż",
    "Norwegian": "ÆØÅ",
    "Polish": "ĄĆĘŁŃÓŚŹŻąćęłńóśźż",
    "Portuguese": "ÃÕÇÂÊÔÁÉÍÓÚÀ",
    "Romanian": "ĂÂÎȘȚăâîșțŞŢ",
    "Russian": "ЁЙЩЪЫЬЭЮЯёйщъыьэюя",
    "Sami": "ÁČĐŊŠŦŽáčđŋšŧž",
    "Serbian": "ЂЈЉЊЋЏђјљњћџ",
    "Slovak": "ÁÄČĎÉÍĹĽŇÓÔŔŠŤÚÝŽĺľŕ",
    "Slovenian": "ČŠŽčšž",
    "Sorbian": "ĆČĚŁŃÓŘŔŠŚŽŹ",
    "Spanish": "ÁÉÍÑÓÚÜ¿¡ºª",
    "Swedish": "ÅÄÖ",
    "Turkish": "ÇĞİIÖŞÜçğıiöşü",
    "Ukrainian": "ҐЄІЇґєії’",
    "Belarusian": "ЎІўі",
    "Welsh": "ÂÊÎÔÛŴŶŵŷẀẂẄỲ",
}


def money(minor):
    return {"amount": minor, "currency": "EUR"}


def an_order(lines=2, locale="en", **more):
    made = [
        {"id": str(n), "name": f"Article {n}", "options": {"size": "L"}, "sku": f"SKU-{n}", "quantity": 2,
         "unit_price_minor": 1000, "discount_minor": 0, "total_minor": 2000, "tax_minor": 333, "tax_rate": 200_000}
        for n in range(lines)
    ]  # fmt: skip
    return {
        "locale": locale, "timezone": "Europe/Prague", "number": "QS-1", "placed_at": AT, "currency": "EUR",
        "lines": made, "discounts": [], "subtotal_minor": lines * 2000, "shipping_minor": 0, "tax_minor": 0,
        "shipping_method": {"name": "Standard"}, "tax_included_minor": lines * 333, "credit_minor": 0,
        "tax_lines": [a_rate("20", lines * 1667, lines * 333)], "total_minor": lines * 2000,
    } | more  # fmt: skip


def a_rate(rate, taxable, tax):
    place = {"name": "VAT", "country": "GB", "region": "", "rate": rate}
    return {**place, "taxable": money(taxable), "tax": money(tax)}


def a_paper(order=None, buyer=None, **details):
    document = documents.invoice_document(DEFAULTS | details, order or an_order())
    return Paper("INV-2026-000001", AT, document, buyer or documents.buyer_document(ADDRESS, None, None))


# --- letters -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", EUROPE)
def test_the_font_has_every_letter_of_europes_alphabets(language):
    letters = EUROPE[language]
    assert sheet.printable(letters) == letters
    assert sheet.printable("e\N{COMBINING ACUTE ACCENT}") == "é"


def test_names_come_out_of_the_pdf_as_they_went_in(caplog):
    name, street = "Žaneta Šťastná-Wiśniewska", "Λεωφόρος Βασιλίσσης 128, София, ул. Шипка"
    buyer = documents.buyer_document(ADDRESS | {"name": name, "line1": street}, None, None)
    with caplog.at_level(logging.WARNING, logger="fpdf"):
        said = text_of(draw(a_paper(buyer=buyer)))
    assert name in said and "Βασιλίσσης" in said and "Шипка" in said
    assert caplog.records == []  # a missing letter is a warning


def test_what_no_alphabet_of_europe_has_is_marked_and_pictures_are_left_out():
    assert sheet.printable("Mug ☕🎁 王") == "Mug  \N{REPLACEMENT CHARACTER}"
    draw(a_paper(buyer=documents.buyer_document(ADDRESS | {"name": "王小明 🎁"}, None, None)))


# --- pages ---------------------------------------------------------------------------------------------


def test_the_same_paper_is_the_same_bytes():
    assert draw(a_paper()) == draw(a_paper())


@pytest.mark.parametrize(("lines", "pages"), [(1, 1), (60, 5)])
def test_a_long_order_takes_several_pages_each_with_its_number_and_no_line_is_lost(lines, pages):
    order = an_order(lines)
    order["lines"][-1]["name"] = "Unbreakable" + "x" * 150
    read = PdfReader(io.BytesIO(draw(a_paper(order))))
    texts = [page.extract_text() for page in read.pages]
    assert len(texts) == pages
    for number, text in enumerate(texts, 1):
        assert f"Page {number} of {pages}" in text and "INV-2026-000001" in text
    assert [sum(text.count(f"SKU-{n}\n") for text in texts) for n in range(lines - 1)] == [1] * (lines - 1)
    assert f"€{lines * 20}.00" in texts[-1].replace(",", "")


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", ["Invoice", "25 November 2026", "€2,000.00", "20%"]),
        ("de-AT", ["Rechnung", "25. November 2026", "2.000,00 €", "20 %"]),
        ("fr", ["Facture", "25 novembre 2026", "2 000,00 €", "Payé par carte"]),
        ("pl", ["Invoice"]),
    ],
)
def test_it_speaks_the_buyers_language_and_tells_the_shops_day(locale, said):
    text = re.sub(r"\s", " ", text_of(draw(a_paper(an_order(1, locale, subtotal_minor=200_000, total_minor=200_000)))))
    for word in said:
        assert word in text


def test_every_language_has_every_word():
    for language in words.LANGUAGES.values():
        assert language.words.keys() == words.ENGLISH.words.keys()
        assert len(language["months"].split()) == 12
    assert words.language("de_DE").on(date(2026, 3, 1)) == "1. März 2026"


def test_an_address_stands_in_the_order_of_its_country():
    assert postal_lines(ADDRESS) == ["Robin", "1 Mill Lane", "Leeds", "LS1 4AB", "United Kingdom"]
    poland = ADDRESS | {"country": "PL", "city": "Kraków", "postal_code": "31-146", "line2": "m. 3"}
    assert postal_lines(poland) == ["Robin", "1 Mill Lane", "m. 3", "31-146 Kraków", "Poland"]
    america = ADDRESS | {"country": "US", "city": "Albany", "region": "NY", "postal_code": "12207"}
    assert postal_lines(america)[2:] == ["Albany, NY 12207", "United States"]


# --- sums ----------------------------------------------------------------------------------------------

AMOUNT = st.integers(0, 10**7)


@settings(max_examples=60)
@given(st.lists(st.tuples(AMOUNT, st.sampled_from([0, 50_000, 200_000])), min_size=1, max_size=4), AMOUNT, st.data())
def test_a_credit_notes_tax_by_rate_sums_to_the_refunds(parts, shipping, data):
    taxes = [data.draw(st.integers(0, amount // 3)) if rate else 0 for amount, rate in parts]
    lines = [{**an_order(1)["lines"][0], "id": str(n), "tax_rate": rate} for n, (_, rate) in enumerate(parts)]
    rows = [
        {"line_id": str(n), "quantity": 1, "amount_minor": amount, "tax_minor": tax}
        for n, ((amount, _), tax) in enumerate(zip(parts, taxes, strict=True))
    ]
    total = sum(amount for amount, _ in parts) + shipping
    tax = sum(taxes) + data.draw(st.integers(0, shipping // 3))
    refund = {"amount_minor": total, "shipping_minor": shipping, "lines": rows, "tax_minor": tax, "cause": "return",
              "card_minor": total, "credit_minor": 0, "store_credit_minor": 0}  # fmt: skip
    order = an_order(1) | {"lines": lines, "tax_lines": [a_rate("20", 10, 2), a_rate("5", 10, 1)]}
    invoice = {"code": "INV-2026-000001", "issued_at": AT.isoformat()}
    found = documents.credit_document(DEFAULTS, order, refund, invoice)
    assert sum(t["minor"] for t in found["tax"]) == tax
    assert sum(t["net_minor"] for t in found["tax"]) <= total - tax
    assert sum(item["minor"] for item in found["lines"] + found["sums"]) == total == found["total_minor"]


# --- the shop's details --------------------------------------------------------------------------------


def test_details_that_are_not_given_are_the_programs():
    assert check_details({"name": " Nordlicht "}) == DEFAULTS | {"name": "Nordlicht"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"legal_name": "two\nlines"}, "legal_name"),
        ({"address": "\n".join("1234567")}, "address"),
        ({"note": "a bell \x07"}, "note"),
        ({"tax_id": 5}, "tax_id"),
        ({"invoice_prefix": "inv"}, "invoice_prefix"),
        ({"invoice_prefix": "TOOLONGIT"}, "invoice_prefix"),
        ({"invoice_prefix": "CN"}, "credit_prefix"),
        ({"logo": "../etc/passwd"}, "logo"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_details_that_cannot_be_are_refused(wrong, field):
    with pytest.raises(Invalid) as refused:
        check_details({"name": "Nordlicht", **wrong})
    assert list(refused.value.errors) == [field]
