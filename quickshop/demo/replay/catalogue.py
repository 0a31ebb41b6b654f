"""The catalogue of a file: each product's name, price and the stock that all of its sales need. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from quickshop.demo.replay.reading import CURRENCY, Line, Reading
from quickshop.kernel.money import from_major

_LONGEST_NAME = 200


@dataclass(frozen=True)
class Product:
    """A product to sell. `price_minor` in pence; `units` is all that the file sells of it."""

    code: str
    name: str
    price_minor: int
    units: int

    @property
    def slug(self) -> str:
        """Its place in the shop; the code alone decides it, so that other files find it again."""
        return f"{SLUG_PREFIX}{self.code.lower()}"


SLUG_PREFIX = "retail-"


def catalogue(reading: Reading) -> dict[str, Product]:
    """Every product that is sold, by code, in the order of first sale.

    The name is the most frequent usable description (of several, the one that comes first), the price the median
    of the sold lines' prices; a median of half a penny rounds up, as everywhere in the shop.
    """
    sold: dict[str, list[Line]] = {}
    for line in reading.sales:
        sold.setdefault(line.code, []).append(line)
    return {code: _product(code, lines, reading.names[code]) for code, lines in sold.items()}


def _product(code: str, lines: Sequence[Line], names: Mapping[str, int]) -> Product:
    return Product(
        code=code,
        name=max(names, key=lambda name: names[name])[:_LONGEST_NAME],
        price_minor=median_minor(line.price for line in lines),
        units=sum(line.quantity for line in lines),
    )


def median_minor(prices: Iterable[Decimal]) -> int:
    """The median of prices in major units, in pence."""
    return from_major(median(prices), CURRENCY)
