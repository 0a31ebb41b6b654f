"""The copy and the erasure of what a member wrote, wished for and waits for."""

import json

import pytest
from sqlalchemy.exc import IntegrityError

from quickshop.accounts.queries import buyer
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.privacy import erasing, exporting
from quickshop.reviews import service as reviews
from quickshop.wishlists import alerts, service
from tests.factories import reviews as r
from tests.factories.shop import a_member, look

pytestmark = pytest.mark.usefixtures("core", "gateway")


@pytest.fixture
def member():
    """A member who wrote, voted, wished and waits; and the product of their review."""
    shelf, gone = r.a_product(), r.a_product(stock=0)
    theirs = r.a_review(shelf, rating=2)
    user_id = a_member().user_id
    r.bought(shelf, user_id)
    r.a_review(shelf, user_id, rating=5, body="Mine alone.")
    run_unit(lambda: reviews.vote(user_id, theirs, True))
    run_unit(lambda: service.put(user_id, service.create(user_id, "My secret list"), shelf.variant_id))
    run_unit(lambda: alerts.ask_as_member(user_id, gone.product_id, gone.variant_id))
    with reading():
        email = buyer(user_id).email
    run_unit(lambda: alerts.ask_as_guest(email, gone.product_id, gone.variant_id))
    return user_id, shelf


def test_the_copy_holds_all_of_it(member):
    user_id, _ = member
    with reading(), exporting.export_account(user_id) as file:
        copy = json.load(file)
    assert copy["wishlists"][0]["name"] == "My secret list"
    assert len(copy["wishlist_items"]) == len(copy["stock_alerts"]) == len(copy["review_votes"]) == 1
    assert [(x["body"], x["rating"]) for x in copy["reviews"]] == [("Mine alone.", 5)]


def test_an_erasure_leaves_the_stars_and_nothing_else(member):
    user_id, shelf = member
    erasing.erase_account(user_id)
    for table in ("wishlists", "wishlist_items", "stock_alerts", "review_votes"):
        assert look(f"SELECT count(*) AS n FROM {table}")[0].n == 0, table
    assert sorted((x.rating, x.body) for x in look("SELECT rating, body FROM reviews WHERE user_id IS NULL")) == [
        (5, None)
    ]
    assert [x.helpful_count for x in look("SELECT helpful_count FROM reviews WHERE user_id IS NOT NULL")] == [0]
    assert r.rating_of(shelf) == (3.5, 2)
    assert look("SELECT count(*) AS n FROM persons WHERE wrapped_key IS NULL")[0].n >= 2


def test_an_erased_account_writes_and_wishes_nothing_more(member):
    user_id, shelf = member
    erasing.erase_account(user_id)
    run_unit(lambda: db.run("UPDATE orders SET user_id = :u", u=user_id))
    with pytest.raises(IntegrityError):
        run_unit(lambda: reviews.write(user_id, shelf.product_id, rating=1, title=None, body="Again."))
    with pytest.raises(Exception, match="No such"):
        run_unit(lambda: service.create(user_id, "Again"))
    assert look("SELECT count(*) AS n FROM reviews WHERE user_id = :u", u=user_id)[0].n == 0
