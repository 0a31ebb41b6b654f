"""What the words of a search mean: as they stand, as beginnings or parts of known words, or as misspelt ones. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SHORTEST_BEGINNING = 3  # letters from which a word also stands for what begins with it
LONG_WORD = 8  # letters from which two mistakes are forgiven
SNIPPET = 160

_ACCENTED = "àáâãäåāăąçćĉċčďđèéêëēĕėęěĝğġģĥħìíîïĩīĭįıĵķĺļľŀłñńņňòóôõöøōŏőŕŗřśŝşšţťŧùúûüũūŭůűųŵýÿŷźżžß"
_PLAIN = "aaaaaaaaacccccddeeeeeeeeegggghhiiiiiiiiijklllllnnnnooooooooorrrsssstttuuuuuuuuuuwyyyzzzs"
_FOLD = str.maketrans(_ACCENTED, _PLAIN)


@dataclass(frozen=True)
class Understood:
    """A search as PostgreSQL takes it, and what to mark in what was found. `query` is blank where nothing can match.

    `exact` is what has the words as they stand, not only beginnings or parts.
    """

    query: str
    exact: str
    marks: tuple[str, ...]
    corrected: str | None = None


def distance(a: str, b: str) -> int:
    """How many mistakes lie between two words: letters added, left out, exchanged, or two of them swapped."""
    if abs(len(a) - len(b)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def nearest(word: str, candidates: Sequence[str]) -> list[str]:
    """Of the candidates those that the word most likely was meant to be; empty where none is near enough."""
    allowed = 2 if len(word) >= LONG_WORD else 1
    rated = [(distance(word, c), c) for c in candidates]
    best = min((d for d, _ in rated), default=allowed + 1)
    return [c for d, c in rated if d == best] if best <= allowed else []


def _lexeme(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _any(lexemes: Sequence[str]) -> str:
    return "(" + " | ".join(dict.fromkeys(lexemes)) + ")"


_WRITTEN = re.compile(r"('(?:[^']|'')*')(:\*)?")


def in_titles(query: str) -> str:
    """A search that was understood, for titles and codes only."""
    return _WRITTEN.sub(lambda m: f"{m[1]}:{'*' if m[2] else ''}A", query)


def understand(found: Sequence[Mapping[str, Any]], *, typing: bool = False) -> Understood:
    """The search for words as they were looked up: {word, stem, known, used, parts, near}, in order.

    `stem` None is a word that says nothing ("the"). Words that nothing has are left out while others are found.
    `typing`: the last word is a beginning, however short.
    """
    telling = [w for w in found if w["stem"] is not None] or list(found)
    groups, exacts, marks, spelt = list[str](), list[str](), list[str](), list[str]()
    corrected = False
    for entry in telling:
        word, parts = entry["word"], entry["parts"] or []
        going_on = typing and entry is telling[-1]
        exact = [_lexeme(word)] + ([_lexeme(entry["stem"])] if entry["stem"] else [])
        begins = [_lexeme(word) + ":*"] if going_on or len(word) >= SHORTEST_BEGINNING else []
        meant = [] if entry["known"] or parts or entry["used"] else nearest(word, entry["near"] or [])
        if meant:
            corrected = True
            groups.append(_any([_lexeme(m) for m in meant]))
            exacts.append(groups[-1])
            marks += meant
            spelt.append(meant[0])
        elif going_on or entry["known"] or parts or entry["used"]:
            within = [_lexeme(p) for p in parts if not (begins and p.startswith(word))]
            groups.append(_any(exact + begins + within))
            exacts.append(_any(exact))
            marks += [word, entry["stem"] or word]
            spelt.append(word)
    joined, exactly = " & ".join(groups), " & ".join(exacts)
    return Understood(joined, exactly, tuple(dict.fromkeys(marks)), " ".join(spelt) if corrected else None)


# --- showing what was found ----------------------------------------------------------------------------


def _fold(text: str) -> str:
    lowered = text.lower()
    return (lowered if len(lowered) == len(text) else text).translate(_FOLD)


def pattern(marks: Sequence[str]) -> re.Pattern[str]:
    """Where the marks stand in folded text: a whole word from its beginning, a part as it is."""
    return re.compile("|".join(re.escape(m) for m in sorted(marks, key=len, reverse=True)) or r"(?!)")


def marked(text: str, where: re.Pattern[str], *, escape: bool) -> str:
    """The text as HTML with `<mark>` around what was found; `escape` for what is not HTML yet."""
    said = html.escape if escape else str
    parts, at = [], 0
    for match in where.finditer(_fold(text)):
        start, end = match.span()
        parts += [said(text[at:start]), "<mark>", said(text[start:end]), "</mark>"]
        at = end
    parts.append(said(text[at:]))
    return "".join(parts)


def snippet(body: str, where: re.Pattern[str]) -> str | None:
    """A piece of a description (HTML without tags) around what was found in it; None where nothing was."""
    plain = " ".join(body.split())
    first = where.search(_fold(plain))
    if first is None:
        return None
    start = max(0, first.start() - SNIPPET // 3)
    if start:
        start = plain.find(" ", start) + 1
    end = plain.rfind(" ", start, start + SNIPPET) if len(plain) > start + SNIPPET else len(plain)
    piece = marked(plain[start : max(end, first.end())], where, escape=False)
    return ("…" if start else "") + piece + ("…" if end < len(plain) else "")
