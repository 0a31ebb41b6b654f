"""Pictures of products: kept in the database with all their files, shown in order, served under their content's name.

Making the files is `renditions`. Everything that is shown of a product's pictures is written anew by each verb.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from quickshop.catalog.changing import product_of
from quickshop.catalog.errors import TooManyPictures
from quickshop.catalog.indexing import index, lock
from quickshop.catalog.renditions import FORMATS, Rendition
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.outbox import dump

MOST = 24
PLAIN_WIDTH = 640  # of the one file that a reader without `srcset` gets
MEDIA = "/media"

# Locked and marked as wanted, so that upkeep does not take it away at this moment.
_KEEP = """
INSERT INTO media_files (digest, format, body) VALUES (:digest, :format, :body)
ON CONFLICT (digest) DO UPDATE SET wanted_at = now()
"""

_LET_GO = """
UPDATE media_files SET wanted_at = now() WHERE digest IN (
    SELECT m.digest FROM media_files m JOIN picture_files f ON f.digest = m.digest AND f.picture_id = :id
    ORDER BY m.digest FOR UPDATE OF m)
"""

_PRUNE = """
DELETE FROM media_files m WHERE m.wanted_at < now() - interval '1 day'
  AND NOT EXISTS (SELECT FROM picture_files f WHERE f.digest = m.digest)
"""

_PICTURES = """
SELECT p.id, p.position, p.alt, f.format, f.width, f.height, f.digest
FROM pictures p JOIN picture_files f ON f.picture_id = p.id
WHERE p.product_id = :id ORDER BY p.position, f.format, f.width
"""


def add_picture(product_id: UUID, files: Sequence[Rendition], alt: str = "") -> UUID:
    """Put a picture behind a product's others; its id. Without `alt` the product's name says what it shows.

    Raises NotFound; TooManyPictures beyond 24.
    """
    lock([product_id])
    name = db.scalar("SELECT name FROM products WHERE id = :id", id=product_id)
    if name is None:
        raise NotFound("product")
    place = db.scalar("SELECT coalesce(max(position) + 1, 0) FROM pictures WHERE product_id = :id", id=product_id)
    if place >= MOST:
        raise TooManyPictures(f"A product has {MOST} pictures at most.")
    picture_id = new_id()
    db.run(
        "INSERT INTO pictures (id, product_id, position, alt) VALUES (:id, :product, :place, :alt)",
        id=picture_id,
        product=product_id,
        place=place,
        alt=alt or name,
    )
    for file in sorted(files, key=lambda f: f.digest):
        db.run(_KEEP, digest=file.digest, format=file.format, body=file.body)
        db.run(
            "INSERT INTO picture_files (picture_id, format, width, height, digest)"
            " VALUES (:id, :format, :width, :height, :digest)",
            id=picture_id,
            format=file.format,
            width=file.width,
            height=file.height,
            digest=file.digest,
        )
    _show(product_id)
    return picture_id


def change_picture(product_id: UUID, picture_id: UUID, *, alt: str | None = None, position: int | None = None) -> None:
    """Say anew what a picture shows, or give it a place among the others, counted from 0. Raises NotFound."""
    order = _order(product_id, picture_id)
    if alt is not None:
        db.run("UPDATE pictures SET alt = :alt WHERE id = :id", id=picture_id, alt=alt)
    if position is not None:
        order.remove(picture_id)
        order.insert(position, picture_id)
        _number(order)
    _show(product_id)


def remove_picture(product_id: UUID, picture_id: UUID) -> None:
    """Take a picture away, from variants too. Its files stay for a day, for pages that are open. Raises NotFound."""
    order = _order(product_id, picture_id)
    db.run("UPDATE variants SET image = NULL WHERE picture_id = :id", id=picture_id)
    db.run(_LET_GO, id=picture_id)
    db.run("DELETE FROM pictures WHERE id = :id", id=picture_id)
    order.remove(picture_id)
    _number(order)
    _show(product_id)


def set_variant_picture(variant_id: UUID, picture_id: UUID | None) -> None:
    """Let a picture of the product stand for one variant, or none. Raises NotFound."""
    product_id = product_of(variant_id)
    if picture_id is not None:
        _order(product_id, picture_id)
    lock([product_id])
    db.run(
        "UPDATE variants SET picture_id = CAST(:picture AS uuid), image = NULL WHERE id = :id",
        id=variant_id,
        picture=picture_id,
    )
    _show(product_id)


def _order(product_id: UUID, picture_id: UUID) -> list[UUID]:
    """The ids of a product's pictures in order, locked. Raises NotFound where the picture is not one of them."""
    lock([product_id])
    found = [r.id for r in db.rows("SELECT id FROM pictures WHERE product_id = :id ORDER BY position", id=product_id)]
    if picture_id not in found:
        raise NotFound("picture")
    return found


def _number(order: Sequence[UUID]) -> None:
    db.run(
        "UPDATE pictures p SET position = o.n - 1"
        " FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY o (id, n) WHERE p.id = o.id AND p.position <> o.n - 1",
        ids=list(order),
    )


def _show(product_id: UUID) -> None:
    """Write what is shown of the product's pictures: the product's own, and its variants'."""
    shown = list_pictures(product_id)
    images = [picture["image"] for picture in shown]
    db.run(
        "UPDATE products SET images = CAST(:images AS jsonb), image = CAST(:first AS jsonb), updated_at = now()"
        " WHERE id = :id",
        id=product_id,
        images=dump(images),
        first=dump(images[0]) if images else None,
    )
    for picture in shown:
        db.run(
            "UPDATE variants SET image = CAST(:image AS jsonb) WHERE picture_id = CAST(:id AS uuid)",
            id=picture["id"],
            image=dump(picture["image"]),
        )
    index([product_id])


def list_pictures(product_id: UUID) -> list[dict[str, Any]]:
    """A product's pictures in order: {id, position, alt, image}."""
    files = defaultdict(list)
    for row in db.rows(_PICTURES, id=product_id):
        files[row.id].append(row)
    return [
        {"id": str(picture_id), "position": of[0].position, "alt": of[0].alt, "image": document(of[0].alt, of)}
        for picture_id, of in files.items()
    ]


def document(alt: str, files: Sequence[Any]) -> dict[str, Any]:
    """A picture as clients get it, of its files by width: {src, srcset, sources [{type, srcset}], alt, width, height}.

    `srcset` is WebP, which everybody reads; `sources` are what weighs less. The size is that of the largest file.
    """
    by_format = {name: [f for f in files if f.format == name] for name in FORMATS}
    plain = by_format["webp"]
    small = [f for f in plain if f.width <= PLAIN_WIDTH]
    return {
        "src": address((small or plain)[-1 if small else 0]),
        "srcset": _srcset(plain),
        "sources": [
            {"type": f"image/{name}", "srcset": _srcset(of)} for name, of in by_format.items() if name != "webp" and of
        ],
        "alt": alt,
        "width": plain[-1].width,
        "height": plain[-1].height,
    }


def address(file: Any) -> str:
    """Where a file is served."""
    return f"{MEDIA}/{file.digest}.{file.format}"


def _srcset(files: Sequence[Any]) -> str:
    return ", ".join(f"{address(f)} {f.width}w" for f in files)


def media_body(digest: str, format: str) -> bytes:
    """The content of a file. Raises NotFound."""
    found = db.scalar("SELECT body FROM media_files WHERE digest = :digest AND format = :f", digest=digest, f=format)
    if found is None:
        raise NotFound("file")
    return bytes(found)


def prune_media() -> int:
    """Delete the files that no picture has had for a day; how many. Safe to run twice, and beside uploads."""
    return db.run(_PRUNE).rowcount
