"""Staff: moderating reviews."""

from __future__ import annotations

from typing import Any

from flask import Response

from blueprints.api.schemas.reviews import PublishBody, RejectBody, StaffReview, StaffReviewListArgs, StaffReviewPage
from blueprints.http.access import staff
from blueprints.http.body import ApiBlueprint
from blueprints.http.commits import commits
from blueprints.http.json import json_response
from quickshop.accounts.permissions import Permission
from quickshop.reviews import queries, service

blp = ApiBlueprint("admin_reviews", __name__, url_prefix="/api/v1/admin", description="Staff: reviews")


@blp.get("/reviews")
@staff(Permission.REVIEWS_WRITE)
@blp.arguments(StaffReviewListArgs, location="query")
@blp.answers(200, StaffReviewPage)
def list_reviews(args: dict[str, Any]) -> Response:
    """Reviews of one state or all; those that wait come in the order in which they were written."""
    return json_response(queries.staff_list(**args))


@blp.post("/reviews/<review_id>/publish")
@staff(Permission.REVIEWS_WRITE)
@blp.arguments(PublishBody)
@blp.answers(200, StaffReview)
@commits
def publish(body: dict[str, Any], review_id: str) -> Response:
    """Show a review."""
    found = queries.parse(review_id)
    service.approve(found, body["version"])
    return json_response(queries.staff_review(found))


@blp.post("/reviews/<review_id>/reject")
@staff(Permission.REVIEWS_WRITE)
@blp.arguments(RejectBody)
@blp.answers(200, StaffReview)
@commits
def reject(body: dict[str, Any], review_id: str) -> Response:
    """Turn a review down, or take it off the page."""
    found = queries.parse(review_id)
    service.reject(found, body["reason"], body["version"])
    return json_response(queries.staff_review(found))
