"""Promotions and their codes as staff set them. A change counts from the next quote; orders keep what they got."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.money import money
from quickshop.kernel.outbox import dump
from quickshop.kernel.pagination import decode_id, page
from quickshop.promotions.errors import ChangedMeanwhile, CodeTaken
from quickshop.promotions.rules import ALL_OF_IT, Kind, normal_code

PAGE = 24
CODE = re.compile(r"[A-Z0-9_.]{3,40}")


@dataclass(frozen=True)
class Setting:
    """All that staff say of a promotion. `amounts` and `minimums` are minor units by currency, `tiers` [{rate, from}].

    Rates are basis points. Empty scopes mean everything, empty segments everybody.
    """

    name: str
    label: str
    kind: str
    automatic: bool = False
    active: bool = True
    exclusive: bool = False
    priority: int = 0
    rate: int = 0
    amounts: Mapping[str, int] | None = None
    tiers: tuple[Mapping[str, Any], ...] = ()
    buy: int = 0
    get: int = 0
    minimums: Mapping[str, int] | None = None
    category_ids: tuple[UUID, ...] = ()
    product_ids: tuple[UUID, ...] = ()
    segments: tuple[str, ...] = ()
    first_order: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    total_limit: int | None = None
    person_limit: int | None = None


FIELDS = tuple(f.name for f in fields(Setting))
_COLUMNS = ", ".join(FIELDS)
_JSON = ("amounts", "tiers", "minimums")
_IDS = ("category_ids", "product_ids")


def _cast(name: str) -> str:
    if name in _JSON:
        return f"CAST(:{name} AS jsonb)"
    if name in _IDS:
        return f"CAST(:{name} AS uuid[])"
    return f"CAST(:{name} AS text[])" if name == "segments" else f":{name}"


def _params(setting: Setting) -> dict[str, Any]:
    params: dict[str, Any] = {name: getattr(setting, name) for name in FIELDS}
    params |= {name: dump(params[name] or ([] if name == "tiers" else {})) for name in _JSON}
    return params | {name: list(params[name]) for name in (*_IDS, "segments")}


def check(setting: Setting, used: int = 0) -> None:
    """Raises Invalid, by field, for what no promotion can be."""
    errors: dict[str, list[str]] = {}
    if setting.kind in (Kind.PERCENT, Kind.BUY_X_GET_Y) and not 0 < setting.rate <= ALL_OF_IT:
        errors["rate"] = ["Say how much is taken off, in basis points from 1 to 10000."]
    if setting.kind == Kind.FIXED and not setting.amounts:
        errors["amounts"] = ["Say how much is taken off, in one currency at least."]
    if setting.kind == Kind.TIERED and not setting.tiers:
        errors["tiers"] = ["Say from which amount on how much is taken off."]
    if setting.kind == Kind.BUY_X_GET_Y and not (setting.buy and setting.get):
        errors["buy"] = ["Say how many are bought, and how many of those beside them cost less."]
    if setting.starts_at and setting.ends_at and setting.ends_at <= setting.starts_at:
        errors["ends_at"] = ["It must end after it starts."]
    if setting.total_limit is not None and setting.total_limit < used:
        errors["total_limit"] = [f"It was used {used} times already."]
    for name, table in (("category_ids", "categories"), ("product_ids", "products")):
        wanted = set(getattr(setting, name))
        known = db.scalar(f"SELECT count(*) FROM {table} WHERE id = ANY(CAST(:ids AS uuid[]))", ids=list(wanted))
        if known != len(wanted):
            errors[name] = ["One of these does not exist."]
    if errors:
        raise Invalid(errors)


def make(setting: Setting) -> UUID:
    """Make a promotion; its id. Raises Invalid. Writes; the caller commits."""
    check(setting)
    promotion_id = new_id()
    values = ", ".join(_cast(name) for name in FIELDS)
    db.run(f"INSERT INTO promotions (id, {_COLUMNS}) VALUES (:id, {values})", id=promotion_id, **_params(setting))
    return promotion_id


def change(promotion_id: UUID, changes: Mapping[str, Any], versions: frozenset[str] | None = None) -> None:
    """Set what is given. Raises NotFound, Invalid, and ChangedMeanwhile where `versions` names none that stands.

    A limit that is set now counts the uses that stand. Writes; the caller commits.
    """
    row = db.row(f"SELECT version, {_COLUMNS} FROM promotions WHERE id = :id FOR UPDATE", id=promotion_id)
    if row is None:
        raise NotFound("promotion")
    if versions is not None and str(row.version) not in versions:
        raise ChangedMeanwhile(row.version)
    used = db.scalar(
        "SELECT count(*) FROM promotion_uses WHERE promotion_id = :id AND given_back_at IS NULL", id=promotion_id
    )
    setting = Setting(**{name: getattr(row, name) for name in FIELDS} | dict(changes))
    check(setting, used)
    sets = ", ".join(f"{name} = {_cast(name)}" for name in FIELDS)
    db.run(
        f"UPDATE promotions SET {sets}, version = version + 1, used = :used WHERE id = :id",
        id=promotion_id,
        used=used if setting.total_limit is not None else 0,
        **_params(setting),
    )


def add_code(promotion_id: UUID, code: str, total_limit: int | None = None) -> str:
    """Let a promotion be asked for by a code, or by one again that was stopped; the code as it is kept.

    Raises NotFound, Invalid, CodeTaken.
    """
    kept = normal_code(code)
    if not CODE.fullmatch(kept):
        raise Invalid({"code": ["A code has 3 to 40 letters, digits, dots and underscores."]})
    if not db.scalar("SELECT 1 FROM promotions WHERE id = :id", id=promotion_id):
        raise NotFound("promotion")
    try:
        whose = db.scalar(
            """
            INSERT INTO promotion_codes AS c (code, promotion_id, total_limit) VALUES (:code, :id, :total)
            ON CONFLICT (code) DO UPDATE SET active = true, total_limit = EXCLUDED.total_limit,
                used = CASE WHEN EXCLUDED.total_limit IS NULL THEN 0 ELSE (
                    SELECT count(*) FROM promotion_uses u WHERE u.code = c.code AND u.given_back_at IS NULL) END
            WHERE c.promotion_id = EXCLUDED.promotion_id RETURNING c.promotion_id
            """,
            code=kept,
            id=promotion_id,
            total=total_limit,
        )
    except IntegrityError as error:
        raise Invalid({"total_limit": ["It was used more often already."]}) from error
    if whose is None:
        raise CodeTaken("Another promotion has this code. Choose a new one.")
    return kept


def stop_code(promotion_id: UUID, code: str) -> None:
    """Let a code take nothing off any more; again changes nothing. Raises NotFound."""
    stopped = db.run(
        "UPDATE promotion_codes SET active = false WHERE code = :code AND promotion_id = :id",
        code=normal_code(code),
        id=promotion_id,
    )
    if not stopped.rowcount:
        raise NotFound("code")


_READ = f"""
SELECT p.id, p.version, p.created_at, {", ".join(f"p.{name}" for name in FIELDS)},
    (SELECT count(*) FROM promotion_uses u WHERE u.promotion_id = p.id AND u.given_back_at IS NULL) AS used,
    (SELECT json_agg(json_build_object('code', c.code, 'active', c.active, 'total_limit', c.total_limit,
        'used', (SELECT count(*) FROM promotion_uses u WHERE u.code = c.code AND u.promotion_id = p.id
                 AND u.given_back_at IS NULL)) ORDER BY c.created_at, c.code)
     FROM (SELECT * FROM promotion_codes WHERE promotion_id = p.id ORDER BY created_at, code LIMIT 200) c) AS codes
FROM promotions p
"""


def list_promotions(limit: int = PAGE, cursor: str | None = None) -> dict[str, Any]:
    """All promotions, the newest first: {items, next_cursor}."""
    after = decode_id(cursor) if cursor else None
    found = db.rows(
        f"{_READ} WHERE CAST(:after AS uuid) IS NULL OR p.id < :after ORDER BY p.id DESC LIMIT :limit",
        after=after,
        limit=limit + 1,
    )
    shown, following = page(found, limit, "id")
    return {"items": [_document(row) for row in shown], "next_cursor": following}


def get_promotion(promotion_id: UUID) -> dict[str, Any]:
    """One promotion with its codes, of which 200 are shown. Raises NotFound."""
    row = db.row(f"{_READ} WHERE p.id = :id", id=promotion_id)
    if row is None:
        raise NotFound("promotion")
    return _document(row)


def _document(row: Any) -> dict[str, Any]:
    plain = ("name", "label", "kind", "automatic", "active", "exclusive", "priority", "rate", "buy", "get")
    return {
        "id": str(row.id),
        **{name: getattr(row, name) for name in plain},
        "amounts": _moneys(row.amounts),
        "tiers": [{"rate": tier["rate"], "from": _moneys(tier["from"])} for tier in row.tiers],
        "minimums": _moneys(row.minimums),
        "category_ids": [str(c) for c in row.category_ids],
        "product_ids": [str(p) for p in row.product_ids],
        "segments": list(row.segments),
        "first_order": row.first_order,
        "starts_at": rfc3339(row.starts_at),
        "ends_at": rfc3339(row.ends_at),
        "total_limit": row.total_limit,
        "person_limit": row.person_limit,
        "used": row.used,
        "codes": row.codes or [],
        "version": row.version,
        "created_at": rfc3339(row.created_at),
    }


def _moneys(amounts: Mapping[str, int]) -> list[Any]:
    return [money(amounts[currency], currency) for currency in sorted(amounts)]
