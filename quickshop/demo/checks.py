"""The rules that an entry of the demo catalogue's files keeps. Pure: it sees parsed JSON only."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

TINTS = frozenset(f"tint-{n}" for n in range(8))
TAGS = frozenset({"p", "ul", "li", "strong", "em"})  # what a description may use
MOST_STOCK = 400
MOST_VARIANTS = 6

_TEXTS = ("slug", "name", "category", "picture", "alt", "tint", "description")
_PRODUCT_KEYS = frozenset({*_TEXTS, "attributes", "options", "tags", "variants"})
_VARIANT_KEYS = frozenset({"sku", "options", "price_minor", "stock", "weight_grams"})
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SKU = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)+")


class CatalogueError(Exception):
    """An entry of the demo catalogue breaks a rule; the message says which."""


def check_product(raw: dict[str, Any], categories: set[str]) -> None:
    """Check one product with its variants; `categories` are the slugs it may be in. Raises CatalogueError."""
    _require(raw.keys() == _PRODUCT_KEYS, f"has keys other than {', '.join(sorted(_PRODUCT_KEYS))}")
    _require(all(isinstance(raw[key], str) and raw[key].strip() for key in _TEXTS), "has an empty text")
    for key in ("slug", "picture"):
        _require(_SLUG.fullmatch(raw[key]) is not None, f"has no proper {key}: {raw[key]!r}")
    _require(raw["category"] in categories, f"is in {raw['category']!r}, which this file does not have")
    _require(raw["tint"] in TINTS, f"has the unknown tint {raw['tint']!r}")
    _require(_is_text_map(raw["attributes"]), "has attributes that are not texts")
    _require(bool(raw["tags"]) and all(_SLUG.fullmatch(tag) for tag in raw["tags"]), "has no proper tags")
    check_description(raw["description"])
    _check_variants(raw["options"], raw["variants"])


def check_description(text: str) -> None:
    """Refuse HTML other than the few allowed tags, without attributes and properly closed."""
    checker = _DescriptionChecker()
    checker.feed(text)
    checker.close()
    _require(not checker.open, f"leaves <{''.join(checker.open[-1:])}> open")


def _check_variants(options: list[dict[str, Any]], variants: list[dict[str, Any]]) -> None:
    _require(1 <= len(variants) <= MOST_VARIANTS, f"has {len(variants)} variants")
    choices = {option["name"]: set(option["values"]) for option in options}
    for variant in variants:
        _check_variant(variant)
        _require(variant["options"].keys() == choices.keys(), f"{variant['sku']} does not choose every option")
        _require(all(variant["options"][name] in choices[name] for name in choices), f"{variant['sku']} is no choice")
    combinations = {tuple(sorted(variant["options"].items())) for variant in variants}
    _require(len(combinations) == len(variants), "has two variants with the same options")


def _check_variant(raw: dict[str, Any]) -> None:
    _require(raw.keys() - {"compare_at_minor"} == _VARIANT_KEYS, "has a variant with other keys")
    sku = raw["sku"]
    _require(_SKU.fullmatch(sku) is not None, f"has no proper SKU: {sku!r}")
    _require(_is_text_map(raw["options"]), f"{sku} has options that are not texts")
    _require(_is_count(raw["price_minor"]) and raw["price_minor"] > 0, f"{sku} has no price in minor units")
    _require(_is_count(raw["weight_grams"]) and raw["weight_grams"] > 0, f"{sku} has no weight")
    _require(_is_count(raw["stock"]) and raw["stock"] <= MOST_STOCK, f"{sku} has no stock of 0 to {MOST_STOCK}")
    if "compare_at_minor" in raw:
        former = raw["compare_at_minor"]
        _require(_is_count(former) and former > raw["price_minor"], f"{sku} was not dearer before")


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0  # a bool is an int to isinstance


def _is_text_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) and text for text in value.values())


def _require(true: bool, otherwise: str) -> None:
    if not true:
        raise CatalogueError(otherwise)


class _DescriptionChecker(HTMLParser):
    """Keeps the stack of open tags and refuses whatever is not plain, nested and allowed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        _require(tag in TAGS and not attrs, f"has <{tag}> with or without attributes, which is not allowed")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        _require(self.open[-1:] == [tag], f"closes <{tag}> where it is not open")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        _require(bool(self.open) or not data.strip(), "has text outside a paragraph or list")

    def handle_comment(self, data: str) -> None:
        raise CatalogueError(f"has a comment: {data!r}")
