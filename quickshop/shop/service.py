"""The verb: to set. The edges audit it, with what was and what is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.outbox import dump
from quickshop.shop import logos
from quickshop.shop.errors import SettingChanged
from quickshop.shop.queries import forget, setting
from quickshop.shop.rules import DEFINITIONS, DETAILS


def set_value(name: str, value: Mapping[str, Any], seen: int | None = None, by: UUID | None = None) -> dict[str, Any]:
    """Set a setting; what is kept. `seen` is the version that was read (0: the program's own), None for no check.

    In force everywhere within a second. Raises NotFound (also of a logo that was never uploaded), Invalid,
    SettingChanged.
    """
    definition = DEFINITIONS.get(name)
    if definition is None:
        raise NotFound("setting")
    kept = definition.check(value)
    if kept.get("logo"):
        logos.read(kept["logo"])
    done = db.row(
        """
        INSERT INTO shop_settings (name, value, changed_by)
        SELECT :name, CAST(:value AS jsonb), CAST(:by AS uuid)
        WHERE CAST(:seen AS bigint) IS NULL OR :seen = 0 OR EXISTS (SELECT FROM shop_settings WHERE name = :name)
        ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value, version = shop_settings.version + 1,
            changed_by = EXCLUDED.changed_by, changed_at = now()
        WHERE CAST(:seen AS bigint) IS NULL OR shop_settings.version = :seen
        RETURNING version
        """,
        name=name,
        value=dump(kept),
        seen=seen,
        by=by,
    )
    if done is None:
        now = db.scalar("SELECT version FROM shop_settings WHERE name = :name", name=name)
        raise SettingChanged(int(now or 0))
    forget()
    return kept


def set_logo(png: bytes | None, by: UUID | None = None) -> dict[str, Any]:
    """Set the logo that invoices show from now on, prepared by `logos.prepare`, or show none; the shop's details.

    Writes; the caller commits. Raises SettingChanged where somebody changes the details at this moment.
    """
    found = setting(DETAILS)
    digest = logos.keep(png) if png is not None else None
    return set_value(DETAILS, {**found["value"], "logo": digest}, found["version"], by)
