"""Puts the words of a message together in its reader's language: subject, text, HTML, and a short form. Pure.

The words stand in `words/<language>.toml`, the layout of mails in `templates/mail.html`. What is filled in: {name} of
the greeting; of orders {number}, {total}, {amount}, {reason}, {problem}, {dates}; of questions {ticket}; of products
{product}, {price}, {before}, {lists}; {items}, {count}, {first} of lists.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from quickshop.kernel.money import exponent
from quickshop.notifications.kinds import Context, path_of, words_of

_HERE = Path(__file__).parent
LANGUAGES = ("en", "de", "fr")
_LONGEST_NAME = 60
# What a mail program makes a link of: an address of a page or a mailbox, or anything with a domain in it.
_LINK = re.compile(r"[/\\@:]|\w\.\w").search
_SHOP = "QuickShop"


@dataclass(frozen=True)
class Rendered:
    """A message in words. `short` is what fits a text message or a notice on a screen, `link` where it leads."""

    subject: str
    paragraphs: tuple[str, ...]
    action: str
    link: str
    text: str
    html: str
    short: str


@cache
def _words(language: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / "words" / f"{language}.toml").read_text(encoding="utf-8"))


@cache
def _layout() -> Any:
    loader = FileSystemLoader(_HERE / "templates")
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template("mail.html")


def language_of(locale: str) -> str:
    """The language whose words somebody of this locale gets: their own, else English."""
    language = locale.partition("-")[0]
    return language if language in LANGUAGES else "en"


KINDS = frozenset(name for name in _words("en") if "." in name and name.count(".") == 1)


def topic_name(topic: str, locale: str) -> str:
    """What a topic is called in a sentence."""
    return str(_words(language_of(locale))["topics"].get(topic, topic))


def amount_text(amount: Mapping[str, Any], locale: str = "en") -> str:
    """An amount for people: `USD 1,019.99`, in German `1.019,99 USD`."""
    common = _words(language_of(locale))["common"]
    digits = exponent(amount["currency"])
    whole, part = divmod(abs(amount["amount"]), 10**digits)
    figures = f"{whole:,}".replace(",", common["thousands"])
    figures += f"{common['decimal']}{part:0{digits}d}" if digits else ""
    sign = "−" if amount["amount"] < 0 else ""
    return str(common["amount"].format(currency=amount["currency"], figures=sign + figures))


def _day(value: str, common: Mapping[str, Any]) -> str:
    day = date.fromisoformat(value[:10])
    return str(common["day"].format(day=day.day, month=common["months"][day.month - 1], year=day.year))


def _dates(data: Mapping[str, Any], common: Mapping[str, Any]) -> str:
    first, last = (_day(str(data[name]), common) if data.get(name) else "" for name in ("from", "to"))
    if not first or not last or first == last:
        return first or last
    return str(common["span"].format(first=first, last=last))


def _hello(name: str, common: Mapping[str, Any]) -> str:
    """The greeting, without a name that is no name: whoever types one may not mail others their own text or link."""
    good = 0 < len(name) <= _LONGEST_NAME and name.isprintable() and not _LINK(name)
    return str(common["hello"].format(name=name) if good else common["hello_nobody"])


def _listed(c: Context, common: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of several things: names of products, or variants with what is left of them."""
    found = c.get("items", [])
    names = [i if isinstance(i, str) else i["name"] for i in found]
    items = [
        i if isinstance(i, str) else f"{i['name']} ({i['sku']}): {common['left'].format(count=i['on_hand'])}"
        for i in found
    ]
    more = c.get("count", len(items)) - len(items)
    return {
        "items": "; ".join(items) + (f" (+{more})" if more > 0 else ""),
        "count": c.get("count", len(items)),
        "first": names[0] if names else "",
    }


def _values(c: Context, words: Mapping[str, Any], locale: str) -> dict[str, Any]:
    data = c.get("data") or {}
    amounts = {name: amount_text(c[name], locale) for name in ("total", "price", "before") if c.get(name)}
    given_back = data.get("amount")
    code = str(data.get("code") or "")
    return {
        "number": c.get("number", ""),
        "ticket": c.get("ticket", ""),
        "product": c.get("product", ""),
        "not_you": words["common"]["not_you"],
        "lists": f"{c.get('public_url', '')}/account/wishlists",
        "reason": words["reasons"].get(code, words["reasons"]["other"]),
        "problem": words["problems"].get(code, words["problems"]["other"]),
        "dates": _dates(data, words["common"]),
        "amount": amount_text(given_back, locale) if isinstance(given_back, Mapping) else amounts.get("total", ""),
        **_listed(c, words["common"]),
        **amounts,
    }


def _link(kind: str, c: Context) -> str:
    path = path_of(kind, c)
    token = f"?token={c['order_token']}" if c.get("order_token") else ""
    return path if path.startswith("http") else f"{c.get('public_url', '')}{path}{token}"


def render(kind: str, context: Context, locale: str = "en", unsubscribe: str | None = None) -> Rendered:
    """The message for a reader of this locale; `unsubscribe` is the link with which they end such mails."""
    language = language_of(locale)
    words = _words(language)
    said, common = words[words_of(kind, context)], words["common"]
    values = _values(context, words, language)
    hello = _hello(str(context.get("name") or context.get("first_name") or ""), common)
    lines = tuple(line.format_map(values) for line in said["lines"])
    made = Rendered(
        subject=said["subject"].format_map(values),
        paragraphs=lines,
        action=said["action"],
        link=_link(kind, context),
        text="",
        html="",
        short=said.get("short", said["subject"]).format_map(values),
    )
    shown = {"hello": hello, "made": made, "common": common, "language": language, "shop": _SHOP}
    shown |= {"public_url": context.get("public_url", ""), "unsubscribe": unsubscribe}
    return replace(made, text=_text(hello, made, common, unsubscribe), html=_layout().render(shown))


def _text(hello: str, made: Rendered, common: Mapping[str, Any], unsubscribe: str | None) -> str:
    parts = [hello, *made.paragraphs, f"{made.action}: {made.link}", _SHOP]
    if unsubscribe:
        parts.append(f"{common['unsubscribe']}: {unsubscribe}")
    return "\n\n".join(parts)
