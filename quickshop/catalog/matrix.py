"""How a product's options and its variants fit together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def misfit(options: Sequence[Mapping[str, Any]], variants: Iterable[Mapping[str, str]]) -> str | None:
    """What is wrong with these variants' options, in words, or None.

    `options` are [{name, values}]. Where there are any, every variant chooses a value of each, and no two the same.
    """
    if not options:
        return None
    offered = {option["name"]: set(option["values"]) for option in options}
    if len(offered) != len(options):
        return "Two options have the same name."
    chosen = set()
    for variant in variants:
        if variant.keys() != offered.keys():
            return f"Each variant needs a value for: {', '.join(offered)}."
        for name, value in variant.items():
            if value not in offered[name]:
                return f"{value!r} is not one of the values of {name}."
        choice = tuple(sorted(variant.items()))
        if choice in chosen:
            return f"Two variants are {', '.join(variant.values())}."
        chosen.add(choice)
    return None
