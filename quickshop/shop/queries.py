"""Reads of what staff set. Within a process a value may be as old as a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.errors import NotFound
from quickshop.kernel.microcache import MicroCache
from quickshop.kernel.money import exponent
from quickshop.security.fraud import Policy
from quickshop.shop.details import DEFAULTS
from quickshop.shop.returning import DEFAULTS as RETURN_DEFAULTS
from quickshop.shop.returning import ReturnTerms
from quickshop.shop.rules import (
    DEFINITIONS,
    DETAILS,
    HIGH_VALUE,
    POLICIES,
    RETURNS,
    RISK,
    VIP_SPEND,
    policy_document,
    policy_of,
)

SECONDS = 1.0
_cache = MicroCache(most=10)


def _defaults() -> dict[str, dict[str, Any]]:
    found = settings()
    return {
        RISK: policy_document(POLICIES[found.limits_profile]),
        HIGH_VALUE: _everywhere(found.high_value_minor),
        VIP_SPEND: _everywhere(found.vip_spend_minor),
        DETAILS: DEFAULTS,
        RETURNS: RETURN_DEFAULTS,
    }


def _everywhere(base_minor: int) -> dict[str, int]:
    """Until staff say otherwise: the base currency's figure in each currency of the shop, with its own decimals."""
    found = settings()
    digits = exponent(found.base_currency)
    return {c: max(1, base_minor * 10 ** exponent(c) // 10**digits) for c in found.currencies}


def _kept() -> Mapping[str, Any]:
    def read() -> dict[str, Any]:
        return {r.name: r.value for r in db.rows("SELECT name, value FROM shop_settings")}

    # By database: tests have one for each process, and more than one application.
    return _cache.get(settings().database_url, SECONDS, read)


def _value(name: str) -> dict[str, Any]:
    kept: dict[str, Any] | None = _kept().get(name)
    return _defaults()[name] if kept is None else kept


def forget() -> None:
    """Read anew next time."""
    _cache.clear()


def risk_policy() -> Policy:
    """The rules of risk in force."""
    return policy_of(_value(RISK))


def high_value_minor(currency: str) -> int | None:
    """From which total an order is of high value; None where none is, in this currency."""
    return _value(HIGH_VALUE).get(currency)


def vip_spend() -> Mapping[str, int]:
    """From which lifetime spend in a currency a customer is VIP, in minor units by currency."""
    return _value(VIP_SPEND)


def details() -> dict[str, Any]:
    """Who the shop is, as its invoices say; fields of `shop.details`."""
    return _value(DETAILS)


def return_terms() -> ReturnTerms:
    """Until when something may come back, and what happens by itself."""
    return ReturnTerms(**_value(RETURNS))


def setting(name: str) -> dict[str, Any]:
    """One setting as it stands now. Raises NotFound."""
    for found in all_settings():
        if found["name"] == name:
            return found
    raise NotFound("setting")


def all_settings() -> list[dict[str, Any]]:
    """Every setting as it stands now: {name, about, value, version, changed_at}; version 0 is nobody's change."""
    kept = {r.name: r for r in db.rows("SELECT name, value, version, changed_at FROM shop_settings")}
    defaults = _defaults()
    return [
        {
            "name": name,
            "about": definition.about,
            "value": kept[name].value if name in kept else defaults[name],
            "version": kept[name].version if name in kept else 0,
            "changed_at": rfc3339(kept[name].changed_at) if name in kept else None,
        }
        for name, definition in DEFINITIONS.items()
    ]
