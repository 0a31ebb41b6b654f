"""The demo shop's content keeps its own rules: goods, prices, pictures and accounts."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from quickshop.demo.accounts import ACCOUNTS, DOMAIN
from quickshop.demo.catalogue import DATA, PICTURES, WIDTHS, load_catalogue, window_order
from quickshop.demo.checks import CatalogueError, check_description, check_product

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "blueprints" / "storefront" / "static"
MANIFEST = json.loads((STATIC / "products" / "manifest.json").read_text())
CATEGORIES = load_catalogue()
PRODUCTS = [product for category in CATEGORIES for product in category.products]
VARIANTS = [variant for product in PRODUCTS for variant in product.variants]


def test_the_shop_has_about_sixty_products_in_eight_categories():
    assert len(CATEGORIES) == 8
    assert 55 <= len(PRODUCTS) <= 65
    assert all(len(category.products) >= 5 for category in CATEGORIES)
    assert sum(bool(category.children) for category in CATEGORIES) == 2


def test_every_sub_category_has_products():
    filled = {product.category for product in PRODUCTS}
    for category in CATEGORIES:
        expected = {slug for slug, _ in category.children} or {category.slug}
        assert expected <= filled


def test_slugs_names_and_skus_are_unique():
    for values in ([p.slug for p in PRODUCTS], [p.name for p in PRODUCTS], [v.sku for v in VARIANTS]):
        assert len(set(values)) == len(values)


def test_no_two_products_share_a_picture():
    assert len({product.picture for product in PRODUCTS}) == len(PRODUCTS)


def test_most_products_come_in_variants():
    with_variants = sum(len(product.variants) > 1 for product in PRODUCTS)
    assert 0.5 <= with_variants / len(PRODUCTS) <= 0.75


def test_prices_are_whole_minor_units_and_look_like_shop_prices():
    for variant in VARIANTS:
        assert type(variant.price_minor) is int
        assert 500 <= variant.price_minor <= 200_000


def test_some_goods_are_reduced_some_low_and_some_sold_out():
    assert 8 <= sum(any(v.compare_at_minor for v in p.variants) for p in PRODUCTS) <= 20
    assert 2 <= sum(all(v.stock == 0 for v in p.variants) for p in PRODUCTS) <= 4
    assert sum(0 < v.stock <= 5 for v in VARIANTS) >= 8
    assert all(0 <= v.stock <= 400 for v in VARIANTS)


def test_every_description_is_a_few_sentences():
    for product in PRODUCTS:
        prose = re.sub(r"<[^>]+>", " ", re.sub(r"<ul>.*?</ul>", "", product.description))
        sentences = re.findall(r"[.!?](?=\s)", prose)
        assert 2 <= len(sentences) <= 5, product.slug
        assert len(prose) >= 100, product.slug


def test_every_product_shares_a_tag_with_another():
    for product in PRODUCTS:
        others = {tag for other in PRODUCTS if other is not product for tag in other.tags}
        assert others & set(product.tags), product.slug


def test_pictures_exist_with_the_digest_of_the_manifest():
    files = [file for entry in MANIFEST["pictures"].values() for file in entry["files"]]
    for file in files:
        body = (STATIC / file["path"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == file["sha256"], file["path"]
        assert len(body) == file["bytes"] < 60_000
    on_disk = {path.relative_to(STATIC).as_posix() for path in (STATIC / "products").glob("*.webp")}
    assert on_disk == {file["path"] for file in files}


def test_the_vendored_pictures_are_those_of_the_products():
    assert set(MANIFEST["pictures"]) == {product.picture for product in PRODUCTS}
    assert tuple(MANIFEST["widths"]) == WIDTHS


def test_an_image_names_files_of_the_stated_size():
    for product in PRODUCTS:
        image = product.image
        named = [entry.split() for entry in image["srcset"].split(", ")]
        assert image["src"] in [source for source, _ in named]
        assert image["alt"]
        for source, width in named:
            assert source.startswith(f"{PICTURES}/")
            with Image.open(STATIC / source.removeprefix("/static/storefront/")) as picture:
                assert picture.size == (int(width.rstrip("w")),) * 2


def test_the_licence_notices_are_there():
    text = (ROOT / MANIFEST["notices"]).read_text()
    assert "Microsoft Corporation" in text
    assert f"{MANIFEST['package']} {MANIFEST['version']}" in text


def test_the_first_page_shows_something_of_every_category():
    order = window_order(CATEGORIES)
    assert sorted(p.slug for p in order) == sorted(p.slug for p in PRODUCTS)
    first = {product.slug for product in order[:24]}
    assert all(any(p.slug in first for p in category.products) for category in CATEGORIES)


@pytest.mark.parametrize("name", ["shopper", "vip", "staff", "admin"])
def test_demo_accounts_meet_the_password_policy(name):
    account = ACCOUNTS[name]
    password = account["password"]
    assert len(password) >= 10
    assert all(re.search(kind, password) for kind in ("[A-Z]", "[a-z]", "[0-9]", "[^A-Za-z0-9]"))
    assert account["login"].endswith(f"@{DOMAIN}")
    assert re.fullmatch(r"[A-Za-z0-9_.-]{3,32}", account["username"])


def test_demo_accounts_differ():
    for key in ("login", "username", "password"):
        assert len({account[key] for account in ACCOUNTS.values()}) == len(ACCOUNTS)


@pytest.mark.parametrize(
    "html",
    [
        "no paragraph",
        "<p>open",
        "<p>crossed <em>over</p></em>",
        "<p onclick='x'>attributes</p>",
        "<script>alert(1)</script>",
        "<p>image <img src='x'></p>",
        "<p>ok</p><!-- note -->",
        "</p>",
    ],
)
def test_a_description_outside_the_allowed_html_is_refused(html):
    with pytest.raises(CatalogueError):
        check_description(html)


def _break(entry, path, value):
    *way, last = path
    for step in way:
        entry = entry[step]
    entry[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("slug",), "Not A Slug"),
        (("category",), "elsewhere"),
        (("alt",), "  "),
        (("tint",), "tint-9"),
        (("attributes",), {"weight": 3}),
        (("tags",), []),
        (("surprise",), "key"),
        (("variants",), []),
        (("variants", 0, "price_minor"), 19.99),
        (("variants", 0, "price_minor"), True),
        (("variants", 0, "price_minor"), 0),
        (("variants", 0, "compare_at_minor"), 1),
        (("variants", 0, "stock"), 401),
        (("variants", 0, "weight_grams"), 0),
        (("variants", 0, "sku"), "lower case"),
        (("variants", 0, "options"), {"size": "XXL"}),
        (("variants", 0, "options"), {}),
        (("variants", 0, "options"), {"size": "M"}),
    ],
)
def test_a_broken_product_is_refused(path, value):
    entry = json.loads((DATA / "1-fashion.json").read_text())["products"][0]
    check_product(copy.deepcopy(entry), {entry["category"]})
    _break(entry, path, value)
    with pytest.raises(CatalogueError):
        check_product(entry, {"clothing"})


def test_the_loader_names_the_file_and_the_product(tmp_path):
    content = json.loads((DATA / "7-music.json").read_text())
    content["products"][1]["variants"][0]["stock"] = -1
    (tmp_path / "7-music.json").write_text(json.dumps(content))
    with pytest.raises(CatalogueError, match=r"7-music\.json, first-chair-violin-outfit: SAL-VLN-12 has no stock"):
        load_catalogue(tmp_path)


def test_the_loader_refuses_a_sku_used_twice(tmp_path):
    content = json.loads((DATA / "7-music.json").read_text())
    content["products"][3]["variants"][0]["sku"] = content["products"][2]["variants"][0]["sku"]
    (tmp_path / "7-music.json").write_text(json.dumps(content))
    with pytest.raises(CatalogueError, match="sku 'SAL-SAX' occurs twice"):
        load_catalogue(tmp_path)
