"""A copy of everything the shop knows of a person, as one JSON document. What is in it is decided in `map`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import IO, Any
from uuid import UUID

import orjson

from quickshop.extensions import Base
from quickshop.kernel import db
from quickshop.kernel.clock import now, rfc3339
from quickshop.kernel.unit_of_work import run_unit
from quickshop.privacy import subjects
from quickshop.privacy.map import MAP, Holding
from quickshop.privacy.subjects import Subject
from quickshop.security import audit

FORMAT = "quickshop.export/1"
PAGE = 200
# What is longer than this goes to a temporary file without a name.
IN_MEMORY = 1 << 20

_ONE_ROW = "account"
_SECTIONS = sorted(
    ((holding.section, name) for name, holding in MAP.items() if holding.section and not holding.under),
    key=lambda pair: pair[0] != _ONE_ROW,
)


def export_account(user_id: UUID) -> IO[bytes]:
    """The document, ready to be read and closed by whoever gets it. Raises NotFound for nobody or an erased person.

    Read page by page and written as it is read, so a long history needs no more memory than a short one; no database
    connection is needed while it is sent.
    """
    who = subjects.of_user(user_id)
    made = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        _write(who, made)
    except BaseException:
        made.close()
        raise
    made.seek(0)
    return made


def export_customer(user_id: UUID) -> IO[bytes]:
    """The same document, for staff who hand it on; the audit log has it. Raises NotFound."""
    run_unit(lambda: audit.record("account.exported", target=f"user:{user_id}", chain="staff"))
    return export_account(user_id)


def _write(who: Subject, out: Any) -> None:
    about = {str(section): MAP[name].about for section, name in _SECTIONS}
    head = {"format": FORMAT, "made_at": rfc3339(now()), "sections": about}
    out.write(orjson.dumps(head)[:-1])
    for section, name in _SECTIONS:
        out.write(b",\n" + orjson.dumps(section) + b":")
        if section == _ONE_ROW:
            out.write(orjson.dumps(next(_documents(name, who))))
            continue
        between = b"["
        for document in _documents(name, who):
            out.write(between + b"\n" + orjson.dumps(document))
            between = b","
        out.write(b"]" if between == b"," else b"[]")
    out.write(b"}\n")


def _documents(name: str, who: Subject) -> Iterator[dict[str, Any]]:
    for page in _pages(name, who):
        inside = {child: _children(child, [row.id for row in page]) for child in _under(name)}
        for row in page:
            document = _document(name, row, who)
            for child, found in inside.items():
                document[str(MAP[child].section)] = found.get(row.id, [])
            yield document


def _pages(name: str, who: Subject) -> Iterator[list[Any]]:
    """A table's rows of the person in the order of its key, a page at a time."""
    holding, key = MAP[name], _key(name)
    sql = f"SELECT {_columns(name)} FROM {name} WHERE {holding.rows}"
    order = f" ORDER BY {', '.join(key)} LIMIT :limit"
    beyond = f" AND ({', '.join(key)}) > ({', '.join(f':after_{column}' for column in key)})"
    params: dict[str, Any] = {**who.params(), "limit": PAGE}
    page = db.rows(sql + order, **params)
    while page:
        yield page
        if len(page) < PAGE:
            return
        params |= {f"after_{column}": getattr(page[-1], column) for column in key}
        page = db.rows(sql + beyond + order, **params)


def _children(name: str, parents: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """The rows of a table under orders, by order."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    sql = f"SELECT {_columns(name)} FROM {name} WHERE order_id = ANY(:orders) ORDER BY {', '.join(_key(name))}"
    for row in db.rows(sql, orders=list(parents)):
        found.setdefault(row.order_id, []).append(_document(name, row, None))
    return found


def _under(name: str) -> list[str]:
    return [child for child, holding in MAP.items() if holding.under == name]


def _key(name: str) -> list[str]:
    return [column.name for column in Base.metadata.tables[name].primary_key]


def _columns(name: str) -> str:
    """The columns to read: what is shown, what opens it, and what the pages are counted by."""
    holding, table = MAP[name], Base.metadata.tables[name]
    helping = [c for c in ("id", "person_id", "order_id") if c in table.columns and (holding.sealed or holding.under)]
    return ", ".join(dict.fromkeys([*_key(name), *helping, *holding.shown, *holding.sealed]))


def _document(name: str, row: Any, who: Subject | None) -> dict[str, Any]:
    holding: Holding = MAP[name]
    document = {column: _plain(getattr(row, column)) for column in holding.shown}
    if who is not None and holding.sealed:
        owner = who.keys.get(row.person_id) if "person_id" in row._fields else who.own
        for column, shown_as in holding.sealed.items():
            sealed = getattr(row, column)
            document[shown_as] = owner.unseal(sealed, f"{name}/{column}/{row.id}") if owner else None
    return document


def _plain(value: Any) -> Any:
    """A column's value in the API's form."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
