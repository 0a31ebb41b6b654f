"""The words a generated catalogue is made of, read from vocabulary.json. Nothing here is random."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Leaf:
    """The lowest category: its nouns, and where its prices lie (median, minor units)."""

    name: str
    nouns: tuple[str, ...]
    median: int


@dataclass(frozen=True)
class Root:
    """A category of the first level with two more below it, and what its products have in common."""

    name: str
    pictures: tuple[str, ...]
    options: tuple[str, ...]
    extra: tuple[tuple[str, tuple[str, ...]], ...]
    branches: tuple[tuple[str, tuple[Leaf, ...]], ...]


_WORDS = json.loads((Path(__file__).parent / "vocabulary.json").read_text(encoding="utf-8"))

COLOURS, SIZES, CAPACITIES, VOLUMES, MATERIALS, ADJECTIVES, BRANDS, SYLLABLES = (
    tuple(_WORDS[name])
    for name in ("colours", "sizes", "capacities", "volumes", "materials", "adjectives", "brands", "syllables")
)

CATALOGUE = tuple(
    Root(
        name=root["name"],
        pictures=tuple(root["pictures"]),
        options=tuple(root["options"]),
        extra=tuple((name, tuple(values)) for name, values in root["extra"].items()),
        branches=tuple(
            (b["name"], tuple(Leaf(leaf["name"], tuple(leaf["nouns"]), leaf["median"]) for leaf in b["leaves"]))
            for b in root["branches"]
        ),
    )
    for root in _WORDS["roots"]
)
