"""CSV files as streams: bytes in pieces become records, each with its row and the place where the next begins. Pure.

A record is found by its quotes before it is decoded, so that reading can go on at any record's beginning, a bad byte
spoils one row and not the file, and a quote that is never closed costs the row it stands in.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from quickshop.imports.cells import LONGEST_CELL, Wrong, check_characters
from quickshop.imports.errors import Fault, FileRefused

LONGEST_RECORD = 128 * 1024
HEAD_BYTES = LONGEST_RECORD
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Dialect:
    """How a file is written: its delimiter, the byte that ends a line, and where its first row begins."""

    delimiter: str
    line_end: bytes
    begins_at: int


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the file, the first being 1; the next begins at byte `ends_at`. Either cells or a fault."""

    row: int
    ends_at: int
    cells: list[str]
    fault: Fault | None = None

    @property
    def blank(self) -> bool:
        """Whether there is nothing in this row, as in the last ones of many files."""
        return self.fault is None and not any(cell.strip() for cell in self.cells)


def sniff(head: bytes) -> Dialect:
    """How a file is written, by its beginning (HEAD_BYTES of it). Raises FileRefused."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _looks_wide(head):
        raise FileRefused("utf_16", "This file is UTF-16 (“Unicode text”). Save it as CSV UTF-8.")
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise FileRefused("not_csv", "This is a workbook of a spreadsheet program. Save it as CSV UTF-8.")
    begins_at = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    body = head[begins_at:]
    if not body.strip():
        raise FileRefused("empty_file", "There is nothing in this file.")
    line_end = b"\n" if b"\n" in body or b"\r" not in body else b"\r"
    first = body.split(line_end, 1)[0]
    try:
        names = first.decode("utf-8")
    except UnicodeDecodeError as error:
        guess = first.decode("cp1252", "replace")[:60]
        raise FileRefused(
            "not_utf8", f"This file is not UTF-8 but seems to be Windows-1252 or Latin-1 (“{guess}”). Save it as UTF-8."
        ) from error
    if "\0" in names:
        raise FileRefused("not_csv", "There are NUL bytes in the first row: this is no CSV file.")
    return Dialect(max(_DELIMITERS, key=lambda mark: _count(names, mark)), line_end, begins_at)


def _looks_wide(head: bytes) -> bool:
    """Whether every other byte is NUL, as in UTF-16 of most languages that has no mark."""
    start = head[:400]
    return len(start) > 3 and max(start[::2].count(0), start[1::2].count(0)) > len(start) // 4


def _count(line: str, mark: str) -> int:
    """How often a mark stands outside of quotes."""
    return sum(part.count(mark) for part in line.split('"')[::2])


def header(head: bytes, dialect: Dialect) -> Record:
    """The first row. Raises FileRefused where it cannot be read."""
    found = next(records(iter([head[dialect.begins_at :]]), dialect, at=dialect.begins_at, row=1), None)
    if found is None or found.blank:
        raise FileRefused("empty_file", "The first row, which names the columns, is empty.")
    if found.fault:
        raise FileRefused("not_csv", f"The first row cannot be read: {found.fault.detail}")
    try:
        for cell in found.cells:
            check_characters(cell, lines=True)
    except Wrong as wrong:
        raise FileRefused("not_csv", f"The first row cannot be read: {wrong.fault.detail}") from wrong
    return found


def records(pieces: Iterable[bytes], dialect: Dialect, *, at: int, row: int) -> Iterator[Record]:
    """The records of a file from byte `at` on, where row number `row` begins. Holds one record at a time."""
    lines = _Lines(pieces, dialect.line_end, at)
    mark = dialect.delimiter.encode()
    while (first := lines.next()) is not None:
        kept, quoted = [first], _ends_quoted(first.text, mark, False)
        size = len(first.text)
        while quoted and size <= LONGEST_RECORD and (more := lines.next()) is not None:
            kept.append(more)
            size += len(more.text) + 1
            quoted = _ends_quoted(more.text, mark, True)
        if quoted or size > LONGEST_RECORD:
            lines.put_back(kept[1:])
            yield Record(row, first.ends_at, [], _unreadable(first, quoted))
        else:
            yield _record(row, kept, dialect)
        row += 1


def _unreadable(first: _Line, quoted: bool) -> Fault:
    if first.cut or not quoted:
        return Fault("cell_too_long", f"This row is longer than {LONGEST_RECORD // 1024} KiB.")
    return Fault("unterminated_quote", "A quotation mark opens in this row and is never closed.")


def _record(row: int, kept: list[_Line], dialect: Dialect) -> Record:
    raw = dialect.line_end.join(line.text for line in kept)
    text = raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")
    ends_at = kept[-1].ends_at
    try:
        cells = next(csv.reader([text], _Excel, delimiter=dialect.delimiter), [])
    except csv.Error as error:
        return Record(row, ends_at, [], _refused(error))
    longest = max(map(len, cells), default=0)
    if longest > LONGEST_CELL:
        return Record(row, ends_at, [], Fault("cell_too_long", f"A cell of this row has {longest} characters."))
    return Record(row, ends_at, cells)


def _refused(error: csv.Error) -> Fault:
    if "new-line" in str(error):
        return Fault("line_break", "There is a line break inside a cell that is not in quotation marks.")
    if "limit" in str(error):
        return Fault("cell_too_long", "A cell of this row is far too long.")
    return Fault("bad_quotes", "Something follows a closing quotation mark. Double the marks inside a cell.")


class _Excel(csv.excel):
    strict = True


def _ends_quoted(line: bytes, delimiter: bytes, quoted: bool) -> bool:
    """Whether a cell in quotes is still open at the end of a line that began inside one (`quoted`) or not."""
    if not quoted and b'"' not in line:
        return False
    at = 0
    while True:
        if not quoted:
            if line[at : at + 1] != b'"':
                at = line.find(delimiter, at) + 1
                if not at:
                    return False
                continue
            at += 1
        at = line.find(b'"', at)
        if at < 0:
            return True
        if line[at + 1 : at + 2] == b'"':
            at, quoted = at + 2, True
            continue
        quoted = False
        at = line.find(delimiter, at) + 1
        if not at:
            return False


@dataclass(frozen=True, slots=True)
class _Line:
    """A line without its end; the next begins at `ends_at`. `cut` where it was so long that the rest was dropped."""

    text: bytes
    ends_at: int
    cut: bool = False


class _Lines:
    """The lines of a stream, one at a time; lines can be put back."""

    def __init__(self, pieces: Iterable[bytes], line_end: bytes, at: int) -> None:
        self._source = self._read(iter(pieces), line_end, at)
        self._back: deque[_Line] = deque()

    def next(self) -> _Line | None:
        return self._back.popleft() if self._back else next(self._source, None)

    def put_back(self, lines: list[_Line]) -> None:
        self._back.extendleft(reversed(lines))

    @staticmethod
    def _read(pieces: Iterator[bytes], line_end: bytes, at: int) -> Iterator[_Line]:
        rest, dropped = b"", 0
        for piece in pieces:
            *lines, rest = (rest + piece).split(line_end)
            for line in lines:
                at += dropped + len(line) + 1
                yield _Line(line, at, bool(dropped))
                dropped = 0
            if len(rest) > LONGEST_RECORD + 1:
                # What is kept is too long already, so that the row is told of; a second cut keeps it so.
                dropped += len(rest) - (LONGEST_RECORD + 1)
                rest = rest[: LONGEST_RECORD + 1]
        if rest:
            yield _Line(rest, at + dropped + len(rest), bool(dropped))


def row_of(values: Iterable[Any]) -> str:
    """A record as files are written: commas, quotes where needed, CR LF."""
    sink = _Sink()
    csv.writer(sink).writerow(values)
    return sink.text


class _Sink:
    text = ""

    def write(self, text: str) -> None:
        self.text = text
