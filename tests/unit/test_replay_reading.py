"""Reading a file of invoice lines: what is bought, what is refused and why."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quickshop.demo.replay.descriptions import usable
from quickshop.demo.replay.reading import COLUMNS, NotOnlineRetail, Reason, classify, read_file, read_text

SLICE = Path(__file__).parent.parent / "data" / "online-retail-slice.csv"
GOOD = {
    "InvoiceNo": "545722",
    "StockCode": "79321",
    "Description": "CHILLI LIGHTS",
    "Quantity": "96",
    "InvoiceDate": "2011-03-07T11:06:00",
    "UnitPrice": "4.95",
    "CustomerID": "16013",
    "Country": "United Kingdom",
}


def cells(**changes):
    return tuple({**GOOD, **changes}.values())


def read(*rows):
    return classify(enumerate(rows, 2))


def test_a_good_line_is_read_into_its_types():
    [line] = read(cells(StockCode=" 79321a ", Description="  CHILLI \t LIGHTS ", CustomerID="16013.0")).sales
    assert (line.number, line.invoice, line.code, line.description) == (2, "545722", "79321A", "CHILLI LIGHTS")
    assert (line.quantity, line.price, line.customer) == (96, Decimal("4.95"), "16013")
    assert line.at == datetime(2011, 3, 7, 11, 6)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"InvoiceNo": "C545722"}, Reason.QUANTITY),
        ({"InvoiceNo": "c545722", "Quantity": "-1", "StockCode": "D"}, Reason.NOT_A_PRODUCT),
        ({"InvoiceNo": "A563185", "StockCode": "B", "Description": "Adjust bad debt"}, Reason.NOT_A_SALE),
        *(
            ({"StockCode": code}, Reason.NOT_A_PRODUCT)
            for code in ("POST", "DOT", "M", "m", "D", "S", "C2", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS")
        ),
        *(({"StockCode": c}, Reason.NOT_A_PRODUCT) for c in ("gift_0001_10", "TEST001", "ADJUST2", "1234", "123456")),
        ({"Quantity": "0"}, Reason.QUANTITY),
        ({"Quantity": "-154", "UnitPrice": "0.0", "Description": "?"}, Reason.QUANTITY),
        ({"UnitPrice": "0.0"}, Reason.PRICE),
        ({"UnitPrice": "-11062.06"}, Reason.PRICE),
        ({"UnitPrice": "0.001"}, Reason.PRICE),
        ({"Description": ""}, Reason.DESCRIPTION),
        ({"Description": "?"}, Reason.DESCRIPTION),
        ({"Description": "damaged"}, Reason.DESCRIPTION),
        ({"Quantity": "many"}, Reason.UNREADABLE),
        ({"Quantity": "1.5"}, Reason.UNREADABLE),
        ({"UnitPrice": "NaN"}, Reason.UNREADABLE),
        ({"UnitPrice": "1e400"}, Reason.UNREADABLE),
        ({"InvoiceDate": "yesterday"}, Reason.UNREADABLE),
        ({"InvoiceNo": " "}, Reason.UNREADABLE),
        ({"StockCode": ""}, Reason.UNREADABLE),
    ],
)
def test_a_dirty_line_is_refused_with_its_reason(changes, reason):
    reading = read(cells(**changes))
    assert not reading.sales
    [refusal] = reading.refusals
    assert (refusal.reason, refusal.cells) == (reason, cells(**changes))
    assert refusal.detail


def test_a_line_without_a_description_is_bought_under_another_lines():
    reading = read(cells(Description="?"), cells(InvoiceNo="C1", Quantity="-1"))
    assert [line.number for line in reading.sales] == [2]
    assert reading.names["79321"] == {"CHILLI LIGHTS": 1}


@pytest.mark.parametrize("code", ["85123A", "15056bl", "79323GR", "DCGSSBOY", "SP1002", "22423"])
def test_product_codes(code):
    assert len(read(cells(StockCode=code)).sales) == 1


@pytest.mark.parametrize(
    "name", ["RED CHECK TEA TOWEL", "FRENCH BLUE METAL DOOR SIGN No", "BAG 500g SWIRLY MARBLES", "Next Day Carriage"]
)
def test_names_that_are_no_notes(name):
    assert usable(name)


@pytest.mark.parametrize(
    "note", ["", "?", "??", "? sold as sets?", "damages", "thrown away", "MIA", "check", "wrong barcode (22467)", "12"]
)
def test_notes_that_are_no_names(note):
    assert not usable(note)


def test_a_row_with_another_number_of_cells_is_refused_as_it_stands():
    reading = read_text(",".join(COLUMNS) + "\n545722,79321\n\n" + ",".join(cells()) + "\n")
    [refusal], [line] = reading.refusals, reading.sales
    assert (refusal.number, refusal.reason, refusal.cells) == (2, Reason.UNREADABLE, ("545722", "79321"))
    assert line.number == 4


def test_another_order_of_columns_does_not_matter():
    columns = list(reversed(COLUMNS))
    [line] = read_text(",".join(columns) + "\n" + ",".join(GOOD[c] for c in columns)).sales
    assert line.code == "79321"


def test_a_file_of_another_form_is_refused_with_what_is_missing():
    with pytest.raises(NotOnlineRetail, match=r"InvoiceNo, .*Country"):
        read_text("a,b,c\n1,2,3\n")
    with pytest.raises(NotOnlineRetail):
        read_text("")


def test_latin_1_is_read_where_it_is_not_utf_8(tmp_path):
    path = tmp_path / "old.csv"
    path.write_bytes((",".join(COLUMNS) + "\n" + ",".join(cells(Description="CAF\xc9 SIGN"))).encode("latin-1"))
    assert read_file(path).sales[0].description == "CAFÉ SIGN"


def test_the_slice_has_every_kind_of_dirt():
    reading = read_file(SLICE)
    assert reading.lines == 66
    assert [line.quantity for line in reading.cancelling] == [-1, -1]
    assert Counter(r.reason for r in reading.refusals) == {
        Reason.NOT_A_PRODUCT: 11,
        Reason.PRICE: 6,
        Reason.QUANTITY: 4,
    }


TEXT = st.text(max_size=12)
ROWS = st.lists(
    st.one_of(
        st.tuples(*[TEXT] * len(COLUMNS)),
        st.lists(TEXT, max_size=10).map(tuple),
        st.fixed_dictionaries(
            {},
            optional={
                "InvoiceNo": st.sampled_from(["545722", "C1", "A5", ""]),
                "StockCode": st.sampled_from(["79321", "79321a", "POST", "gift_0001_10", "15056BL"]),
                "Description": st.sampled_from(["CHILLI LIGHTS", "", "?", "damages", "LIGHTS, CHILLI"]),
                "Quantity": st.integers(-5, 20_000).map(str),
                "UnitPrice": st.decimals(-1, 30, places=3).map(str),
                "CustomerID": st.sampled_from(["", "16013", "16013.0"]),
            },
        ).map(lambda changes: cells(**changes)),
    ),
    max_size=30,
)


@given(ROWS)
@example([()])
def test_every_line_is_bought_or_refused_and_never_both(rows):
    reading = read(*rows)
    assert reading.lines == len(rows)
    numbers = [line.number for line in reading.sales] + [r.number for r in reading.refusals]
    assert sorted(numbers) == list(range(2, 2 + len(rows)))
    for line in reading.sales:
        assert line.quantity > 0
        assert reading.names[line.code]
