"""Catalogue reads over HTTP: documents, validators, 304, the cache of a moment, and what may be asked."""

import dataclasses

import pytest

from blueprints import register
from blueprints.http.shared import CACHE
from quickshop.catalog.changing import change_product, set_related
from quickshop.catalog.foreign_prices import set_price_in
from quickshop.catalog.pricing import set_price
from quickshop.factory import create_app
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.catalog import a_category, a_product

LIST = "/api/v1/products"


@pytest.fixture
def made(app):
    """A product with two variants."""
    with app.app_context():
        product, variants = a_product(
            "Stone Mug",
            category=a_category("Mugs"),
            prices=(1900, 2100),
            attributes={"material": "Stone"},
            slug="stone-mug",
            variant_options=[{"colour": "Red"}, {"colour": "Blue"}],
        )
    return product, variants


def test_a_list_item_has_everything_that_clients_lean_on(client, made):
    page = client.get(LIST).json
    assert page["next_cursor"] is None and page["total"] == {"count": 1, "exact": True}
    item = page["items"][0]
    assert item["id"] == str(made[0]) and item["slug"] == "stone-mug" and item["name"] == "Stone Mug"
    assert item["price"] == {"amount": 1900, "currency": "USD"} and item["compare_at_price"] is None
    assert item["rating"] == {"average": 0, "count": 0} and item["in_stock"] is True
    assert item["default_variant_id"] == str(made[1][0]) and item["image"] is None


def test_the_product_adds_what_its_page_needs(client, made):
    for name in ("stone-mug", made[0]):
        product = client.get(f"{LIST}/{name}").json
        assert product["attributes"] == {"material": "Stone"} and product["labels"] == {"material": "Material"}
        assert [c["slug"] for c in product["categories"]] == ["mugs"]
        assert [(v["price"]["amount"], v["available"], v["options"]) for v in product["variants"]] == [
            (1900, 5, {"colour": "Red"}),
            (2100, 5, {"colour": "Blue"}),
        ]


def test_filters_of_the_address(client, made):
    for query, count in {
        "attr.material=Stone&attr.colour=Red&attr.colour=Green": 1,
        "attr.material=Wood": 0,
        "category=mugs&category=nowhere&min_price=1900&max_price=1900&in_stock=true&min_rating=0": 1,
        "in_stock=false": 0,
        "min_rating=0.5": 0,
        "q=mugs&facets=true&sort=relevance": 1,
        "utm_source=mail": 1,
    }.items():
        assert len(client.get(f"{LIST}?{query}").json["items"]) == count, query


def test_facets_come_only_when_asked_for(client, made):
    assert "facets" not in client.get(LIST).json
    facets = client.get(f"{LIST}?facets=true").json["facets"]
    assert set(facets) == {"category", "price", "rating", "in_stock", "attributes"}
    assert facets["attributes"]["colour"] == [
        {"value": "Blue", "label": "Blue", "count": 1},
        {"value": "Red", "label": "Red", "count": 1},
    ]
    assert facets["category"] == [{"value": "mugs", "label": "Mugs", "count": 1, "parent": None}]


@pytest.mark.parametrize(
    "query",
    [
        "sort=cheap",
        "limit=0",
        "limit=101",
        "min_rating=6",
        "min_rating=nan",
        "min_price=-1",
        "in_stock=perhaps",
        "cursor=x",
        "&".join(f"attr.a{i}=1" for i in range(11)),
        "q=" + "x" * 201,
    ],
)
def test_what_makes_no_sense_is_422(client, made, query):
    answer = client.get(f"{LIST}?{query}")
    assert answer.status_code == 422 and answer.json["errors"]


@pytest.mark.parametrize("path", ["", "/stone-mug", "/stone-mug/related", "?q=mug&facets=true"])
def test_reads_carry_a_validator_and_answer_304_until_something_changes(app, client, made, path):
    first = client.get(LIST + path)
    assert first.status_code == 200 and "max-age=1" in first.headers["Cache-Control"]
    known = {"If-None-Match": first.headers["ETag"]}
    again = client.get(LIST + path, headers=known)
    assert again.status_code == 304 and again.data == b"" and again.headers["ETag"] == first.headers["ETag"]
    if path != "/stone-mug/related":
        with app.app_context():
            run_unit(lambda: set_price(made[1][0], 1500))
        assert client.get(LIST + path, headers=known).status_code == 200


@pytest.mark.parametrize("path", ["?q=mug", "/stone-mug", "/stone-mug/related?x=1", "?facets=true&category=mugs"])
def test_each_currency_has_answers_and_a_validator_of_its_own(app, client, made, euros_too, path):
    with app.app_context():
        run_unit(lambda: set_price_in(made[1][1], "EUR", 1700))
        beside, _ = a_product("Jug", category=a_category("Jugs"))
        run_unit(lambda: set_related(made[0], [beside]))
    joined = "&" if "?" in path else "?"
    plain, euros = (client.get(f"{LIST}{path}{joined}currency={code}") for code in ("USD", "EUR"))
    assert plain.data == client.get(LIST + path).data and plain.headers["ETag"] != euros.headers["ETag"]
    assert euros.status_code == 200 and '"USD"' not in euros.text
    again = client.get(f"{LIST}{path}{joined}currency=EUR", headers={"If-None-Match": euros.headers["ETag"]})
    assert again.status_code == 304
    for code in ("GBP", "eu", "euros"):
        refused = client.get(f"{LIST}{path}{joined}currency={code}")
        assert refused.status_code == 422 and "currency" in refused.json["errors"]


def test_unknown_products_are_404_and_old_slugs_are_not(app, client, made):
    with app.app_context():
        run_unit(lambda: change_product(made[0], {"slug": "granite-mug"}))
    assert client.get(f"{LIST}/stone-mug").json["slug"] == "granite-mug"
    assert client.get(f"{LIST}/stone-mug/related").status_code == 200
    assert client.get(f"{LIST}/nothing").status_code == 404
    assert client.get(f"{LIST}/00000000-0000-0000-0000-000000000000/related").status_code == 404


def test_suggestions(client, made):
    told = client.get("/api/v1/search/suggest?q=mu").json
    assert [p["name"] for p in told["products"]] == ["Stone Mug"]
    assert told["categories"] == [{"slug": "mugs", "name": "Mugs"}]
    assert client.get("/api/v1/search/suggest").json == {"products": [], "categories": []}


# --- the cache of a moment -----------------------------------------------------------------------------


@pytest.fixture
def cached(settings, clean):
    """A client of an application that keeps answers for as long as the setting allows."""
    CACHE.clear()
    app = create_app([register], settings=dataclasses.replace(settings, catalogue_cache_seconds=1.0, pool_size=5))
    with app.app_context():
        yield app.test_client()
        db.db.engine.dispose()
    CACHE.clear()


def test_a_kept_answer_asks_the_database_nothing_and_other_addresses_have_their_own(cached, monkeypatch):
    a_product("Mug")
    first = cached.get(f"{LIST}?limit=5")
    seen = []
    monkeypatch.setattr(db, "watchers", [seen.append])
    again = cached.get(f"{LIST}?limit=5")
    assert again.data == first.data and again.headers["ETag"] == first.headers["ETag"] and seen == []
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]
    cached.get(f"{LIST}?limit=6")
    assert seen


def test_refusals_are_not_kept(cached):
    assert cached.get(f"{LIST}/mug").status_code == 404
    a_product("Mug", slug="mug")
    assert cached.get(f"{LIST}/mug").status_code == 200
