"""Changing categories, products and prices: what is true, and what lists and carts then say."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from quickshop.catalog import categories, changing, pricing, refreshing
from quickshop.catalog.errors import CatalogConflict, CategoryInUse, CategoryLoop
from quickshop.catalog.queries import get_product, list_categories, present_category_slug, related_json
from quickshop.catalog.service import NewVariant
from quickshop.kernel import db
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.catalog import a_category, a_product, card_of, found, let_time_pass
from tests.factories.shop import a_cart, total_of
from tests.factories.shop import a_variant as a_shipped_variant

pytestmark = pytest.mark.usefixtures("core")


def unit(function, *arguments, **more):
    return run_unit(lambda: function(*arguments, **more))


def soon(days):
    return datetime.now(UTC) + timedelta(days=days)


def counts():
    def walk(tree):
        for node in tree:
            yield node["name"], node["count"]
            yield from walk(node["children"])

    return dict(walk(list_categories()))


# --- categories ----------------------------------------------------------------------------------------


def test_a_category_counts_what_lies_anywhere_below_it():
    top = a_category("Top")
    middle = a_category("Middle", top)
    low = a_category("Low", middle)
    a_product(category=low)
    a_product(category=middle)
    assert counts() == {"Top": 2, "Middle": 2, "Low": 1}
    unit(refreshing.tally)
    assert counts() == {"Top": 2, "Middle": 2, "Low": 1}
    assert len(found(category=("top",))) == 2


def test_a_moved_category_takes_along_what_lies_below_it():
    left, right = a_category("Left"), a_category("Right")
    branch = a_category("Branch", left)
    leaf = a_category("Leaf", branch)
    product, _ = a_product(category=leaf)
    unit(categories.move_category, branch, right)
    assert counts() == {"Left": 0, "Right": 1, "Branch": 1, "Leaf": 1}
    assert found(category=("left",)) == [] and len(found(category=("right",))) == 1
    assert [c["name"] for c in get_product(str(product))["categories"]] == ["Right", "Branch", "Leaf"]


def test_a_category_cannot_be_put_below_itself():
    top = a_category("Top")
    low = a_category("Low", a_category("Middle", top))
    for parent in (low, top):
        with pytest.raises(CategoryLoop):
            unit(categories.move_category, top, parent)


def test_a_renamed_category_is_found_by_its_old_slug_and_its_new_name():
    category = a_category("Cups")
    a_product("Blue Thing", category=category)
    unit(categories.change_category, category, slug="mugs", name="Mugs")
    assert present_category_slug("cups") == "mugs"
    assert found(category=("cups",)) == ["Blue Thing"]
    assert refreshing.due()
    unit(refreshing.refresh)
    assert not refreshing.due()
    assert found(q="mugs") == ["Blue Thing"]


def test_a_category_that_holds_something_stays():
    category = a_category()
    a_product(category=category)
    with pytest.raises(CategoryInUse):
        unit(categories.remove_category, category)
    empty = a_category()
    unit(categories.remove_category, empty)
    with pytest.raises(NotFound):
        unit(categories.remove_category, empty)


# --- products ------------------------------------------------------------------------------------------


def test_a_changed_product_is_changed_in_lists_and_searches():
    product, _ = a_product("Old Name", attributes={"material": "Oak"})
    category = a_category("Elsewhere")
    unit(
        changing.change_product,
        product,
        {"name": "New Name", "category_id": category, "attributes": {"material": "Ash"}},
    )
    assert found() == found(q="new") == found(category=("elsewhere",)) == ["New Name"]
    assert found(q="old") == []
    assert found(attributes={"material": ["Ash"]}) == ["New Name"]
    assert found(attributes={"material": ["Oak"]}) == []


def test_an_old_slug_leads_to_the_product_until_another_takes_it():
    product, _ = a_product(slug="first")
    unit(changing.change_product, product, {"slug": "second"})
    assert get_product("first")["slug"] == "second"
    unit(changing.change_product, product, {"slug": "first"})
    assert get_product("second")["slug"] == "first"
    other, _ = a_product(slug="second")
    assert get_product("second")["id"] == str(other)


def test_descriptions_are_cleaned_before_they_are_stored():
    product, _ = a_product(description='<p onclick="x()">Fine <b>oak</b><script>alert(1)</script></p>')
    assert get_product(str(product))["description"] == "<p>Fine oak</p>"
    unit(changing.change_product, product, {"description": '<a href="javascript:x()">Here</a><img src="x">'})
    stored = get_product(str(product))["description"]
    assert "javascript" not in stored and "<img" not in stored and "Here" in stored


def test_what_cannot_be_changed_and_what_is_taken_is_refused():
    product, variants = a_product(slug="mine")
    a_product(slug="taken")
    with pytest.raises(CatalogConflict):
        unit(changing.change_product, product, {"slug": "taken"})
    with pytest.raises(Invalid):
        unit(changing.change_product, product, {"rating_count": 7})
    with pytest.raises(Invalid):
        unit(changing.change_variant, variants[0], {"price_minor": 1})
    with pytest.raises(NotFound):
        unit(changing.change_product, new_id(), {"name": "x"})


def test_a_product_is_on_show_between_its_dates_and_carts_keep_to_them():
    product, variants = a_product("Later", draft=True)
    assert card_of(product) is None
    unit(changing.publish, product, soon(2), soon(5))
    assert card_of(product) is None
    with pytest.raises(NotFound):
        a_cart({variants[0]: 1})
    let_time_pass(product, 3)
    a_cart({variants[0]: 1})  # at once, by the clock
    unit(refreshing.refresh)
    assert card_of(product)["name"] == "Later"
    let_time_pass(product, 3)
    with pytest.raises(NotFound):
        get_product(str(product))
    unit(refreshing.refresh)
    assert card_of(product) is None
    with pytest.raises(CatalogConflict):
        unit(changing.publish, product, soon(3), soon(2))


def test_added_and_changed_variants_are_found():
    product, _ = a_product("Mug")
    ids = unit(changing.add_variants, product, [NewVariant("MUG-BLUE", 500, {"colour": "Blue"})])
    assert card_of(product)["price"]["amount"] == 500
    assert found(attributes={"colour": ["Blue"]}) == found(q="MUG-BLUE") == ["Mug"]
    unit(changing.change_variant, ids["MUG-BLUE"], {"sku": "MUG-NAVY", "options": {"colour": "Navy"}})
    assert found(attributes={"colour": ["Blue"]}) == found(q="MUG-BLUE") == []
    assert found(q="mug-navy") == ["Mug"]


def test_a_rating_is_shown_filtered_and_sorted_by():
    good, _ = a_product("Good")
    better, _ = a_product("Better")
    unit(changing.set_rating, good, Decimal("4.00"), 9)
    unit(changing.set_rating, better, Decimal("4.50"), 2)
    a_product("Unrated")
    assert found(sort="rating") == ["Better", "Good", "Unrated"]
    assert found(min_rating=4.5) == ["Better"]
    assert card_of(good)["rating"] == {"average": 4.0, "count": 9}


def test_figures_written_beside_the_verbs_reach_the_lists():
    product, _ = a_product("Rated")
    run_unit(lambda: db.run("UPDATE products SET rating_average = 3, rating_count = 1, sold_count = 4 WHERE true"))
    assert found(min_rating=3) == ["Rated"]
    assert db.scalar("SELECT popularity FROM listings WHERE product_id = :id", id=product) == 4


def test_related_products_are_the_chosen_ones_and_then_the_most_bought():
    category = a_category()
    product, _ = a_product("One", category=category)
    a_product("Neighbour", category=category)
    chosen, _ = a_product("Chosen")
    unit(changing.set_related, product, [chosen])
    related = related_json(product).decode()
    assert related.index("Chosen") < related.index("Neighbour") and "One" not in related
    for wrong in ([product], [new_id()]):
        with pytest.raises(CatalogConflict):
            unit(changing.set_related, product, wrong)


# --- prices --------------------------------------------------------------------------------------------


def test_a_price_is_changed_in_lists_carts_and_history():
    product, (variant,) = a_product(prices=(1000,))
    unit(pricing.set_price, variant, 800, 1200)
    card = card_of(product)
    assert (card["price"]["amount"], card["compare_at_price"]["amount"]) == (800, 1200)
    assert [row["price"]["amount"] for row in pricing.price_history(variant)] == [1000, 800]
    with pytest.raises(CatalogConflict):
        unit(pricing.set_price, variant, 800, 700)


def test_a_sale_begins_and_ends_by_the_clock_in_carts_at_once_and_in_lists_when_refreshed():
    variant = a_shipped_variant(price=1000)
    product = changing.product_of(variant)
    cart = a_cart({variant: 2})
    unit(pricing.schedule_sale, variant, 600, soon(1), soon(3))
    assert total_of(cart).amount == 2 * 1000 + 500
    assert not refreshing.due()
    let_time_pass(product, 2)
    assert total_of(cart).amount == 2 * 600 + 500
    assert get_product(str(product))["variants"][0]["compare_at_price"]["amount"] == 1000
    assert card_of(product)["price"]["amount"] == 1000
    assert refreshing.due()
    assert unit(refreshing.refresh) == 1
    assert card_of(product)["price"]["amount"] == 600 and card_of(product)["compare_at_price"]["amount"] == 1000
    assert len(found(max_price=700)) == 1
    let_time_pass(product, 2)
    assert total_of(cart).amount == 2 * 1000 + 500
    unit(refreshing.refresh)
    assert card_of(product)["price"]["amount"] == 1000 and card_of(product)["compare_at_price"] is None
    assert not refreshing.due()


def test_a_sale_can_be_ended_and_must_be_one():
    product, (variant,) = a_product(prices=(1000,))
    unit(pricing.schedule_sale, variant, 900)
    assert card_of(product)["price"]["amount"] == 900
    unit(pricing.end_sale, variant)
    assert card_of(product)["price"]["amount"] == 1000
    assert [row["sale"] is not None for row in pricing.price_history(variant)] == [False, True, False]
    with pytest.raises(CatalogConflict):
        unit(pricing.schedule_sale, variant, 1000)
    with pytest.raises(CatalogConflict):
        unit(pricing.schedule_sale, variant, 900, soon(2), soon(1))
    with pytest.raises(NotFound):
        unit(pricing.set_price, new_id(), 1)


# --- upkeep --------------------------------------------------------------------------------------------


def test_what_was_sold_is_counted_once_however_often():
    product, (variant,) = a_product()
    run_unit(
        lambda: db.run(
            "INSERT INTO stock_movements (variant_id, delta, cause) VALUES (:id, -3, 'sold'), (:id, 1, 'returned')",
            id=variant,
        )
    )
    assert [unit(refreshing.count_sales), unit(refreshing.count_sales)] == [1, 0]
    assert db.scalar("SELECT popularity FROM listings WHERE product_id = :id", id=product) == 2
