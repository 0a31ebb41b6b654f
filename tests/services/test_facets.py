"""Facets against a count by hand, over random catalogues and filters; and the list that belongs to them."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quickshop.catalog.foreign_prices import set_price_in
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.search import queries
from quickshop.search.filters import ProductQuery
from tests.factories.catalog import a_category, a_product

CATEGORIES = ("Top A", "Middle A", "Low A", "Top B")
ABOVE = {"Top A": None, "Middle A": "Top A", "Low A": "Middle A", "Top B": None}
COLOURS, MATERIALS = ("Red", "Blue"), ("Oak", "Ash", "Elm")
EDGES = (0, 1000, 2500, 5000, 10000, 25000, 50000, 100000)


things = st.lists(
    st.fixed_dictionaries(
        {
            "word": st.sampled_from(("lamp", "chair")),
            "category": st.sampled_from(CATEGORIES),
            "price": st.sampled_from((500, 999, 1000, 2600, 120_000)),
            "abroad": st.none() | st.sampled_from((400, 1000, 3000)),
            "rating": st.sampled_from((0, 250, 400, 475)),
            "stock": st.booleans(),
            "colour": st.none() | st.sampled_from(COLOURS),
            "material": st.none() | st.sampled_from(MATERIALS),
        }
    ),
    max_size=7,
)
filters = st.fixed_dictionaries(
    {
        "q": st.sampled_from((None, None, "lamp")),
        "currency": st.sampled_from((None, "USD", "EUR")),
        "category": st.lists(st.sampled_from(CATEGORIES), max_size=2, unique=True),
        "price": st.sampled_from(((None, None), (900, None), (None, 1000), (900, 3000))),
        "rating": st.sampled_from((None, None, 4.0, 2.5)),
        "stock": st.sampled_from((None, None, True, False)),
        "colour": st.lists(st.sampled_from(COLOURS), max_size=2, unique=True),
        "material": st.lists(st.sampled_from(MATERIALS), max_size=2, unique=True),
    }
)


def path(category):
    while category:
        yield category
        category = ABOVE[category]


def slug(category):
    return category.lower().replace(" ", "-")


def make(catalogue):
    """Write the catalogue; earlier ones are gone."""
    run_unit(
        lambda: [
            db.run(f"DELETE FROM {t}")
            for t in ("stock_movements", "stock_items", "price_changes", "variants", "products", "categories")
        ]
    )
    ids = {}
    for name in CATEGORIES:
        ids[name] = a_category(name, ids.get(ABOVE[name]))
    for thing in catalogue:
        product, variants = a_product(
            f"Some {thing['word']}",
            category=ids[thing["category"]],
            prices=(thing["price"],),
            stock=int(thing["stock"]),
            attributes={"material": thing["material"]} if thing["material"] else {},
            variant_options=[{"colour": thing["colour"]} if thing["colour"] else {}],
        )
        run_unit(
            lambda p=product, t=thing: db.run(
                "UPDATE products SET rating_average = CAST(:r AS numeric) / 100, rating_count = 1 WHERE id = :id",
                r=t["rating"],
                id=p,
            )
        )
        if thing["abroad"]:
            run_unit(lambda v=variants[0], t=thing: set_price_in(v, "EUR", t["abroad"]))


def on_sale(catalogue, currency):
    """What is sold in a currency, at its price in it."""
    if currency != "EUR":
        return catalogue
    return [{**thing, "price": thing["abroad"]} for thing in catalogue if thing["abroad"]]


def passes(thing, asked, without=None):
    """Whether a thing meets all filters, but for one of them."""
    low, high = asked["price"]
    tests = {
        "q": asked["q"] in (None, thing["word"]),
        "category": not asked["category"] or bool(set(path(thing["category"])) & set(asked["category"])),
        "price": (low is None or thing["price"] >= low) and (high is None or thing["price"] <= high),
        "rating": asked["rating"] is None or thing["rating"] >= asked["rating"] * 100,
        "stock": asked["stock"] is None or thing["stock"] == asked["stock"],
        "colour": not asked["colour"] or thing["colour"] in asked["colour"],
        "material": not asked["material"] or thing["material"] in asked["material"],
    }
    return all(met for name, met in tests.items() if name != without)


def expected(catalogue, asked):
    def left(without):
        return [thing for thing in catalogue if passes(thing, asked, without)]

    in_categories = Counter(c for thing in left("category") for c in path(thing["category"]))
    opened = {above for chosen in asked["category"] for above in path(chosen)}
    prices = [thing["price"] for thing in left("price")]
    buckets = Counter(max(edge for edge in EDGES if edge <= price) for price in prices)
    return {
        "category": {slug(c): n for c, n in in_categories.items() if ABOVE[c] is None or ABOVE[c] in opened},
        "price": (min(prices, default=None), max(prices, default=None), dict(buckets)),
        "rating": {stars: sum(t["rating"] >= stars * 100 for t in left("rating")) for stars in (4, 3, 2, 1)},
        "in_stock": {value: sum(t["stock"] == value for t in left("stock")) for value in (True, False)},
        "colour": dict(Counter(t["colour"] for t in left("colour") if t["colour"])),
        "material": dict(Counter(t["material"] for t in left("material") if t["material"])),
    }


def amount(money):
    return money and money["amount"]


def counted(facets):
    def plain(entries):
        return {entry["value"]: entry["count"] for entry in entries}

    price = facets["price"]
    return {
        "category": plain(facets["category"]),
        "price": (
            amount(price["min"]),
            amount(price["max"]),
            {amount(bucket["min"]): bucket["count"] for bucket in price["buckets"]},
        ),
        "rating": plain(facets["rating"]),
        "in_stock": plain(facets["in_stock"]),
        "colour": plain(facets["attributes"].get("colour", [])),
        "material": plain(facets["attributes"].get("material", [])),
    }


def query_of(asked, **more):
    low, high = asked["price"]
    attributes = {name: asked[name] for name in ("colour", "material") if asked[name]}
    return ProductQuery(
        q=asked["q"],
        category=[slug(c) for c in asked["category"]],
        min_price=low,
        max_price=high,
        min_rating=asked["rating"],
        in_stock=asked["stock"],
        attributes=attributes,
        currency=asked["currency"],
        **more,
    )


@given(catalogue=things, questions=st.lists(filters, min_size=3, max_size=6))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_facets_and_lists_are_what_counting_by_hand_gives(core, euros_too, catalogue, questions):
    make(catalogue)
    for asked in questions:
        sold = on_sale(catalogue, asked["currency"])
        matching = sum(passes(thing, asked) for thing in sold)
        with_facets = queries.list_products(query_of(asked, facets=True))
        without = queries.list_products(query_of(asked))
        assert with_facets["total"] == without["total"] == {"count": matching, "exact": True}
        assert len(without["items"]) == matching
        if asked["q"] is None or any(thing["word"] == "lamp" for thing in catalogue):
            assert [i["id"] for i in with_facets["items"]] == [i["id"] for i in without["items"]]
            assert counted(with_facets["facets"]) == expected(sold, asked)
            assert {i["price"]["currency"] for i in without["items"]} <= {asked["currency"] or "USD"}
        else:
            assert with_facets["items"] == []


@pytest.mark.parametrize("sort", ["newest", "price", "-price", "rating", "popular"])
@pytest.mark.parametrize("facets", [False, True])
def test_pages_go_on_where_the_last_one_ended_whatever_came_or_went(core, sort, facets):
    products = [a_product(prices=(100 * (i % 3 + 1),))[0] for i in range(9)]
    seen, cursor = [], None
    for turn in range(9):
        # What is seen first without facets goes on with them, and the other way round.
        page = queries.list_products(ProductQuery(sort=sort, limit=2, cursor=cursor, facets=facets == (turn % 2 == 0)))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if turn == 0:
            a_product(prices=(50_000,))
            first = seen[0]
            run_unit(lambda first=first: db.run("DELETE FROM listings WHERE product_id = :id", id=first))
        if cursor is None:
            break
    assert len(set(seen)) == len(seen)
    assert {str(p) for p in products} <= set(seen)
