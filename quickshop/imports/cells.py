"""What stands in one cell: texts without formulas, prices, numbers, moments, pairs; and the same written out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from quickshop.imports.errors import Fault
from quickshop.kernel.money import exponent

LONGEST_CELL = 32_000
LARGEST_PRICE = 10**15
_SHOWN = 40

_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PRICE = re.compile(r"[0-9]{1,16}(\.[0-9]{1,20})?")
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FORMULA = ("=", "+", "-", "@")

# The codes of ISO 4217 in use. Of those without two decimals, only the ones whose decimals `kernel.money` knows.
_CODES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
    COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR
    IRR ISK JMD JOD JPY KES KGS KHR KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE
    SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())


class Wrong(Exception):
    """A cell that cannot be taken, for the reason in `fault`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(reason, detail)


def shown(value: str) -> str:
    """The beginning of a cell, as a sentence can quote it."""
    safe = "".join(c if c.isprintable() else "·" for c in value[: _SHOWN + 1])
    return f"“{safe if len(safe) <= _SHOWN else safe[:_SHOWN] + '…'}”"


# --- formulas ------------------------------------------------------------------------------------------


def _risky(value: str) -> bool:
    """Whether a spreadsheet might take a cell for a formula, or for one that was neutralised."""
    return value[:1] in ("'", "\t", "\r") or value.lstrip()[:1] in _FORMULA


def _is_formula(value: str) -> bool:
    return value[:1] != "'" and _risky(value)


def neutral(value: str) -> str:
    """A text as it can stand in a cell without being run; `plain` gives the text back."""
    return "'" + value if value and _risky(value) else value


def plain(cell: str) -> str:
    """The text of a cell that was neutralised; any other cell as it is."""
    return cell[1:] if cell[:1] == "'" and len(cell) > 1 and _risky(cell[1:]) else cell


# --- texts ---------------------------------------------------------------------------------------------


def text(cell: str, longest: int, *, lines: bool = False) -> str:
    """A text; stripped, unless it may have several lines. Raises Wrong."""
    check_characters(cell, lines=lines)
    if _is_formula(cell):
        raise Wrong("formula", f"{shown(cell)} begins like a formula. Put an apostrophe before it if it is a text.")
    value = plain(cell) if lines else plain(cell).strip()
    if len(value) > longest:
        raise Wrong("too_long", f"At most {longest} characters; these are {len(value)}.")
    return value


def check_characters(cell: str, *, lines: bool = False) -> None:
    """Raises Wrong for bytes that are not UTF-8, control characters, and cells of absurd length."""
    if _SURROGATE.search(cell):
        raw = cell.encode("utf-8", "surrogateescape")
        raise Wrong(
            "not_utf8",
            f"This is not UTF-8; read as Windows-1252 or Latin-1 it says {shown(raw.decode('cp1252', 'replace'))}."
            " Save the file as UTF-8.",
        )
    if len(cell) > LONGEST_CELL:
        raise Wrong("cell_too_long", f"A cell may have {LONGEST_CELL} characters; this one has {len(cell)}.")
    found = (_CONTROL if lines else _LINE_CONTROL).search(cell)
    if found and not (cell[0] == "\t" and found.start() == 0):  # a tab in front is a formula's disguise
        if found[0] == "\0":
            raise Wrong("nul_byte", "There is a NUL byte in this cell.")
        if found[0] in "\r\n\t":
            raise Wrong("line_break", "This cell may not have a line break or a tab in it.")
        raise Wrong("control_character", f"There is a control character (code {ord(found[0])}) in this cell.")


def slug(cell: str, longest: int) -> str:
    """A product's slug. Raises Wrong."""
    value = text(cell, longest)
    if not _SLUG.fullmatch(value):
        raise Wrong("bad_slug", f"{shown(value)} is no slug: lower-case letters, digits and single hyphens.")
    return value


def pairs(cell: str, longest_name: int, longest_value: int) -> dict[str, str]:
    """Names and values as `material=oak; colour=red`; a backslash before `;`, `=` or itself. Raises Wrong."""
    whole = text(cell, LONGEST_CELL)
    found: dict[str, str] = {}
    for part in _split(whole, ";"):
        if not part.strip():
            continue
        name, *rest = _split(part, "=")
        if len(rest) != 1:
            raise Wrong("bad_pairs", f"{shown(part.strip())} is not written as name=value.")
        name, value = _unescaped(name.strip()), _unescaped(rest[0].strip())
        if not name or not value or len(name) > longest_name or len(value) > longest_value:
            raise Wrong(
                "bad_pairs",
                f"{shown(part.strip())}: a name has 1 to {longest_name} characters, a value 1 to {longest_value}.",
            )
        if name in found:
            raise Wrong("bad_pairs", f"{shown(name)} is given twice.")
        found[name] = value
    return found


def _split(whole: str, mark: str) -> list[str]:
    parts, begin, at = [], 0, 0
    while at < len(whole):
        if whole[at] == "\\":
            at += 2
            continue
        if whole[at] == mark:
            parts.append(whole[begin:at])
            begin = at + 1
        at += 1
    return [*parts, whole[begin:]]


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def written_pairs(values: Mapping[str, str]) -> str:
    """Names and values as `pairs` reads them."""
    return "; ".join("=".join(re.sub(r"([\\;=])", r"\\\1", part) for part in pair) for pair in values.items())


# --- numbers and moments -------------------------------------------------------------------------------


def _number_text(cell: str) -> str:
    check_characters(cell)
    return plain(cell).strip()


def price(cell: str) -> Decimal:
    """A price in major units, as written. Raises Wrong; how many decimals are right is `minor`'s to say."""
    value = _number_text(cell)
    if _PRICE.fullmatch(value):
        return Decimal(value)
    bare = value.lstrip("-− ")
    if value != bare and _PRICE.fullmatch(bare):
        raise Wrong("negative", f"{shown(value)} is below zero.")
    if "," in value:
        raise Wrong("price_has_comma", f"{shown(value)} has a comma. Write 1299.50 with a point, and no thousands.")
    if any(c in "$€£¥₹₩₽¢" or c.isalpha() for c in value):
        raise Wrong("price_has_currency", f"{shown(value)} names a currency. Write the number alone.")
    raise Wrong("not_a_price", f"{shown(value)} is not a price. Write it as 12.99.")


def minor(value: Decimal, code: str) -> int:
    """Minor units of a price. Raises Wrong for more decimals than the currency has, or an absurd sum."""
    decimals = exponent(code)
    if -int(value.as_tuple().exponent) > decimals:
        allowed = f"at most {decimals} decimals" if decimals else "no decimals"
        raise Wrong("too_many_decimals", f"{value} has too many decimals: prices in {code} have {allowed}.")
    units = int(value.scaleb(decimals))
    if units > LARGEST_PRICE:
        raise Wrong("too_large", f"{value} is more than any price here.")
    return units


def written_price(units: int, code: str) -> str:
    """Minor units as `price` and `minor` read them."""
    decimals = exponent(code)
    return f"{Decimal(units).scaleb(-decimals):.{decimals}f}"


def currency(cell: str) -> str:
    """A currency's code. Raises Wrong for one that the shop does not know."""
    value = text(cell, 20).upper()
    if value not in CURRENCIES:
        raise Wrong("unknown_currency", f"{shown(value)} is no currency the shop knows. Write its ISO code: EUR, USD.")
    return value


def whole(cell: str, low: int, high: int) -> int:
    """A whole number within bounds. Raises Wrong."""
    value = _number_text(cell)
    if not _NUMBER.fullmatch(value):
        raise Wrong("not_a_number", f"{shown(value)} is not a whole number.")
    found = int(value)
    if found < low:
        raise Wrong("negative" if low == 0 else "too_small", f"{found} is below {low}.")
    if found > high:
        raise Wrong("too_large", f"{found} is above {high}.")
    return found


def moment(cell: str) -> datetime:
    """A moment with its zone, or a day, which begins in UTC. Raises Wrong."""
    value = _number_text(cell)
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise Wrong("not_a_time", f"{shown(value)} is no moment. Write it as 2026-03-01T09:00:00Z.") from None
    if found.tzinfo is None:
        if not _DAY.fullmatch(value):
            raise Wrong("time_without_zone", f"{shown(value)} does not say its zone. End it with Z or +01:00.")
        found = found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise Wrong("not_a_time", f"{shown(value)} is out of this calendar.") from None


def written_moment(at: datetime | None) -> str:
    """A moment as `moment` reads it, to the microsecond."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else ""
