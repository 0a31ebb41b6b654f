"""What the demo shop offers: a few promotions of every kind, and prices in the other currencies that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from quickshop.catalog.foreign_prices import PriceIn, set_prices_in
from quickshop.demo.catalogue import CURRENCY
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.money import exponent
from quickshop.promotions.managing import Setting, add_code, list_promotions, make

# What a unit of CURRENCY is worth, about; prices are rounded to half a unit, as a shop would set them.
WORTH = {"EUR": 0.92, "GBP": 0.78}


def seed_prices() -> None:
    """Price every variant in the other currencies that the shop takes, where nothing is priced in one yet."""
    wanted = [code for code in settings().other_currencies if code in WORTH and exponent(code) == exponent(CURRENCY)]
    if not wanted or db.scalar("SELECT EXISTS (SELECT FROM variant_prices)"):
        return
    variants = db.rows("SELECT id, price_minor, compare_at_minor FROM variants WHERE currency = :code", code=CURRENCY)
    set_prices_in(
        [
            PriceIn(v.id, code, _worth(v.price_minor, code), v.compare_at_minor and _worth(v.compare_at_minor, code))
            for v in variants
            for code in wanted
        ]
    )


def _worth(minor: int, code: str) -> int:
    return max(50, round(minor * WORTH[code] / 50) * 50)


def seed_promotions(categories: Mapping[str, UUID]) -> None:
    """Make the promotions, where there are none yet. `categories` are ids by slug."""
    if list_promotions(limit=1)["items"]:
        return
    for setting, code in _promotions(categories):
        made = make(setting)
        if code:
            add_code(made, code)


def _promotions(categories: Mapping[str, UUID]) -> list[tuple[Setting, str | None]]:
    food = (categories["food-drink"],)
    return [
        (
            Setting(
                "Three for two on food", "3 for 2 on food and drink", "buy_x_get_y",
                automatic=True, rate=10_000, buy=2, get=1, category_ids=food, priority=1,
            ),
            None,
        ),
        (
            Setting(
                "Welcome", "10% off your first order", "percent",
                rate=1000, first_order=True, person_limit=1, priority=2,
            ),
            "WELCOME10",
        ),
        (
            Setting(
                "Five off", "5 off", "fixed",
                amounts={"USD": 500, "EUR": 450, "GBP": 400}, minimums={"USD": 4000, "EUR": 3500, "GBP": 3000},
                priority=3,
            ),
            "TAKE5",
        ),
        (
            Setting(
                "More for more", "More off for more", "tiered",
                tiers=(
                    {"rate": 500, "from": {"USD": 10_000, "EUR": 9000, "GBP": 8000}},
                    {"rate": 1000, "from": {"USD": 20_000, "EUR": 18_000, "GBP": 16_000}},
                ),
                exclusive=True, priority=4,
            ),
            "MORE",
        ),
        (
            Setting(
                "Free delivery", "Free delivery", "free_shipping",
                minimums={"USD": 3000, "EUR": 2800, "GBP": 2400}, priority=5,
            ),
            "SHIPFREE",
        ),
        (
            Setting("Students", "20% off for students", "percent", rate=2000, segments=("students",), priority=6),
            "STUDENT20",
        ),
    ]  # fmt: skip
