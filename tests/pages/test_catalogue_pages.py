"""The list and the product page, as a browser without scripts sees them and as htmx asks for parts of them."""

import pytest

from tests.factories.pages import stock_shop


@pytest.fixture(autouse=True)
def _catalogue(app):
    stock_shop(app)


def test_list_shows_the_product_with_price_former_price_and_category(client):
    page = client.get("/").text
    assert "Morning Mug" in page and "$19.00" in page and "$38.00" in page and "−50%" in page
    assert 'href="/?category=mugs"' in page and "1 product" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=coffee", True),
        ("q=MUG-RED", True),
        ("q=teapot", False),
        ("max_price=18.99", False),
        ("max_price=19", True),
        ("min_price=19.01", False),
        ("min_price=nonsense", True),
        ("max_price=1e999999", True),
        ("in_stock=1", True),
        ("sort=nonsense", True),
        ("category=mugs&sort=-price", True),
    ],
)
def test_filters(client, query, found):
    answer = client.get(f"/?{query}")
    assert answer.status_code == 200
    assert ("/products/morning-mug" in answer.text) is found


def test_unknown_category_and_product_are_404_pages(client):
    for address in ("/?category=nowhere", "/products/nothing", "/no/such/page"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert answer.mimetype == "text/html" and "To the shop" in answer.text


def test_a_wrong_cursor_is_a_page_not_a_500(client):
    assert client.get("/?cursor=rubbish").status_code == 422


def test_htmx_gets_only_the_listing_and_the_clean_address(client):
    headers = {"HX-Request": "true", "HX-Target": "section#listing"}
    answer = client.get("/?sort=price&min_price=&q=mug", headers=headers)
    assert answer.text.lstrip().startswith('<section id="listing"')
    assert answer.headers["HX-Push-Url"] == "/?q=mug&sort=price"


def test_product_page_offers_the_variant_that_can_be_had(client):
    page = client.get("/products/morning-mug").text
    assert "Holds <em>coffee</em>." in page and "alert(1)" not in page
    assert 'value="red" checked' in page and "In stock" in page and "Stoneware" in page


def test_a_search_is_echoed_as_text(client):
    page = client.get("/?q=%3Cscript%3Ealert(1)%3C/script%3E").text
    assert "<script>alert(1)" not in page and "&lt;script&gt;" in page
