"""Changing the category tree. Whoever changes its shape locks it whole: two moves at once could make a loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.catalog.errors import CategoryInUse, CategoryLoop, OldVersion, conflict
from quickshop.catalog.indexing import index_soon
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound

_TREE = "SELECT pg_advisory_xact_lock(727003)"


def edit_category(category_id: UUID, changes: Mapping[str, Any], version: int | None = None) -> None:
    """Change some of slug, name, position and parent_id as `change_category` and `move_category` do.

    Raises OldVersion as well where `version` is not the present one.
    """
    moves = "parent_id" in changes
    if moves:
        db.run(_TREE)  # before the row, as everybody who moves does
    present = db.scalar("SELECT version FROM categories WHERE id = :id FOR UPDATE", id=category_id)
    if present is None:
        raise NotFound("category")
    if version is not None and version != present:
        raise OldVersion(present)
    if moves:
        move_category(category_id, changes["parent_id"])
    change_category(category_id, **{name: value for name, value in changes.items() if name != "parent_id"})


def change_category(
    category_id: UUID, *, slug: str | None = None, name: str | None = None, position: int | None = None
) -> None:
    """Change what is given; an old slug leads to the new one from then on. Raises NotFound, CatalogConflict."""
    before = db.row("SELECT slug, name FROM categories WHERE id = :id FOR UPDATE", id=category_id)
    if before is None:
        raise NotFound("category")
    try:
        db.run(
            "UPDATE categories SET slug = coalesce(:slug, slug), name = coalesce(:name, name),"
            " position = coalesce(:position, position), version = version + 1 WHERE id = :id",
            id=category_id,
            slug=slug,
            name=name,
            position=position,
        )
    except IntegrityError as error:
        raise conflict(error) from error
    if slug and slug != before.slug:
        db.run(
            """
            WITH freed AS (DELETE FROM category_slugs WHERE slug = :now)
            INSERT INTO category_slugs (slug, category_id) VALUES (:before, :id)
            ON CONFLICT (slug) DO UPDATE SET category_id = EXCLUDED.category_id, replaced_at = now()
            """,
            now=slug,
            before=before.slug,
            id=category_id,
        )
    if name and name != before.name:
        index_soon(category_id)


def move_category(category_id: UUID, parent_id: UUID | None) -> None:
    """Put a category with all below it under another one, or at the top. Raises NotFound, CategoryLoop."""
    db.run(_TREE)
    path = db.scalar("SELECT path FROM categories WHERE id = :id", id=category_id)
    above = db.scalar("SELECT path FROM categories WHERE id = :id", id=parent_id) if parent_id else []
    if path is None or above is None:
        raise NotFound("category")
    if category_id in above:
        raise CategoryLoop("Choose a category that does not lie below this one.")
    db.run(
        """
        UPDATE categories SET path = CAST(:above AS uuid[]) || path[CAST(:depth AS int):],
               parent_id = CASE WHEN id = :id THEN CAST(:parent AS uuid) ELSE parent_id END
        WHERE path @> ARRAY[CAST(:id AS uuid)]
        """,
        id=category_id,
        parent=parent_id,
        above=list(above),
        depth=len(path),
    )
    index_soon(category_id)


def remove_category(category_id: UUID) -> None:
    """Remove an empty category. Raises NotFound, CategoryInUse."""
    try:
        gone = db.run("DELETE FROM categories WHERE id = :id", id=category_id)
    except IntegrityError as error:
        raise CategoryInUse("Move what lies in it first.") from error
    if not gone.rowcount:
        raise NotFound("category")
