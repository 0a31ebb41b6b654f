"""Making one product of a generated catalogue from the seed and its number. Pure: the same in, the same out."""

from __future__ import annotations

import random
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from quickshop.demo.catalogue import CURRENCY, PICTURES, SHOWN_WIDTH, WIDTHS
from quickshop.demo.generate import vocabulary
from quickshop.demo.generate.vocabulary import CATALOGUE, Leaf, Root

# Times are told from here, so that they are the same whenever the catalogue is made.
EPOCH = datetime(2026, 10, 1, tzinfo=UTC)
OLDEST_DAYS = 1100
_OPTIONS = {
    "colour": vocabulary.COLOURS,
    "size": vocabulary.SIZES,
    "capacity": vocabulary.CAPACITIES,
    "volume": vocabulary.VOLUMES,
}
_PLACES = [(root, branch, leaf) for root in CATALOGUE for branch, leaves in root.branches for leaf in leaves]
_PLACE_WEIGHTS = [1 / (1 + i % 7) for i in range(len(_PLACES))]
_BRAND_WEIGHTS = [1 / (1 + i) for i in range(len(vocabulary.BRANDS))]


@dataclass(frozen=True)
class MadeVariant:
    """A variant with its stock; prices in minor units."""

    id: UUID
    sku: str
    options: dict[str, str]
    price_minor: int
    compare_at_minor: int | None
    sale_price_minor: int | None
    sale_from: datetime | None
    sale_until: datetime | None
    weight_grams: int
    stock: int


@dataclass(frozen=True)
class MadeProduct:
    """A product as it is written."""

    id: UUID
    slug: str
    name: str
    description: str
    category: str
    attributes: dict[str, str]
    options: list[dict[str, Any]]
    image: dict[str, Any]
    rating_average: float
    rating_count: int
    sold_count: int
    published_at: datetime
    variants: list[MadeVariant] = field(default_factory=list)


def slug_of(text: str) -> str:
    """A name as an address: plain lower-case letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", text.replace("ø", "o").replace("Ø", "O")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower().replace("'", "")).strip("-")


def leaf_slug(leaf: Leaf) -> str:
    """The slug of the category that a leaf stands for."""
    return f"all-{slug_of(leaf.name)}"


def _id(rng: random.Random, at: datetime) -> UUID:
    """A time-ordered id, as the shop makes them, but from the seed."""
    number = (int(at.timestamp() * 1000) << 80) | rng.getrandbits(80)
    return UUID(int=number & ~(0xF << 76) & ~(0b11 << 62) | (7 << 76) | (0b10 << 62))


def make_product(seed: int, number: int) -> MadeProduct:
    """Product `number` of the catalogue of `seed`."""
    rng = random.Random(f"{seed}:{number}")
    root, _, leaf = rng.choices(_PLACES, _PLACE_WEIGHTS)[0]
    brand = rng.choices(vocabulary.BRANDS, _BRAND_WEIGHTS)[0]
    series = "".join(rng.choices(vocabulary.SYLLABLES, k=rng.randint(2, 3))).capitalize()
    adjective, noun = rng.choice(vocabulary.ADJECTIVES), rng.choice(leaf.nouns)
    material = rng.choice(vocabulary.MATERIALS)
    published = EPOCH - timedelta(seconds=rng.random() * OLDEST_DAYS * 86400)
    name = f"{series} {adjective} {noun}"
    rated = rng.random() < 0.7
    attributes = {"brand": brand, "material": material} | {n: rng.choice(values) for n, values in root.extra}
    options = _choices(rng, root)
    product = MadeProduct(
        id=_id(rng, published),
        slug=f"{slug_of(name)}-{seed}-{number}",
        name=name,
        description=_description(rng, name, brand, material, leaf, adjective),
        category=leaf_slug(leaf),
        attributes=attributes,
        options=[{"name": n, "values": list(values)} for n, values in options.items()],
        image=_image(rng.choice(root.pictures), noun),
        rating_average=round(min(5.0, max(1.0, rng.gauss(4.1, 0.6))), 2) if rated else 0.0,
        rating_count=int(rng.paretovariate(0.9)) if rated else 0,
        sold_count=int(min(rng.paretovariate(0.8), 5e5)) - 1,
        published_at=published,
    )
    product.variants.extend(_variants(rng, product, options, leaf, f"{brand[:3]}-{series[:4]}", seed, number))
    return product


def _choices(rng: random.Random, root: Root) -> dict[str, list[str]]:
    """Which values of which options it comes in: 1 to 12 variants, mostly few."""
    if rng.random() < 0.3:
        return {}
    wanted = root.options[:1] if rng.random() < 0.5 else root.options
    found = {}
    for name in wanted:
        offered = _OPTIONS[name]
        taken = set(
            rng.sample(
                offered, rng.randint(1, min(len(offered), 6 if len(wanted) == 1 else 4 if name == "colour" else 3))
            )
        )
        found[name] = [value for value in offered if value in taken]
    return found


def _variants(
    rng: random.Random,
    product: MadeProduct,
    options: dict[str, list[str]],
    leaf: Leaf,
    code: str,
    seed: int,
    number: int,
) -> list[MadeVariant]:
    combinations: list[dict[str, str]] = [{}]
    for name, values in options.items():
        combinations = [{**c, name: v} for c in combinations for v in values]
    price = max(99, int(leaf.median * rng.lognormvariate(0, 0.55)) // 100 * 100 + rng.choice((99, 95, 50, 0)))
    sold_out, weight = rng.random() < 0.08, rng.randint(20, 9000)
    sale = _sale(rng, price)
    former = int(price * rng.uniform(1.1, 1.8)) if rng.random() < 0.06 else None
    prefix = slug_of(code).upper()
    return [
        MadeVariant(
            id=_id(rng, product.published_at),
            sku=f"{prefix}-{seed}{number:06d}" + (f"-{i + 1:02d}" if combination else ""),
            options=combination,
            price_minor=price + 500 * (i % 3 == 2),
            compare_at_minor=former + 500 if former else None,
            sale_price_minor=sale[0],
            sale_from=sale[1],
            sale_until=sale[2],
            weight_grams=weight,
            stock=0 if sold_out or rng.random() < 0.12 else int(rng.paretovariate(0.7)) % 500 + 1,
        )
        for i, combination in enumerate(combinations[:12])
    ]


def _sale(rng: random.Random, price: int) -> tuple[int | None, datetime | None, datetime | None]:
    """One in eight has a sale: most run on, some are over, some are still to come."""
    if rng.random() >= 0.12:
        return None, None, None
    lower, kind = max(1, int(price * rng.uniform(0.5, 0.9))), rng.random()
    if kind < 0.7:
        return lower, EPOCH - timedelta(days=rng.randint(1, 60)), None
    if kind < 0.85:
        return lower, EPOCH - timedelta(days=60), EPOCH - timedelta(days=30)
    return lower, EPOCH + timedelta(days=3650), None


def _image(picture: str, noun: str) -> dict[str, Any]:
    return {
        "src": f"{PICTURES}/{picture}-{SHOWN_WIDTH}.webp",
        "srcset": ", ".join(f"{PICTURES}/{picture}-{w}.webp {w}w" for w in WIDTHS),
        "alt": noun,
        "width": SHOWN_WIDTH,
        "height": SHOWN_WIDTH,
        "tint": f"tint-{len(picture) % 8}",
    }


_OPENINGS = (
    "{name} is made for people who use things every day.",
    "A {adjective} piece by {brand}, at home wherever it is put.",
    "{brand} makes this in small numbers, and takes its time.",
    "Made of {material}, with the patience it needs.",
)
_MIDDLES = (
    "The edges are finished by hand and nothing rattles.",
    "It packs flat, weighs little and is quickly cleaned with a damp cloth.",
    "Spare parts are kept for ten years, so that it need not be thrown away.",
    "It was tried for a winter by eleven families before it was sold to anybody.",
    "The surface grows more beautiful with use and forgives a scratch.",
)
_CLOSINGS = ("A fine present.", "Delivered in a plain cardboard box.", "Goes well with what you already have.")


def _description(rng: random.Random, name: str, brand: str, material: str, leaf: Leaf, adjective: str) -> str:
    said = {
        "name": name,
        "brand": brand.replace("&", "&amp;"),
        "material": material.lower(),
        "adjective": adjective.lower(),
    }
    first = rng.choice(_OPENINGS).format(**said)
    middle = " ".join(rng.sample(_MIDDLES, rng.randint(1, 3)))
    return f"<p>{first} {middle}</p><p>{rng.choice(_CLOSINGS)}</p>"


__all__ = ["CURRENCY", "MadeProduct", "MadeVariant", "leaf_slug", "make_product", "slug_of"]
