"""Taking a file in: its beginning is looked at, then it goes into the database piece by piece."""

from __future__ import annotations

import re
from typing import IO
from uuid import UUID

from quickshop.imports import reading
from quickshop.imports.errors import FileTooLarge
from quickshop.imports.kinds import Kind, header_names
from quickshop.kernel import db
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import dump

CHUNK = 256 * 1024
LARGEST_BYTES = 100 * 1024 * 1024
_LINE_ENDS = {b"\n": "lf", b"\r": "cr"}
LINE_ENDS = {name: line_end for line_end, name in _LINE_ENDS.items()}
_UNFIT = re.compile(r"[^\w .()\-]+")


def take(kind: Kind, file: IO[bytes], name: str) -> UUID:
    """Store a file, which must be seekable, within the current unit of work; its import's id. Work has not begun.

    Raises FileRefused for what cannot be read at all, FileTooLarge.
    """
    file.seek(0)
    head = file.read(reading.HEAD_BYTES)
    dialect = reading.sniff(head)
    first = reading.header(head, dialect)
    import_id = new_id()
    size = file.seek(0, 2)
    if size > LARGEST_BYTES:
        raise FileTooLarge(LARGEST_BYTES // 1024**2)
    db.run(
        """
        INSERT INTO imports (id, kind, name, header, delimiter, line_end, size_bytes, position)
        VALUES (:id, :kind, :name, CAST(:header AS jsonb), :delimiter, :line_end, :size, :position)
        """,
        id=import_id,
        kind=str(kind),
        name=_UNFIT.sub(" ", name).strip()[:120] or f"{kind}.csv",
        header=dump(header_names(first.cells)),
        delimiter=dialect.delimiter,
        line_end=_LINE_ENDS[dialect.line_end],
        size=size,
        position=first.ends_at,
    )
    file.seek(0)
    number = 0
    while piece := file.read(CHUNK):
        db.run(
            "INSERT INTO import_chunks (import_id, number, body) VALUES (:id, :number, :body)",
            id=import_id,
            number=number,
            body=piece,
        )
        number += 1
    return import_id
