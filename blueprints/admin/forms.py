"""What staff type into forms, as the values that the core takes; the same limits as the API's. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from quickshop.kernel.errors import Invalid
from quickshop.kernel.money import exponent

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*").fullmatch
_WHOLE = re.compile(r"-?[0-9]{1,10}").fullmatch
LARGEST_AMOUNT = 10**15


class Typed:
    """The fields of a form by name. Each method raises Invalid, in words, for what its field cannot be."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self._form = form

    def _raw(self, name: str) -> str:
        return (self._form.get(name) or "").strip()

    def text(self, name: str, label: str, most: int, *, needed: bool = True) -> str:
        """A text of at most so many characters."""
        value = self._raw(name).replace("\r\n", "\n")
        if needed and not value:
            raise _wrong(name, f"{label} is missing.")
        if len(value) > most or _CONTROL(value):
            raise _wrong(name, f"{label} may have {most} characters, and none that cannot be printed.")
        return value

    def slug(self, name: str = "slug") -> str:
        """The last part of an address."""
        value = self.text(name, "The address", 100)
        if not _SLUG(value):
            raise _wrong(name, "An address has lower-case letters, digits and single hyphens.")
        return value

    def whole(self, name: str, label: str, low: int, high: int) -> int | None:
        """A whole number within bounds, or None where nothing is typed."""
        value = self._raw(name)
        if not value:
            return None
        if not _WHOLE(value) or not low <= int(value) <= high:
            raise _wrong(name, f"{label} must be a whole number from {low:,} to {high:,}.")
        return int(value)

    def amount(self, name: str, label: str, currency: str) -> int | None:
        """Minor units of an amount such as "19.99", or None where nothing is typed."""
        value = self._raw(name)
        if not value:
            return None
        places = exponent(currency)
        try:
            minor = Decimal(value).scaleb(places)
        except InvalidOperation:
            minor = Decimal("NaN")
        if not minor.is_finite() or minor != minor.to_integral_value() or not 0 <= minor <= LARGEST_AMOUNT:
            raise _wrong(name, f"{label} must be an amount in {currency} such as {'19.99' if places else '1999'}.")
        return int(minor)

    def moment(self, name: str, label: str) -> datetime | None:
        """A time in UTC as a browser sends it, or None where nothing is typed."""
        value = self._raw(name)
        if not value:
            return None
        try:
            at = datetime.fromisoformat(value)
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise _wrong(name, f"{label} must be a time such as 2027-05-31T18:00.") from None

    def id(self, name: str, label: str) -> UUID | None:
        """The id of a thing that was chosen, or None for none."""
        value = self._raw(name)
        try:
            return UUID(value) if value else None
        except ValueError:
            raise _wrong(name, f"{label} does not exist.") from None

    def pairs(self, name: str, label: str, most: int = 60) -> dict[str, str]:
        """Lines such as "material: wool", by the word before the colon."""
        found: dict[str, str] = {}
        for line in self.text(name, label, 20_000, needed=False).split("\n"):
            key, colon, value = (part.strip() for part in line.partition(":"))
            if not line.strip():
                continue
            if not colon or not key or not value or len(key) > 60 or len(value) > 300 or key in found:
                raise _wrong(name, f"{label}: write each once, on a line of its own, as in “material: wool”.")
            found[key] = value
        if len(found) > most:
            raise _wrong(name, f"{label}: {most} at most.")
        return found

    def options(self, name: str) -> list[dict[str, Any]]:
        """Lines such as "size: S, M, L" as [{name, values}]."""
        found = []
        for key, listed in self.pairs(name, "Options", 6).items():
            values = list(dict.fromkeys(v.strip() for v in listed.split(",") if v.strip()))
            found.append({"name": key, "values": values})
        return found

    def lines(self, name: str, label: str, most: int) -> list[str]:
        """One thing a line."""
        found = [line.strip() for line in self.text(name, label, 20_000, needed=False).split("\n") if line.strip()]
        if len(found) > most:
            raise _wrong(name, f"{label}: {most} at most.")
        return found

    def versions(self) -> frozenset[str] | None:
        """The version that the form was made of."""
        value = self._raw("version")
        return frozenset({value}) if value else None


def _wrong(name: str, sentence: str) -> Invalid:
    return Invalid({name: [sentence]})
