"""Reviews by API: those of a product, one's own, and votes on them."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from blueprints.api.schemas.reviews import (
    ChangeReview,
    OwnReview,
    ReviewBody,
    ReviewListArgs,
    ReviewPage,
    ReviewSchema,
    VoteBody,
)
from blueprints.http.access import anyone, member
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response, no_content
from quickshop.kernel.ids import parse_id
from quickshop.reviews import queries, service

blp = ApiBlueprint("reviews", __name__, url_prefix="/api/v1", description="What buyers say of products")


@blp.get("/products/<product_id>/reviews")
@anyone
@blp.arguments(ReviewListArgs, location="query")
@blp.answers(200, ReviewPage)
def list_reviews(args: dict[str, Any], product_id: str) -> Response:
    """Published reviews of a product, and the caller's own one, also while it waits for moderation."""
    return json_response(queries.product_reviews(parse_id(product_id, "product"), g.caller.user_id, **args))


@blp.post("/products/<product_id>/reviews")
@member
@blp.arguments(ReviewBody)
@blp.answers(201, OwnReview)
@blp.answers(200, OwnReview, "The caller's earlier review was replaced")
@commits
def write_review(body: dict[str, Any], product_id: str) -> Response:
    """Review a product that one bought. There is one review of each; a second one replaces the first."""
    found = parse_id(product_id, "product")
    fresh = service.write(g.caller.member_id(), found, **body)
    return json_response(queries.own_review_of(found, g.caller.member_id()), 201 if fresh else 200)


@blp.patch("/reviews/<review_id>")
@member
@blp.arguments(ChangeReview)
@blp.answers(200, OwnReview)
@commits
def change_review(body: dict[str, Any], review_id: str) -> Response:
    """Rewrite one's own review."""
    found = queries.parse(review_id)
    service.change(g.caller.member_id(), found, body)
    return json_response(queries.own_review(found, g.caller.member_id()))


@blp.delete("/reviews/<review_id>")
@member
@blp.answers(204)
@commits
def remove_review(review_id: str) -> Response:
    """Take back one's own review."""
    service.remove(g.caller.member_id(), queries.parse(review_id))
    return no_content()


@blp.post("/reviews/<review_id>/vote")
@member
@blp.arguments(VoteBody)
@blp.answers(200, ReviewSchema)
@commits
def vote(body: dict[str, Any], review_id: str) -> Response:
    """Say whether a review was of help; null takes the vote back."""
    found = queries.parse(review_id)
    service.vote(g.caller.member_id(), found, body["helpful"])
    return json_response(queries.review_votes(found, g.caller.member_id()))
