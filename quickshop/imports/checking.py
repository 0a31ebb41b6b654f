"""Reading a file's rows, batch by batch: good ones are put aside with what to do, bad ones with what is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from quickshop.extensions import settings
from quickshop.imports import rules
from quickshop.imports.errors import Fault
from quickshop.imports.judging import Family, Judged, Known, Seller, Tree, chosen, judge
from quickshop.imports.kinds import Kind
from quickshop.imports.owning import Work, advance, end, move, own
from quickshop.imports.reading import Dialect, Record, records
from quickshop.imports.uploading import CHUNK, LINE_ENDS
from quickshop.kernel import db
from quickshop.kernel.outbox import dump
from quickshop.kernel.prepared import PLANNED_ANEW
from quickshop.kernel.unit_of_work import run_unit

BATCH = 500
MOST_ERRORS = 100_000
# All or nothing is one transaction: docs/decisions says how long that takes.
MOST_AT_ONCE = 100_000


def check(work: Work) -> Iterator[None]:
    """Read on from where the import stands."""
    begun = run_unit(lambda: own(work))
    dialect = Dialect(begun.delimiter, LINE_ENDS[begun.line_end], 0)
    found = records(_pieces(begun.id, begun.position), dialect, at=begun.position, row=begun.next_row)
    while batch := list(itertools.islice(found, BATCH)):
        run_unit(lambda batch=batch: _check_batch(work, batch))  # type: ignore[misc]
        yield
    run_unit(lambda: _end(work))


def _pieces(import_id: UUID, at: int) -> Iterator[bytes]:
    """The file from a byte on; no statement stays open between two pieces."""
    number, skip = divmod(at, CHUNK)
    while True:
        body = db.scalar(
            "SELECT body FROM import_chunks WHERE import_id = :id AND number = :number", id=import_id, number=number
        )
        if body is None:
            return
        yield bytes(body)[skip:]
        number, skip = number + 1, 0


def _check_batch(work: Work, batch: Sequence[Record]) -> None:
    standing = own(work)
    kind = Kind(standing.kind)
    rows = [r for r in batch if not r.blank]
    read = [(r.row, *rules.read(kind, standing.columns, r)) for r in rows]
    known = _known(kind, standing.id, [values for _, values, _ in read])
    judged = [(row, values, judge(kind, row, values, faults, known)) for row, values, faults in read]
    _stage(standing.id, kind, judged)
    if kind is Kind.PRODUCTS:
        _keep_families(standing.id, known, {values.get("slug") for _, values, found in judged if found.data})
    faults = [(row, fault) for row, _, found in judged for fault in found.faults]
    _note_faults(standing.id, faults, standing.rows_bad)
    good = sum(found.data is not None for _, _, found in judged)
    advance(
        work,
        position=batch[-1].ends_at,
        next_row=batch[-1].row + 1,
        rows_read=standing.rows_read + len(rows),
        rows_good=standing.rows_good + good,
        rows_bad=standing.rows_bad + len(rows) - good,
        rows_new=standing.rows_new + sum(found.new for _, _, found in judged),
    )


def _end(work: Work) -> None:
    """Everything is read: wait for staff after a dry run, refuse, or apply."""
    standing = own(work)
    if standing.rows_read == 0:
        end(work, "refused", failure="no_rows")
    elif standing.mode == "all_or_nothing" and standing.rows_good > MOST_AT_ONCE:
        end(work, "refused", failure="too_many_rows_at_once")
    elif standing.dry_run:
        move(work, "checked")
    elif standing.rows_bad and standing.mode == "all_or_nothing":
        end(work, "refused", failure="rows_failed")
    elif not standing.rows_good:
        end(work, "refused", failure="no_good_rows")
    else:
        move(work, "applying")


# --- what is known -------------------------------------------------------------------------------------

_SELLERS = """
SELECT v.sku, p.slug, v.currency, v.price_minor, v.compare_at_minor, v.sale_price_minor, v.sale_from, v.sale_until,
       v.options, coalesce(s.on_hand, 0) AS on_hand, coalesce(s.held, 0) AS held
FROM variants v JOIN products p ON p.id = v.product_id LEFT JOIN stock_items s ON s.variant_id = v.id
WHERE v.sku = ANY(:skus)
"""

# These tables grow from nothing while the statements run: a plan made at the beginning would be wrong soon.
_STAGED = f"{PLANNED_ANEW} SELECT sku, row FROM import_rows WHERE import_id = :id AND sku = ANY(:skus)"
_SAID = f"{PLANNED_ANEW} SELECT slug, said FROM import_products WHERE import_id = :id AND slug = ANY(:slugs)"
_CHOICES = f"""{PLANNED_ANEW}
SELECT slug, sku, data #> '{{variant,options}}' AS choice FROM import_rows
WHERE import_id = :id AND slug = ANY(:slugs) AND data #> '{{variant,options}}' IS NOT NULL
"""

_FAMILIES = """
SELECT p.slug, p.options, v.currency, v.sku, v.options AS choice
FROM products p LEFT JOIN variants v ON v.product_id = p.id WHERE p.slug = ANY(:slugs) ORDER BY p.id, v.position
"""


def _known(kind: Kind, import_id: UUID, read: Sequence[rules.Values]) -> Known:
    skus = sorted({values["sku"] for values in read if "sku" in values})
    slugs = sorted({values["slug"] for values in read if "slug" in values})
    sellers = {r.sku: Seller(*r[1:]) for r in db.rows(_SELLERS, skus=skus)}
    staged = db.rows(_STAGED, id=import_id, skus=skus)
    return Known(
        sellers=sellers,
        families=_families(import_id, slugs) if slugs else {},
        rows={r.sku: r.row for r in staged},
        tree=categories() if kind is Kind.PRODUCTS else Tree([]),
        tax_classes={r.code for r in db.rows("SELECT code FROM tax_classes")} if kind is Kind.PRODUCTS else (),
        base_currency=settings().base_currency,
    )


def categories() -> Tree:
    """The category tree as it stands."""
    found = db.rows(
        "SELECT c.id, c.slug, array_agg(up.name ORDER BY array_position(c.path, up.id)) AS names"
        " FROM categories c JOIN categories up ON up.id = ANY(c.path) GROUP BY c.id"
    )
    return Tree((r.id, r.slug, tuple(r.names)) for r in found)


def _families(import_id: UUID, slugs: Sequence[str]) -> dict[str, Family]:
    """Products as the shop has them, and as earlier rows of the file would have them."""
    families: dict[str, Family] = {}
    variants: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for row in db.rows(_FAMILIES, slugs=slugs):
        family = families.setdefault(row.slug, Family(True, row.currency))
        if row.options:
            family.options = tuple(option["name"] for option in row.options)
        if row.sku is not None:
            variants.setdefault(row.slug, []).append((row.sku, row.choice))
    for slug, found in variants.items():
        families[slug].chosen = chosen(found)
        if families[slug].options is None and len(names := {tuple(sorted(choice)) for _, choice in found}) == 1:
            families[slug].options = names.pop()
    for row in db.rows(_SAID, id=import_id, slugs=slugs):
        family = families.setdefault(row.slug, Family(False))
        family.given, family.since = row.said["given"], row.said["since"]
        family.currency = family.currency or row.said["currency"]
        family.options = tuple(row.said["options"]) if family.options is None else family.options
    for row in db.rows(_CHOICES, id=import_id, slugs=slugs):
        if row.slug in families:
            families[row.slug].chosen |= chosen([(row.sku, row.choice)])
    return families


# --- what is kept --------------------------------------------------------------------------------------


def _stage(import_id: UUID, kind: Kind, judged: Sequence[tuple[int, rules.Values, Judged]]) -> None:
    rows = []
    for row, values, found in judged:
        repeated = any(fault.reason == "duplicate_sku" for fault in found.faults)
        sku = None if repeated else values.get("sku")
        slug = values.get("slug") if kind is Kind.PRODUCTS else None
        rows.append((import_id, row, sku, slug, None if found.data is None else dump(found.data)))
    db.copy("import_rows", ("import_id", "row", "sku", "slug", "data"), rows)


def _keep_families(import_id: UUID, known: Known, slugs: set[Any]) -> None:
    said = [
        {
            "slug": slug,
            "said": {
                "given": family.given,
                "since": family.since,
                "currency": family.currency,
                "options": family.options or [],
            },
        }
        for slug, family in known.families.items()
        if slug in slugs
    ]
    db.run(
        """
        INSERT INTO import_products (import_id, slug, said)
        SELECT :id, slug, said FROM jsonb_to_recordset(CAST(:said AS jsonb)) AS s (slug text, said jsonb)
        ON CONFLICT (import_id, slug) DO UPDATE SET said = EXCLUDED.said
        """,
        id=import_id,
        said=dump(said),
    )


def note_faults(import_id: UUID, faults: Sequence[tuple[int, Fault]]) -> None:
    """Keep what is wrong with rows."""
    db.copy(
        "import_errors",
        ("import_id", "row", "field", "reason", "detail"),
        [(import_id, row, fault.column, fault.reason, fault.detail) for row, fault in faults],
    )


def _note_faults(import_id: UUID, faults: Sequence[tuple[int, Fault]], bad_before: int) -> None:
    """Keep them, unless there are so many that nobody reads on: they are still counted."""
    if bad_before < MOST_ERRORS:
        note_faults(import_id, faults)
