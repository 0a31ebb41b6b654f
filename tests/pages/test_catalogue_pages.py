"""The list and the product page, as a browser without scripts sees them and as htmx asks for parts of them."""

import json
import re

import pytest

from quickshop.catalog import categories, changing, queries
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.catalog import a_product
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


# --- facets, suggestions, addresses --------------------------------------------------------------------


def test_facets_stand_in_the_form_and_follow_by_htmx(client):
    page = client.get("/?category=mugs&attr.colour=red").text
    assert 'name="attr.colour" value="red" checked' in page and 'name="attr.colour" value="blue"' in page
    assert 'name="min_rating" value="4"' in page
    part = client.get("/?category=mugs", headers={"HX-Request": "true", "HX-Target": "section#listing"}).text
    assert 'id="facets"' in part and "hx-swap-oob" in part


def test_filters_are_kept_in_the_address_of_what_follows(client):
    headers = {"HX-Request": "true", "HX-Target": "section#listing"}
    address = client.get("/?category=mugs&attr.colour=red&min_rating=&sort=rating", headers=headers).headers
    assert address["HX-Push-Url"] == "/?category=mugs&sort=rating&attr.colour=red"


def test_suggestions_are_a_part_of_a_page(client):
    part = client.get("/search/suggest?q=mor").text
    assert "/products/morning-mug" in part and "<html" not in part
    assert client.get("/search/suggest?q=%3Cscript%3E").text.strip() == ""


def test_old_addresses_lead_to_the_present_ones_for_good(app, client):
    with app.app_context():
        product = queries.product_id_of("morning-mug")
        run_unit(lambda: changing.change_product(product, {"slug": "evening-mug"}))
        category = db.scalar("SELECT id FROM categories")
        run_unit(lambda: categories.change_category(category, slug="cups"))
    moved = client.get("/products/morning-mug")
    assert (moved.status_code, moved.location) == (301, "/products/evening-mug")
    moved = client.get("/?category=mugs&sort=price")
    assert (moved.status_code, moved.location) == (301, "/?category=cups&sort=price")


def test_an_address_by_id_leads_to_the_one_by_slug(app, client):
    with app.app_context():
        product = queries.product_id_of("morning-mug")
    assert client.get(f"/products/{product}").location == "/products/morning-mug"


def linked_data(page):
    return [json.loads(data) for data in re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)]


def test_the_product_page_tells_search_engines_and_previews(client):
    page = client.get("/products/morning-mug").text
    product, trail = linked_data(page)
    assert product["@type"] == "Product" and product["offers"][0]["price"] == "19.00"
    assert [o["availability"].rpartition("/")[2] for o in product["offers"]] == ["InStock", "OutOfStock"]
    assert [step["name"] for step in trail["itemListElement"]] == ["Mugs"]
    assert '<link rel="canonical" href="http' in page and '/products/morning-mug">' in page
    assert '<meta property="og:title" content="Morning Mug">' in page


def test_a_name_cannot_leave_its_linked_data(app, client):
    with app.app_context():
        product = queries.product_id_of("morning-mug")
        run_unit(lambda: changing.change_product(product, {"name": "</script><script>alert(1)</script>"}))
    page = client.get("/products/morning-mug").text
    assert "<script>alert(1)" not in page
    assert linked_data(page)[0]["name"] == "</script><script>alert(1)</script>"


def test_products_looked_at_are_remembered_by_the_browser_alone(app, client):
    with app.app_context():
        a_product("Second Thing", slug="second-thing")
    client.get("/products/second-thing")
    page = client.get("/products/morning-mug").text
    assert "You looked at" in page and "/products/second-thing" in page
    client.set_cookie("recent", "WyJ4Il0.forged")
    assert client.get("/products/morning-mug").status_code == 200


def test_the_sitemap_names_every_page_and_robots_are_told_of_it(client):
    assert "Sitemap: " in client.get("/robots.txt").text and "Disallow: /checkout" in client.get("/robots.txt").text
    index = client.get("/sitemap.xml")
    assert index.mimetype == "application/xml"
    assert "/sitemap-1.xml" in index.text and "/sitemap-2.xml" not in index.text
    assert "/products/morning-mug</loc>" in client.get("/sitemap-1.xml").text
    assert "/?category=mugs</loc>" in client.get("/sitemap-categories.xml").text
    assert client.get("/sitemap-2.xml").status_code == 404


def test_a_product_page_reads_three_statements_at_most(client, monkeypatch):
    client.get("/products/morning-mug")
    seen = []
    monkeypatch.setattr(db, "watchers", [seen.append])
    assert client.get("/products/morning-mug").status_code == 200
    assert len(seen) <= 3
    seen.clear()
    assert client.get("/?category=mugs&q=mug").status_code == 200
    assert len(seen) <= 3  # the list's two, and the tree
