"""The pick list as a file; shared by the API and the pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

FILE_NAME = "pick-list.csv"
_COLUMNS = ("order", "priority", "deliver_by", "shipping", "country", "sku", "name", "options", "units", "picked")
# With one of these at its beginning a spreadsheet program would take a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def pick_rows(found: Mapping[str, Any]) -> Iterator[str]:
    """A row for each line of each order, in the order in which they are to be picked."""
    yield _row(_COLUMNS)
    for order in found["orders"]:
        about = (order["number"], order["priority"], order["deliver_by"], order["shipping_method"], order["country"])
        for line in order["lines"]:
            options = ", ".join(f"{name}: {value}" for name, value in line["options"].items())
            yield _row((*about, line["sku"], line["name"], options, line["units"], ""))


def _row(values: tuple[Any, ...]) -> str:
    sink = io.StringIO()
    csv.writer(sink).writerow([_cell(value) for value in values])
    return sink.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
