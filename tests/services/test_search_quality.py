"""The written list of searches: the expected product stands among the first three for nineteen of twenty."""

import csv

import pytest

from quickshop.demo import seeding
from quickshop.demo.generate.writing import generate
from quickshop.search.filters import ProductQuery
from quickshop.search.queries import list_products
from tests.factories.gateways import ROOT

QUERIES = list(csv.DictReader((ROOT / "tests" / "data" / "search_queries.csv").open(encoding="utf-8")))
ENOUGH = 0.95
# Each kind by itself: a whole kind must not hide behind the others.
ENOUGH_OF_A_KIND = 0.75


@pytest.fixture
def shop(core):
    """The demo shop beside a few invented products with accents in their names."""
    seeding.seed()
    generate(20, 1, lambda there: None)


def test_the_list_is_long_and_has_every_kind():
    kinds = {query["kind"] for query in QUERIES}
    assert len(QUERIES) >= 60
    assert {"typo", "plural", "accent", "part of a word", "sku", "two words", "wrong order"} <= kinds


def test_the_expected_product_is_among_the_first_three(shop):
    missed = []
    for query in QUERIES:
        found = [item["slug"] for item in list_products(ProductQuery(q=query["query"], limit=3))["items"]]
        if query["expected"] not in found:
            missed.append((query["kind"], query["query"], found))
    assert len(missed) <= (1 - ENOUGH) * len(QUERIES), missed
    for kind in {query["kind"] for query in QUERIES}:
        all_of_kind = sum(query["kind"] == kind for query in QUERIES)
        assert sum(m[0] == kind for m in missed) <= (1 - ENOUGH_OF_A_KIND) * all_of_kind, missed
