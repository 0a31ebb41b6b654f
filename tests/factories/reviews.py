"""Products with buyers: orders that went through are written straight, without paying for each of them."""

import itertools
from dataclasses import dataclass
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.reviews import service
from tests.factories import shop

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Shelf:
    """A product on sale and its only variant."""

    product_id: UUID
    variant_id: UUID
    slug: str


def a_product(**more):
    """A product on sale."""
    variant_id = shop.a_variant(**more)
    row = shop.look(
        "SELECT p.id, p.slug FROM products p JOIN variants v ON v.product_id = p.id WHERE v.id = :v", v=variant_id
    )[0]
    return Shelf(row.id, variant_id, row.slug)


def bought(shelf, user_id, *states):
    """Let a member have an order with the product, which went through these states: in the end it is completed."""
    order = shop.an_order({shelf.variant_id: 1})
    run_unit(lambda: db.run("UPDATE orders SET user_id = :u WHERE id = :id", u=user_id, id=order.id))
    for state in states or ("processing", "confirmed", "completed"):
        run_unit(lambda s=state: db.run("UPDATE orders SET status = :s WHERE id = :id", s=s, id=order.id))
    done = "UPDATE order_processing SET step = 'done', next_run_at = NULL, ended_at = now() WHERE order_id = :id"
    run_unit(lambda: db.run(done, id=order.id))
    return order


def a_buyer(shelf):
    """A member who bought the product; their id."""
    user_id = shop.a_member().user_id
    bought(shelf, user_id)
    return user_id


def a_review(shelf, user_id=None, *, rating=4, title="Fine", body="Does what it should."):
    """A review by a buyer; its id."""
    user_id = user_id or a_buyer(shelf)
    run_unit(lambda: service.write(user_id, shelf.product_id, rating=rating, title=title, body=body))
    return shop.look("SELECT id FROM reviews WHERE product_id = :p AND user_id = :u", p=shelf.product_id, u=user_id)[
        0
    ].id


def rating_of(shelf):
    """(average, count) as stored, asserted to be the same in the card."""
    row = shop.look("SELECT rating_average, rating_count, card FROM products WHERE id = :id", id=shelf.product_id)[0]
    assert row.card["rating"] == {"average": float(row.rating_average), "count": row.rating_count}
    return float(row.rating_average), row.rating_count
