"""Printing: the file of an invoice is made once, from what was frozen, and stored sealed; later it is the same bytes.

A worker prints soon after the issue; whoever asks earlier has it printed at once. Both may do it at the same moment:
the first to store has made the file, the other reads it.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.accounts.people import PersonKey, person_key
from quickshop.invoices.drawing import Paper, draw
from quickshop.invoices.errors import NoInvoice
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders.queries import find_order
from quickshop.orders.viewers import Viewer
from quickshop.shop import logos

Drawing = Callable[[Paper], bytes]

BATCH = 10
BUDGET_SECONDS = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class File:
    """A printed invoice: its number and the PDF."""

    code: str
    body: bytes


_PAPER = """
SELECT i.id, i.code, i.issued_at, i.document, i.buyer, f.sealed, f.sha256, per.id AS person_id, per.key_id,
       per.wrapped_key
FROM invoices i JOIN persons per ON per.id = i.person_id LEFT JOIN invoice_files f ON f.invoice_id = i.id
WHERE {which}
"""


def invoice_file(number: str, viewer: Viewer, drawing: Drawing = draw) -> File:
    """The invoice of an order. Raises NotFound, NoInvoice while there is none. Runs its own unit."""
    order_id, _ = find_order(number, viewer)
    with reading():
        found = db.row(_PAPER.format(which="i.order_id = :order_id AND i.kind = 'invoice'"), order_id=order_id)
    if found is None:
        raise NoInvoice
    return _file(found, drawing)


def paper_file(number: str, code: str, viewer: Viewer, drawing: Drawing = draw) -> File:
    """An invoice or credit note of an order, by its number. Raises NotFound. Runs its own unit."""
    order_id, _ = find_order(number, viewer)
    with reading():
        found = db.row(_PAPER.format(which="i.order_id = :order_id AND i.code = :code"), order_id=order_id, code=code)
    if found is None:
        raise NotFound("invoice")
    return _file(found, drawing)


def _file(found: Any, drawing: Drawing) -> File:
    if found.wrapped_key is None:
        # Nobody can open what was printed. What the books must show is printed again, without the buyer, and not kept.
        return File(found.code, drawing(_paper(found, None)))
    person = person_key(found.person_id, found.key_id, found.wrapped_key)
    if found.sealed is not None:
        return File(found.code, person.unseal_bytes(found.sealed, _place(found.id)))
    body = drawing(_paper(found, person))
    kept = run_unit(lambda: _keep(found.id, person, body))
    return File(found.code, body if kept is None else person.unseal_bytes(kept, _place(found.id)))


def _place(invoice_id: UUID) -> str:
    return f"invoice_files/sealed/{invoice_id}"


def _paper(found: Any, person: PersonKey | None) -> Paper:
    """What to draw; the buyer stays away where no key is left to open it."""
    digest = found.document["shop"]["logo"]
    with reading():
        logo = logos.read(digest) if digest else None
    buyer = person.unseal(found.buyer, f"invoices/buyer/{found.id}") if person is not None and found.buyer else None
    return Paper(found.code, found.issued_at, found.document, buyer, logo)


def _keep(invoice_id: UUID, person: PersonKey, body: bytes) -> bytes | None:
    """Store a file; None, or what was stored before it."""
    kept = db.run(
        """
        UPDATE invoice_files SET sealed = :sealed, sha256 = :sha256, size = :size, made_at = clock_timestamp(),
            due_at = NULL, last_error = NULL
        WHERE invoice_id = :id AND sha256 IS NULL
        """,
        id=invoice_id,
        sealed=person.seal_bytes(body, _place(invoice_id)),
        sha256=hashlib.sha256(body).digest(),
        size=len(body),
    )
    if kept.rowcount:
        return None
    before = db.scalar("SELECT sealed FROM invoice_files WHERE invoice_id = :id", id=invoice_id)
    return None if before is None else bytes(before)


# What a dead worker had claimed comes back after a minute, and later each time.
_CLAIM = """
WITH due AS (
    SELECT invoice_id FROM invoice_files WHERE due_at <= now() ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
UPDATE invoice_files f SET attempts = least(attempts + 1, 1000),
    due_at = now() + make_interval(secs => 60 * power(2, least(attempts, 6)))
FROM due WHERE f.invoice_id = due.invoice_id RETURNING f.invoice_id
"""


def print_due(drawing: Drawing = draw, budget_seconds: float = BUDGET_SECONDS) -> int:
    """Print what is due, for so long; how many files were made. Safe to run in parallel."""
    until, made = time.monotonic() + budget_seconds, 0
    while time.monotonic() < until:
        due = run_unit(lambda: db.rows(_CLAIM, limit=BATCH))
        for row in due:
            made += _print(row.invoice_id, drawing)
        if len(due) < BATCH:
            break
    return made


def _print(invoice_id: UUID, drawing: Drawing) -> int:
    try:
        with reading():
            found = db.row(_PAPER.format(which="i.id = :id"), id=invoice_id)
        if found is None or found.wrapped_key is None:
            run_unit(lambda: _forget(invoice_id))
            return 0
        _file(found, drawing)
        return 1
    except Exception as error:
        log.exception("an invoice could not be printed")
        said = type(error).__name__
        run_unit(lambda: _note(invoice_id, said))
        return 0


def _forget(invoice_id: UUID) -> None:
    """Nobody's file need be made: who bought was erased before it was."""
    db.run("DELETE FROM invoice_files WHERE invoice_id = :id AND sha256 IS NULL", id=invoice_id)


def _note(invoice_id: UUID, error: str) -> None:
    db.run("UPDATE invoice_files SET last_error = :error WHERE invoice_id = :id", error=error, id=invoice_id)


def due() -> bool:
    """Whether a file is due to be made."""
    return bool(db.scalar("SELECT EXISTS (SELECT FROM invoice_files WHERE due_at <= now())"))
