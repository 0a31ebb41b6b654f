"""Turns the core's values into the words of a page: money, moments, status words, tile tints. No shop rules here."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import nh3
from flask import Flask
from markupsafe import Markup

from quickshop.catalog.texts import clean
from quickshop.kernel.money import exponent

SYMBOLS = {"USD": "$", "GBP": "£", "EUR": "€", "JPY": "¥", "PLN": "zł ", "SEK": "kr ", "CAD": "CA$", "AUD": "A$"}
TINTS = 8


def money(value: Mapping[str, Any] | None) -> str:
    """{"amount": 1999, "currency": "USD"} -> "$19.99"; amounts are integer minor units, None is an empty text."""
    if not value:
        return ""
    places, amount, currency = exponent(value["currency"]), int(value["amount"]), value["currency"]
    major, minor = divmod(abs(amount), 10**places)
    text = f"{major:,}.{minor:0{places}d}" if places else f"{major:,}"
    sign = "−" if amount < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + ' ')}{text}"


def amount(value: Mapping[str, Any] | None) -> str:
    """{"amount": 1999, "currency": "USD"} -> "19.99", as a form's field has it; None is an empty text."""
    if not value:
        return ""
    places = exponent(value["currency"])
    major, minor = divmod(int(value["amount"]), 10**places)
    return f"{major}.{minor:0{places}d}" if places else str(major)


def minus(value: Mapping[str, Any]) -> str:
    """{"amount": 350, "currency": "USD"} -> "−$3.50": something that is taken off."""
    return money({**value, "amount": -value["amount"]})


def taken_off(discounts: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Discounts as rows of a table of totals: what each is called, and what it takes off."""
    return [(d["label"], minus(d["amount"])) for d in discounts if d["amount"]["amount"]]


def percent_off(price: Mapping[str, Any], was: Mapping[str, Any] | None) -> int:
    """Whole percent between a former and the present price, rounded down; 0 when there is no reduction."""
    if not was or was["amount"] <= price["amount"]:
        return 0
    return (was["amount"] - price["amount"]) * 100 // was["amount"]


def parse_moment(value: str | datetime) -> datetime:
    """RFC 3339 text (or a datetime) as an aware UTC datetime."""
    parsed = value if isinstance(value, datetime) else datetime.fromisoformat(value.replace("Z", "+00:00"))
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def moment(value: str | datetime | None) -> str:
    """A time for readers without scripts: "22 Nov, 21:55 UTC"; scripts rewrite it in the reader's zone."""
    if not value:
        return ""
    at = parse_moment(value)
    return f"{at.day} {at:%b}, {at:%H:%M} UTC"


def day(value: str | date | datetime | None) -> str:
    """A day such as "Tue 24 Nov" from a date or time."""
    if not value:
        return ""
    at = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return f"{at:%a} {at.day} {at:%b}"


def window(value: Mapping[str, Any] | None) -> str:
    """A delivery window {from, to} as "Tue 24 Nov – Thu 26 Nov", or one day when both are the same."""
    if not value or not value.get("from"):
        return ""
    first, last = day(value["from"]), day(value.get("to") or value["from"])
    return first if first == last else f"{first} – {last}"


def words(code: str | None) -> str:
    """A machine word as a reader's word: "payment_failed" -> "Payment failed", "vip" -> "VIP"."""
    text = (code or "").replace("_", " ").replace(".", " ").capitalize()
    return re.sub(r"\bvip\b", "VIP", text, flags=re.IGNORECASE)


def facts(data: Mapping[str, Any] | None) -> str:
    """What an event says, for staff: {"code": "card_declined", "total": {...}} -> "code card_declined, total $5.00"."""
    said = {name: value for name, value in (data or {}).items() if name != "number" and value is not None}
    return ", ".join(_said(words(name).lower(), value) for name, value in said.items())


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"{len(value)} {name}"
    return f"{name} {_fact(value)}"


def _fact(value: Any) -> str:
    if isinstance(value, Mapping):
        return money(value) if {"amount", "currency"} <= value.keys() else facts(value)
    return str(value)


def tint(key: str) -> str:
    """The tile colour class of a thing: steady for the same key, spread over eight hues."""
    return f"tint-{zlib.crc32(str(key).encode()) % TINTS}"


def picture(sources: str | None) -> str:
    """Picture sources (a `src` or a whole `srcset`) as addresses: paths under /static are written without it."""
    parts = (part.strip() for part in (sources or "").split(","))
    return ", ".join(p if p.startswith(("/", "http:", "https:")) else f"/static/{p}" for p in parts if p)


def rich(text: str | None) -> Markup:
    """A description as safe HTML: cleaned as when it is stored; plain text becomes paragraphs."""
    if not text:
        return Markup("")
    if "<" not in text:
        text = "".join(f"<p>{part}</p>" for part in text.split("\n") if part.strip())
    return Markup(clean(text))  # noqa: S704 - only a few tags are left


def found(text: str) -> Markup:
    """A name with the words that were found marked; the core has escaped the rest."""
    return Markup(nh3.clean(text, tags={"mark"}, attributes={}))  # noqa: S704 - nh3 leaves only the one tag


def plain(text: str | None) -> str:
    """A description without its tags, for the page's summary."""
    return rich(text).replace("</", Markup(" </")).striptags()


def file_size(count: int) -> str:
    """Bytes for readers: 2048 -> "2 KB"; never less than one."""
    return f"{count / 1024**2:.1f} MB" if count >= 1024**2 else f"{max(1, round(count / 1024))} KB"


def install_formatting(app: Flask) -> None:
    """Registers the filters on the app's templates."""
    for function in (money, amount, moment, day, window, words, facts, tint, rich, plain, picture, found, file_size):
        app.add_template_filter(function)
    app.jinja_env.globals["percent_off"] = percent_off
    app.jinja_env.globals |= {"minus": minus, "taken_off": taken_off}
