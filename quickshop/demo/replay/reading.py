"""Reading a file of invoice lines: each is a sale of a product, or refused with a reason. Only `read_file` does I/O."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path

from quickshop.demo.replay.descriptions import tidy, usable
from quickshop.kernel.money import from_major

CURRENCY = "GBP"
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
# Five digits with up to three letters behind; DCGS and SP are two families of own products with other codes.
_PRODUCT_CODE = re.compile(r"[0-9]{5}[A-Z]{0,3}|(?:DCGS|SP)[A-Z0-9]{2,12}").fullmatch
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,9}").fullmatch
_SALE = re.compile(r"[0-9]{1,20}").fullmatch
_CANCELLATION = re.compile(r"C[0-9]{1,20}").fullmatch
_LARGEST_PRICE = Decimal(10) ** 9


class NotOnlineRetail(Exception):
    """The file does not have the form of the Online Retail data set; the message says what is missing."""


class Reason(StrEnum):
    """Why a line is not bought."""

    UNREADABLE = "unreadable"
    CANCELLATION = "cancels_no_sale"
    NOT_A_SALE = "not_a_sale"
    NOT_A_PRODUCT = "not_a_product"
    QUANTITY = "quantity_not_positive"
    PRICE = "price_not_positive"
    DESCRIPTION = "no_usable_description"


@dataclass(frozen=True, slots=True)
class Line:
    """A line as read. `number` counts the file's records, its header is 1; `price` is in major units.

    `code` is in capitals: codes that differ only by case are one product. `customer` is empty for a guest.
    """

    number: int
    invoice: str
    code: str
    description: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str
    country: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that is not bought: its number in the file, its cells as they stand there, and why."""

    number: int
    cells: tuple[str, ...]
    reason: Reason
    detail: str
    at: datetime | None = None


@dataclass(frozen=True)
class Reading:
    """A whole file: every line stands in exactly one of `sales`, `cancelling` and `refusals`, in the file's order.

    What a cancelling line undoes, if anything, is said elsewhere; its quantity is negative.
    """

    sales: Sequence[Line]
    cancelling: Sequence[Line]
    refusals: Sequence[Refusal]
    names: Mapping[str, Mapping[str, int]]  # code -> usable description -> how many lines have it

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return len(self.sales) + len(self.cancelling) + len(self.refusals)


class _Unreadable(ValueError):
    """A cell cannot be read; the message says which."""


def read_file(path: Path) -> Reading:
    """Read a CSV file. Raises NotOnlineRetail, OSError."""
    return read_text(_decoded(path.read_bytes()))


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # the encoding of the original publication


def read_text(text: str) -> Reading:
    """Read the text of a CSV file. Raises NotOnlineRetail where a column is missing."""
    rows = csv.reader(io.StringIO(text.replace("\0", ""), newline=""))
    header = [name.strip() for name in next(rows, [])]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise NotOnlineRetail(f"no column {', '.join(missing)} in its first line")
    places = [header.index(name) for name in COLUMNS]
    return classify(_numbered(rows, places, len(header)))


def _numbered(rows: Iterable[list[str]], places: Sequence[int], width: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    try:
        for number, row in enumerate(rows, 2):
            if row:
                yield number, tuple(row[i] for i in places) if len(row) == width else tuple(row)
    except csv.Error as trouble:
        raise NotOnlineRetail(f"it breaks off as CSV: {trouble}") from None


def classify(rows: Iterable[tuple[int, tuple[str, ...]]]) -> Reading:
    """Sort rows of (record number, cells in the order of COLUMNS) into sales and refusals."""
    found: list[tuple[tuple[str, ...], Line]] = []
    refusals: list[Refusal] = []
    for number, cells in rows:
        try:
            found.append((cells, _line(number, cells)))
        except _Unreadable as trouble:
            refusals.append(Refusal(number, cells, Reason.UNREADABLE, str(trouble)))
    names = _names(line for _, line in found)
    sales: list[Line] = []
    cancelling: list[Line] = []
    for cells, line in found:
        why = _why_not(line, names)
        if why is None:
            (cancelling if line.quantity < 0 else sales).append(line)
        else:
            refusals.append(Refusal(line.number, cells, *why, line.at))
    return Reading(sales, cancelling, sorted(refusals, key=lambda r: r.number), names)


def _names(lines: Iterable[Line]) -> dict[str, dict[str, int]]:
    """How often each code is called what, cancellations included: they name the product too."""
    names: dict[str, dict[str, int]] = {}
    for line in lines:
        if usable(line.description):
            counts = names.setdefault(line.code, {})
            counts[line.description] = counts.get(line.description, 0) + 1
    return names


def _why_not(line: Line, names: Mapping[str, Mapping[str, int]]) -> tuple[Reason, str] | None:
    """The first reason not to play a line, with the words for it; None for a sale or a cancelling line."""
    cancels = bool(_CANCELLATION(line.invoice))
    if not (cancels or _SALE(line.invoice)):
        return Reason.NOT_A_SALE, f"invoice number {line.invoice}"
    if not _PRODUCT_CODE(line.code):
        return Reason.NOT_A_PRODUCT, f"code {line.code}"
    if line.quantity == 0 or (line.quantity > 0) == cancels:
        return Reason.QUANTITY, f"quantity {line.quantity}"
    if from_major(line.price, CURRENCY) <= 0:
        return Reason.PRICE, f"price {line.price}"
    if line.code not in names:
        return Reason.DESCRIPTION, f"no line of code {line.code} says what it is"
    return None


def _line(number: int, cells: tuple[str, ...]) -> Line:
    if len(cells) != len(COLUMNS):
        raise _Unreadable(f"{len(cells)} cells")
    invoice, code, description, quantity, at, price, customer, country = cells
    return Line(
        number=number,
        invoice=_given("invoice number", invoice).upper(),
        code=_given("stock code", code).upper(),
        description=tidy(description),
        quantity=_quantity(quantity.strip()),
        at=_moment(at.strip()),
        price=_price(price.strip()),
        customer=customer.strip().removesuffix(".0"),
        country=tidy(country),
    )


def _given(what: str, cell: str) -> str:
    value = tidy(cell)
    if not value:
        raise _Unreadable(f"no {what}")
    return value


def _quantity(cell: str) -> int:
    if not _WHOLE_NUMBER(cell):
        raise _Unreadable(f"quantity {cell!r}")
    return int(cell)


def _moment(cell: str) -> datetime:
    try:
        return datetime.fromisoformat(cell).replace(tzinfo=None)  # local times, and only the day matters
    except ValueError:
        raise _Unreadable(f"date {cell!r}") from None


def _price(cell: str) -> Decimal:
    try:
        price = Decimal(cell)
    except InvalidOperation:
        raise _Unreadable(f"price {cell!r}") from None
    if not price.is_finite() or abs(price) >= _LARGEST_PRICE:
        raise _Unreadable(f"price {cell!r}")
    return price
