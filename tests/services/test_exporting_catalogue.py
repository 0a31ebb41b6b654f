"""Files that the shop writes: read back they change nothing, whatever stands in the cells."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quickshop.catalog import pricing, service
from quickshop.imports import exporting
from quickshop.imports.kinds import Kind
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.unit_of_work import run_unit
from tests.factories import imports
from tests.factories.catalog import a_category, a_product
from tests.factories.shop import look

# What staff can have typed: printable, stripped, not empty; the long text may have lines and spaces around it.
LINE = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=25).map(str.strip).filter(bool)
RISKY = st.sampled_from(["=1+1", "'=1", "+49", "-5", "@x", "''", "'", 'say "so"', "a,b;c", "x=y; z\\", "ÄÖ ß", "> a >"])
TEXT = LINE | RISKY
LINES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="<\0\x0b\x0c\x1c\x1d\x1e\x85")).filter(
    lambda value: all(c.isprintable() or c in "\t\n\r" for c in value)
)
CODES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=12)


@st.composite
def products(draw):
    """A product as the verbs take it, with its stock."""
    sizes = draw(st.lists(TEXT, min_size=1, max_size=3, unique=True))
    skus = draw(st.lists(CODES, min_size=len(sizes), max_size=len(sizes), unique=True))
    prices = st.integers(0, 10**9)
    return {
        "name": draw(TEXT),
        "description": draw(LINES),
        "attributes": draw(st.dictionaries(TEXT, TEXT, max_size=3)),
        "category": draw(TEXT),
        "draft": draw(st.booleans()),
        "variants": [
            (sku, size, draw(prices), draw(st.integers(0, 99)), draw(st.integers(0, 9999)))
            for sku, size in zip(skus, sizes, strict=True)
        ],
    }


def make(number, wish):
    category = service.create_category(f"category-{number}", wish["category"])
    variants = [
        service.NewVariant(f"{number}-{sku}", price, {"size": size}, price + 1 if price % 2 else None, grams)
        for sku, size, price, _, grams in wish["variants"]
    ]
    _, ids = service.create_product(
        service.NewProduct(
            slug=f"product-{number}",
            name=wish["name"],
            description=wish["description"],
            category_id=category,
            currency="USD",
            variants=variants,
            attributes=wish["attributes"],
            options=[{"name": "size", "values": [size for _, size, *_ in wish["variants"]]}],
            draft=wish["draft"],
        )
    )
    inventory.receive({ids[f"{number}-{sku}"]: units for sku, _, _, units, _ in wish["variants"] if units})


def exported(kind):
    """The file."""
    return "".join(exporting.export(kind)).encode()


def truth():
    """What export and import must leave alone, versions included."""
    return imports.catalogue(), look("SELECT slug, updated_at FROM products ORDER BY slug")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes=st.lists(products(), min_size=1, max_size=3), mode=st.sampled_from(["skip_bad", "all_or_nothing"]))
def test_what_is_exported_changes_nothing_when_it_is_imported(core, servers, wishes, mode):
    servers.empty()
    for number, wish in enumerate(wishes):
        run_unit(lambda number=number, wish=wish: make(number, wish))
    before = truth()
    for kind in Kind:
        file = exported(kind)
        done = imports.run(kind, file, mode=mode)
        assert imports.details(done) == []
        assert done["state"] == "done"
        assert truth() == before
        assert exported(kind) == file


def test_sales_and_moments_survive_to_the_microsecond(core):
    _, (variant,) = a_product("Lamp", prices=(5000,), published_at=now())
    run_unit(lambda: pricing.schedule_sale(variant, 4000, now()))
    before = truth()
    for kind in (Kind.PRODUCTS, Kind.PRICES):
        assert imports.run(kind, exported(kind))["rows"]["bad"] == 0
    assert truth() == before


def test_an_emptied_shop_is_filled_again_from_its_export(core):
    pans = a_category("Pans")
    for price in (100, 200):
        a_product(
            f"Pan {price}",
            category=pans,
            prices=(price, price + 50),
            variant_options=[{"s": "1"}, {"s": "2"}],
            options=[{"name": "s", "values": ["1", "2"]}],
        )
    before, file = imports.catalogue(moments=False), exported(Kind.PRODUCTS)

    def empty():
        for table in ("stock_movements", "stock_items", "price_changes", "variants", "product_texts", "listings"):
            db.run(f"DELETE FROM {table}")
        db.run("DELETE FROM products")

    run_unit(empty)
    assert imports.run("products", file)["state"] == "done"
    after = imports.catalogue(moments=False)
    assert after == before


@pytest.mark.parametrize("pages", [1, 3])
def test_pages_are_joined_without_a_gap(core, monkeypatch, pages):
    for n in range(5):
        a_product(f"P{n}", prices=(1, 2, 3), variant_options=[{"s": str(i)} for i in range(3)])
    monkeypatch.setattr(exporting, "PAGE", 15 // pages)
    for kind in Kind:
        lines = exported(kind).decode().splitlines()
        assert len(lines) == 16
        assert len({line.split(",")[1 if kind is Kind.PRODUCTS else 0] for line in lines[1:]}) == 15


def test_categories_of_one_name_are_told_apart_by_their_slugs(core):
    home, garden = a_category("Home"), a_category("Garden")
    first = run_unit(lambda: service.create_category("home-chairs", "Chairs", parent_id=home))
    run_unit(lambda: service.create_category("garden-chairs", "Chairs", parent_id=garden))
    twin = run_unit(lambda: service.create_category("more-chairs", "Chairs", parent_id=garden))
    a_product("A", category=first)
    a_product("B", category=twin)
    file = exported(Kind.PRODUCTS).decode()
    assert "Home > Chairs" in file
    assert "more-chairs" in file
    before = truth()
    assert imports.run("products", file.encode())["rows"]["bad"] == 0
    assert truth() == before
