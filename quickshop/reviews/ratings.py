"""A product's rating: its stored average and count, also in its card. Written here and nowhere else.

Whoever changes what counts locks the product first, so that the sum is always that of all reviews.
"""

from __future__ import annotations

from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import NotFound

_RATE = """
UPDATE products p SET rating_count = r.count, rating_average = r.average,
    card = p.card || jsonb_build_object('rating', jsonb_build_object('average', r.average, 'count', r.count))
FROM (SELECT count(*) AS count, coalesce(round(avg(rating), 2), 0) AS average
      FROM reviews WHERE product_id = :id AND state = 'published') r
WHERE p.id = :id AND (p.rating_count, p.rating_average) IS DISTINCT FROM (r.count, r.average)
"""


def lock_product(product_id: UUID, *, published: bool = False) -> None:
    """Lock a product's rating until the transaction ends; `published`: one that is on sale. Raises NotFound."""
    shown = " AND published_at <= now()" if published else ""
    if not db.scalar(f"SELECT 1 FROM products WHERE id = :id{shown} FOR NO KEY UPDATE", id=product_id):
        raise NotFound("product")


def rate(product_id: UUID) -> None:
    """Count the published reviews of a product that is locked anew."""
    db.run(_RATE, id=product_id)
