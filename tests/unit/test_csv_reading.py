"""CSV files as streams: any way of cutting the bytes gives the same records, and what is broken costs one row."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.imports import reading
from quickshop.imports.errors import FileRefused

COMMAS = reading.Dialect(",", b"\n", 0)


def read(content, dialect=COMMAS, pieces=None):
    """(row, cells or the fault's reason) of every record."""
    found = reading.records(iter(pieces or [content]), dialect, at=0, row=1)
    return [(r.row, r.fault.reason if r.fault else r.cells) for r in found]


CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=6)


@given(TABLES, st.sampled_from([",", ";", "\t"]), st.sampled_from(["\r\n", "\n"]), st.integers(1, 9))
def test_what_a_spreadsheet_writes_is_read_as_it_was_however_it_is_cut(table, delimiter, line_end, size):
    sink = io.StringIO()
    csv.writer(sink, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(table)
    content = sink.getvalue().encode()
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    dialect = reading.Dialect(delimiter, b"\n", 0)
    assert [cells for _, cells in read(content, dialect, pieces)] == table


@given(TABLES)
def test_reading_can_go_on_at_the_beginning_of_every_record(table):
    content = "".join(map(reading.row_of, table)).encode()
    whole = list(reading.records(iter([content]), COMMAS, at=0, row=1))
    for place, record in enumerate(whole):
        rest = reading.records(iter([content[record.ends_at :]]), COMMAS, at=record.ends_at, row=record.row + 1)
        assert list(rest) == whole[place + 1 :]
    assert whole[-1].ends_at == len(content)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content):
    rows = [r.row for r in reading.records(iter([content]), COMMAS, at=0, row=1)]
    assert rows == list(range(1, len(rows) + 1))


def test_a_quote_that_is_never_closed_costs_its_row_alone():
    assert read(b'a,b\n1,"open\n2,x\n3,y\n') == [
        (1, ["a", "b"]),
        (2, "unterminated_quote"),
        (3, ["2", "x"]),
        (4, ["3", "y"]),
    ]


def test_a_quote_inside_a_cell_is_a_mark_of_inches():
    assert read(b'a,5" pipe,c\nd,e,f\n') == [(1, ["a", '5" pipe', "c"]), (2, ["d", "e", "f"])]


def test_quoted_line_breaks_and_doubled_quotes_are_of_the_cell():
    assert read(b'a,"two\r\nlines ""quoted"""\r\nb,c\r\n') == [(1, ["a", 'two\r\nlines "quoted"']), (2, ["b", "c"])]


def test_what_follows_a_closing_quote_is_refused():
    assert read(b'a,"b"c\nd,e\n') == [(1, "bad_quotes"), (2, ["d", "e"])]


def test_a_line_without_an_end_is_dropped_and_the_next_one_read():
    long = b"x" * (reading.LONGEST_RECORD * 3)
    pieces = [b"a,b\n", *(long[at : at + 1000] for at in range(0, len(long), 1000)), b"\nc,d\n"]
    found = list(reading.records(iter(pieces), COMMAS, at=0, row=1))
    assert [r.fault.reason if r.fault else r.cells for r in found] == [["a", "b"], "cell_too_long", ["c", "d"]]
    assert found[-1].ends_at == sum(map(len, pieces))


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf \r\n", "empty_file"),
        ("sku,price\n".encode("utf-16"), "utf_16"),
        ("sku,price\nA,1\n".encode("utf-16-le"), "utf_16"),
        ("sku,größe\n".encode("latin-1"), "not_utf8"),
        (b"PK\x03\x04rest", "not_csv"),
        (b"sku,pri\0ce\n", "not_csv"),
    ],
)
def test_files_that_cannot_be_read_are_named_for_what_they_are(head, reason):
    with pytest.raises(FileRefused) as refused:
        reading.sniff(head)
    assert refused.value.reason == reason


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_delimiter_is_found_and_a_byte_order_mark_passed_over(mark):
    head = f'\ufeffsku{mark}"name, or; title"{mark}price{mark}stock\n'.encode()
    dialect = reading.sniff(head)
    assert reading.header(head, dialect).cells == ["sku", "name, or; title", "price", "stock"]
    assert dialect.delimiter == mark


def test_old_mac_line_ends_are_read():
    dialect = reading.sniff(b"sku,price\rA,1\r")
    assert read(b"sku,price\rA,1\r", dialect) == [(1, ["sku", "price"]), (2, ["A", "1"])]
