"""Who the shop is, as its invoices say: what staff may set of it, and how invoices are numbered. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from quickshop.kernel.errors import Invalid

# How long each may be, and in how many lines.
TEXTS = {
    "name": (80, 1),
    "legal_name": (120, 1),
    "address": (300, 6),
    "tax_id": (40, 1),
    "registration": (80, 1),
    "email": (254, 1),
    "phone": (40, 1),
    "website": (120, 1),
    "bank": (200, 4),
    "note": (400, 4),
}
PREFIXES = ("invoice_prefix", "credit_prefix")
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(TEXTS, ""),
    "name": "QuickShop",
    "invoice_prefix": "INV",
    "credit_prefix": "CN",
    "logo": None,
}

_PREFIX = re.compile(r"[A-Z0-9]{1,8}").fullmatch
_DIGEST = re.compile(r"[0-9a-f]{64}").fullmatch


def check_details(value: Mapping[str, Any]) -> dict[str, Any]:
    """The shop's details, whole; what is not given is empty, or as the program came with it. Raises Invalid."""
    errors: dict[str, list[str]] = {name: ["Unknown field."] for name in value.keys() - DEFAULTS.keys()}
    found = {**DEFAULTS, **{name: value[name] for name in value if name in DEFAULTS}}
    for name, (longest, lines) in TEXTS.items():
        found[name] = _text(errors, name, found[name], longest, lines)
    if not found["name"]:
        errors["name"] = ["What is the shop called?"]
    for name in PREFIXES:
        if not isinstance(found[name], str) or not _PREFIX(found[name]):
            errors[name] = ["One to eight capital letters and digits."]
    if found["invoice_prefix"] == found["credit_prefix"]:
        errors.setdefault("credit_prefix", ["Invoices and credit notes are numbered apart."])
    if found["logo"] is not None and not (isinstance(found["logo"], str) and _DIGEST(found["logo"])):
        errors["logo"] = ["The digest of a logo that was uploaded, or null."]
    if errors:
        raise Invalid(errors)
    return found


def _text(errors: dict[str, list[str]], name: str, value: Any, longest: int, most_lines: int) -> str:
    if not isinstance(value, str):
        errors[name] = ["A text."]
        return ""
    lines = [line.strip() for line in value.strip().splitlines()]
    text = "\n".join(lines)
    if len(text) > longest or len(lines) > most_lines or not all(line.isprintable() for line in lines):
        errors[name] = [f"At most {longest} characters in {most_lines} lines." if most_lines > 1 else
                        f"At most {longest} characters in one line."]  # fmt: skip
    return text
