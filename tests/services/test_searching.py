"""Searching by words, and how few statements every read takes."""

import orjson
import pytest

from quickshop.catalog import changing, foreign_prices, pricing
from quickshop.catalog.queries import cards, get_product, list_categories, related_json
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid
from quickshop.kernel.pagination import encode_cursor
from quickshop.kernel.unit_of_work import run_unit
from quickshop.search.filters import ProductQuery
from quickshop.search.queries import list_products
from quickshop.search.suggestions import suggest_json
from tests.factories.catalog import a_category, a_product, found

pytestmark = pytest.mark.usefixtures("core")


@pytest.fixture
def statements(monkeypatch):
    """The statements that are run."""
    seen = []
    monkeypatch.setattr(db, "watchers", [seen.append])
    return seen


def test_names_count_more_than_descriptions_and_exact_words_more_than_parts():
    a_product("Plain Box", description="Room for a drum")
    a_product("Drumstick")
    a_product("Drum")
    assert found(q="drum") == ["Drum", "Drumstick", "Plain Box"]


def test_what_was_found_is_marked_and_everything_else_is_escaped():
    a_product("Crème <b>Jug</b>", description="<p>A jug for Crème &amp; more</p>")
    item = list_products(ProductQuery(q="creme jug"))["items"][0]["highlight"]
    assert item["name"] == "<mark>Crème</mark> &lt;b&gt;<mark>Jug</mark>&lt;/b&gt;"
    assert item["text"] == "A <mark>jug</mark> for <mark>Crème</mark> &amp; more"


def test_a_misspelt_word_says_how_it_was_understood_and_a_known_one_is_never_corrected():
    a_product("Teapot")
    a_product("Tea Cosy")
    page = list_products(ProductQuery(q="taepot"))
    assert [i["name"] for i in page["items"]] == ["Teapot"] and page["corrected"] == "teapot"
    assert "corrected" not in list_products(ProductQuery(q="tea"))


def test_a_word_that_nothing_has_is_left_out_while_others_are_found():
    a_product("Teapot")
    assert found(q="teapot qqqqqq") == ["Teapot"]
    assert found(q="qqqqqq") == []
    assert list_products(ProductQuery(q="qqqqqq", facets=True))["total"] == {"count": 0, "exact": True}


STRANGE = ["'", "a & b | !c", "<->", ":*", "\\", "%", "(((", '"x', "''''", "\u200b", "é" * 200, "-"]


@pytest.mark.parametrize("words", STRANGE)
def test_no_words_break_a_search(words):
    a_product("Teapot")
    list_products(ProductQuery(q=words, facets=True))
    suggest_json(words)


def test_suggestions_fit_by_name_first_then_are_the_most_bought_and_categories():
    category = a_category("Head Wear")
    rare, _ = a_product("Headband", category=category)
    a_product("Headphones")
    seller, _ = a_product("Cap", attributes={"use": "Headwear"})
    run_unit(lambda: db.run("UPDATE products SET sold_count = 99 WHERE id = :id", id=seller))
    run_unit(lambda: db.run("UPDATE products SET sold_count = 9 WHERE id = :id", id=rare))
    told = suggest_json("hea").decode()
    assert told.index("Headband") < told.index("Headphones") < told.index('"Cap"') and '"name" : "Head Wear"' in told
    assert suggest_json("h") == b'{"products":[],"categories":[]}'


def test_a_hidden_attribute_is_no_facet_and_no_filter():
    a_product("One", attributes={"secret": "x", "shown": "y"})
    run_unit(lambda: changing.set_attribute("secret", facetable=False))
    assert list(list_products(ProductQuery(facets=True))["facets"]["attributes"]) == ["shown"]
    assert found(attributes={"secret": ["x"]}) == []


@pytest.mark.parametrize(
    "cursor", ["x", encode_cursor("1", "2"), encode_cursor(1, "no id"), encode_cursor(-(2**63), "x")]
)
def test_a_cursor_that_is_none_of_ours_is_refused(cursor):
    with pytest.raises(Invalid):
        list_products(ProductQuery(cursor=cursor))


@pytest.mark.parametrize("products", [1, 40])
def test_reads_take_few_statements_whatever_the_size(products, statements, euros_too):
    category = a_category("Cups")
    made = [
        a_product(f"Cup {i}", category=category, prices=(100, 200), attributes={"a": "b"})[0] for i in range(products)
    ]
    reads = {
        "list": (1, lambda: list_products(ProductQuery())),
        "category": (2, lambda: list_products(ProductQuery(category=["cups"]))),
        "facets": (2, lambda: list_products(ProductQuery(category=["cups"], facets=True, attributes={"a": ["b"]}))),
        "words": (2, lambda: list_products(ProductQuery(q="cup", facets=True, category=["cups"]))),
        "typo": (2, lambda: list_products(ProductQuery(q="cpu"))),
        "suggestions": (2, lambda: suggest_json("cup")),
        "product": (1, lambda: get_product(str(made[0]))),
        "related": (1, lambda: related_json(made[0])),
        "tree": (1, list_categories),
        "list abroad": (1, lambda: list_products(ProductQuery(currency="EUR"))),
        "facets abroad": (2, lambda: list_products(ProductQuery(category=["cups"], facets=True, currency="EUR"))),
        "words abroad": (2, lambda: list_products(ProductQuery(q="cup", facets=True, currency="EUR"))),
        "suggestions abroad": (2, lambda: suggest_json("cup", "EUR")),
        "product abroad": (1, lambda: get_product(str(made[0]), "EUR")),
        "related abroad": (1, lambda: related_json(made[0], currency="EUR")),
    }
    for name, (most, read) in reads.items():
        statements.clear()
        read()
        assert len(statements) <= most, name


# --- in another currency -------------------------------------------------------------------------------


def euros(**query):
    """The names and prices that a list in euros shows, in order."""
    listed = list_products(ProductQuery(currency="EUR", **query))["items"]
    return [(item["name"], item["price"]["amount"], item["price"]["currency"]) for item in listed]


def test_a_list_in_another_currency_holds_what_is_sold_in_it_by_its_prices_there(euros_too):
    for name, dollars, there in (("Dear", 500, 9000), ("Cheap", 800, 100), ("Nowhere", 10, None)):
        _, variants = a_product(name, prices=(dollars,))
        if there:
            run_unit(lambda v=variants[0], p=there: foreign_prices.set_price_in(v, "EUR", p))
    assert euros(sort="price") == [("Cheap", 100, "EUR"), ("Dear", 9000, "EUR")]
    assert euros(sort="-price", min_price=200) == [("Dear", 9000, "EUR")]
    first = list_products(ProductQuery(currency="EUR", sort="price", limit=1))
    assert first["total"] == {"count": 2, "exact": True}
    assert euros(sort="price", limit=1, cursor=first["next_cursor"]) == [("Dear", 9000, "EUR")]
    assert found(sort="price") == ["Nowhere", "Dear", "Cheap"]
    assert [p["name"] for p in orjson.loads(suggest_json("nowh"))["products"]] == ["Nowhere"]
    assert orjson.loads(suggest_json("nowh", "EUR"))["products"] == []


def test_a_product_in_another_currency_says_which_variants_are_not_sold_in_it(euros_too):
    product, (one, other) = a_product(prices=(1000, 2000))
    run_unit(lambda: foreign_prices.set_price_in(other, "EUR", 1800, 2400))
    shown = get_product(str(product), "EUR")
    assert shown["price"] == {"amount": 1800, "currency": "EUR"} and shown["default_variant_id"] == str(other)
    assert [(v["id"], v["price"] and v["price"]["amount"]) for v in shown["variants"]] == [
        (str(one), None),
        (str(other), 1800),
    ]
    assert shown["variants"][1]["compare_at_price"]["amount"] == 2400
    run_unit(lambda: foreign_prices.drop_price_in(other, "EUR"))
    gone = get_product(str(product), "EUR")
    assert (gone["price"], gone["in_stock"], euros()) == (None, False, [])
    assert cards([product], "EUR")[0]["price"] is None
    for code in ("GBP", "euro"):
        with pytest.raises(Invalid):
            get_product(str(product), code)


def test_a_sale_reaches_lists_in_another_currency_and_leaves_them(euros_too):
    _, (variant,) = a_product("Lamp", prices=(1000,))
    run_unit(lambda: foreign_prices.set_price_in(variant, "EUR", 900, sale_price_minor=600))
    assert euros() == [("Lamp", 900, "EUR")]
    run_unit(lambda: pricing.schedule_sale(variant, 700))
    item = list_products(ProductQuery(currency="EUR"))["items"][0]
    assert (item["price"]["amount"], item["compare_at_price"]["amount"]) == (600, 900)
    run_unit(lambda: pricing.end_sale(variant))
    assert euros() == [("Lamp", 900, "EUR")]
