"""Which descriptions name a product, and which are notes of the stock room. Pure."""

from __future__ import annotations

import re

_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+").sub
# What the stock room writes where a name should stand. Products are named in capitals, notes mostly are not.
_NOTE = re.compile(
    r"\b(?:damage[sd]?|broken|smashed|crushed|cracked|faulty|mouldy|wet|rusty|throw|thrown|lost|found|missing|mia"
    r"|wrong(?:ly)?|incorrect(?:ly)?|mixed up|sold|check(?:ed)?|adjust(?:ment)?|barcode|label|samples?|display|stock"
    r"|count(?:ed)?|return(?:ed)?|dotcom|amazon|ebay|given away|test|put aside|error|sets?)\b",
    re.IGNORECASE,
).search
_BARE_NOTES = frozenset({"MIA", "CHECK", "DAMAGES", "DAMAGED", "BROKEN", "LOST", "FOUND", "MISSING", "TEST", "SAMPLE"})


def tidy(text: str) -> str:
    """The text on one line, without control characters or doubled and outer spaces."""
    return _SPACE(" ", text).strip()


def usable(description: str) -> bool:
    """Whether a tidy description names a product: not empty, no `?`, no note such as `damaged`."""
    letters = [c for c in description if c.isalpha()]
    if len(letters) < 3 or description.startswith("?") or description.upper() in _BARE_NOTES:
        return False
    capitals = sum(c.isupper() for c in letters)
    return capitals * 2 > len(letters) or not _NOTE(description)
