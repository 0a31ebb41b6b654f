"""Small catalogues for tests. Needs an active application context."""

import itertools

from quickshop.catalog import service
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.search.filters import ProductQuery
from quickshop.search.queries import list_products

_numbers = itertools.count(1)


def a_category(name=None, parent=None):
    """A category; its id."""
    number = next(_numbers)
    slug = (name or f"category {number}").lower().replace(" ", "-")
    return run_unit(lambda: service.create_category(slug, name or f"Category {number}", parent_id=parent))


def a_product(name=None, *, category=None, prices=(1000,), stock=5, **more):
    """A product with a variant for each price; its id and the variants' ids in order. `stock` is each one's."""
    number = next(_numbers)
    name = name or f"Thing {number}"
    slug = more.pop("slug", f"{name.lower().replace(' ', '-')}-{number}")
    options = more.pop("variant_options", [{}] * len(prices))
    new = service.NewProduct(
        slug=slug,
        name=name,
        description=more.pop("description", ""),
        category_id=category or a_category(),
        currency="USD",
        variants=[
            service.NewVariant(f"T-{number}-{i}", price, option)
            for i, (price, option) in enumerate(zip(prices, options, strict=True))
        ],
        **more,
    )

    def make():
        made, ids = service.create_product(new)
        if stock:
            inventory.receive(dict.fromkeys(ids.values(), stock))
        return made, list(ids.values())

    return run_unit(make)


def found(**query):
    """The names that a list shows, in order."""
    return [item["name"] for item in list_products(ProductQuery(**query))["items"]]


def card_of(product_id):
    """The list item of a product, or None where it is not on show."""
    items = list_products(ProductQuery(limit=100))["items"]
    return next((item for item in items if item["id"] == str(product_id)), None)


def let_time_pass(product_id, days):
    """Let what was arranged for this product have been arranged `days` earlier."""
    moved = "make_interval(days => :days)"

    def move():
        db.run(
            f"UPDATE variants SET sale_from = sale_from - {moved}, sale_until = sale_until - {moved}"
            " WHERE product_id = :id",
            id=product_id,
            days=days,
        )
        db.run(
            f"UPDATE products SET published_at = published_at - {moved}, withdrawn_at = withdrawn_at - {moved},"
            f" next_change_at = next_change_at - {moved} WHERE id = :id",
            id=product_id,
            days=days,
        )

    run_unit(move)
