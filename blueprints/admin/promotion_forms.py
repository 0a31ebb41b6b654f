"""A promotion as a form: what staff typed as what the core takes, and what stands as what they would type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from blueprints.admin.forms import LARGEST_AMOUNT, Typed
from blueprints.http.formatting import amount
from quickshop.catalog.queries import product_ids_of, slugs_of
from quickshop.kernel.errors import Invalid
from quickshop.kernel.money import exponent

_AMOUNT = re.compile(r"([A-Z]{3}) ([0-9]{1,12}(?:\.[0-9]{1,3})?)").fullmatch
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?").fullmatch
MOST_USES = 10**9
MOST_PLACES = 50  # categories or products that one promotion names
SWITCHES = ("automatic", "active", "exclusive", "first_order")


def wrong(field: str, sentence: str) -> Invalid:
    """A refusal of one field."""
    return Invalid({field: [sentence]}, sentence)


def minor_of(text: str, field: str) -> tuple[str, int]:
    """(currency, minor units) of "USD 19.99"."""
    found = _AMOUNT(" ".join(text.split()))
    minor = Decimal(found[2]).scaleb(exponent(found[1])) if found else Decimal("0.5")
    if found is None or minor != minor.to_integral_value() or not 0 < minor <= LARGEST_AMOUNT:
        raise wrong(field, "Write amounts above zero as in “USD 19.99”.")
    return found[1], int(minor)


def _amounts(text: str, field: str) -> dict[str, int]:
    """Minor units by currency of "USD 5, EUR 4.50"."""
    found = [minor_of(part, field) for part in text.split(",") if part.strip()]
    if len(dict(found)) != len(found):
        raise wrong(field, "Write each currency once.")
    return dict(found)


def _rate(text: str, field: str) -> int:
    """Basis points of a percentage such as "12.5"."""
    value = text.strip().removesuffix("%").strip()
    if not _PERCENT(value) or Decimal(value) > 100:
        raise wrong(field, "Write a percentage from 0 to 100, with two decimals at most.")
    return int(Decimal(value) * 100)


def _tiers(lines: Iterable[str]) -> tuple[dict[str, Any], ...]:
    """Lines such as "10 %: USD 50, EUR 45"."""
    found = []
    for line in lines:
        rate, _, amounts = line.partition(":")
        found.append({"rate": _rate(rate, "tiers"), "from": _amounts(amounts, "tiers")})
    return tuple(found)


def _ids(values: Iterable[str], field: str) -> tuple[UUID, ...]:
    try:
        return tuple(dict.fromkeys(UUID(value) for value in values))
    except ValueError:
        raise wrong(field, "One of these does not exist.") from None


def setting_of(form: MultiDict[str, str]) -> dict[str, Any]:
    """Everything that the form says of a promotion, but for its kind. Raises Invalid."""
    typed = Typed(form)
    return {
        "name": typed.text("name", "The name", 120),
        "label": typed.text("label", "What shoppers read", 120),
        **{name: name in form for name in SWITCHES},
        "priority": typed.whole("priority", "The priority", 0, 10_000) or 0,
        "rate": _rate(form.get("rate") or "0", "rate"),
        "amounts": _amounts(form.get("amounts", ""), "amounts"),
        "tiers": _tiers(typed.lines("tiers", "The steps", 20)),
        "buy": typed.whole("buy", "How many are bought", 0, 9999) or 0,
        "get": typed.whole("get", "How many cost less", 0, 9999) or 0,
        "minimums": _amounts(form.get("minimums", ""), "minimums"),
        "category_ids": _ids(form.getlist("category_ids")[:MOST_PLACES], "category_ids"),
        "product_ids": tuple(product_ids_of(typed.lines("products", "The products", MOST_PLACES))),
        "segments": tuple(s.strip() for s in form.get("segments", "").split(",") if s.strip()),
        "starts_at": typed.moment("starts_at", "The begin"),
        "ends_at": typed.moment("ends_at", "The end"),
        "total_limit": typed.whole("total_limit", "The limit", 1, MOST_USES),
        "person_limit": typed.whole("person_limit", "The limit for each person", 1, 1000),
    }


def as_typed(form: MultiDict[str, str]) -> dict[str, Any]:
    """A form that was refused, to be shown again."""
    return {**form.to_dict(), "category_ids": form.getlist("category_ids")}


def _percent(rate: int) -> str:
    """1050 -> "10.5"."""
    return f"{Decimal(rate) / 100:f}" if rate else ""


def _said(moneys: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(f"{money['currency']} {amount(money)}" for money in moneys)


def form_of(promotion: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody would type to make this promotion."""
    return {
        **{name: promotion[name] for name in ("name", "label", "kind", "category_ids", "version", *SWITCHES)},
        **{name: str(promotion[name] or "") for name in ("buy", "get", "total_limit", "person_limit")},
        "priority": str(promotion["priority"]),
        "rate": _percent(promotion["rate"]),
        "amounts": _said(promotion["amounts"]),
        "tiers": "\n".join(f"{_percent(tier['rate']) or 0} %: {_said(tier['from'])}" for tier in promotion["tiers"]),
        "minimums": _said(promotion["minimums"]),
        "products": "\n".join(slugs_of([UUID(known) for known in promotion["product_ids"]])),
        "segments": ", ".join(promotion["segments"]),
        "starts_at": (promotion["starts_at"] or "")[:19],
        "ends_at": (promotion["ends_at"] or "")[:19],
    }
