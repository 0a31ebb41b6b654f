"""Shapes of reviews."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.api.schemas.common import PageQuery, Prose, QueryInt, StrictBool, StrictInt, Text
from blueprints.http.body import StrictSchema
from quickshop.reviews.queries import SORTS
from quickshop.reviews.rules import LONGEST_BODY, LONGEST_TITLE
from quickshop.reviews.service import LONGEST_REASON
from quickshop.reviews.states import State


class ReviewListArgs(PageQuery):
    """Which reviews, in which order: the newest first, the most helpful, the best rated."""

    sort = fields.String(load_default="newest", validate=validate.OneOf(sorted(SORTS)))
    stars = QueryInt(1, 5, load_default=None)


class ReviewBody(StrictSchema):
    """A review to write."""

    rating = StrictInt(1, 5, required=True)
    title = Text(LONGEST_TITLE, 0, load_default=None, allow_none=True)
    body = Prose(LONGEST_BODY, required=True)


class ChangeReview(StrictSchema):
    """What to rewrite; fields left out stay."""

    rating = StrictInt(1, 5)
    title = Text(LONGEST_TITLE, 0, allow_none=True)
    body = Prose(LONGEST_BODY)


class VoteBody(StrictSchema):
    """Whether a review was of help; null takes the vote back."""

    helpful = StrictBool(required=True, allow_none=True)


class VotesSchema(Schema):
    """How many members found a review helpful, and how many did not."""

    yes = fields.Integer()
    no = fields.Integer()


class ReviewSchema(Schema):
    """A review as everybody sees it. One whose author was forgotten has no text."""

    id = fields.UUID()
    product_id = fields.UUID()
    rating = fields.Integer()
    title = fields.String(allow_none=True)
    body = fields.String(allow_none=True)
    author = fields.String(metadata={"example": "Robin A."})
    verified_buyer = fields.Boolean()
    helpful = fields.Nested(VotesSchema)
    my_vote = fields.Boolean(allow_none=True)
    mine = fields.Boolean()
    created_at = fields.DateTime()
    edited_at = fields.DateTime(allow_none=True)


class OwnReview(ReviewSchema):
    """One's own review: also where it stands, and why it was turned down."""

    state = fields.String(validate=validate.OneOf(list(State)))
    reason = fields.String(allow_none=True)


class RatingSpread(Schema):
    """Average and count of all published reviews, and how many of each number of stars."""

    average = fields.Float()
    count = fields.Integer()
    stars = fields.Dict(keys=fields.String(), values=fields.Integer())


class ReviewPage(Schema):
    """A page of reviews; beside it the caller's own one, in whatever state."""

    items = fields.List(fields.Nested(ReviewSchema))
    next_cursor = fields.String(allow_none=True)
    rating = fields.Nested(RatingSpread)
    mine = fields.Nested(OwnReview, allow_none=True)
    may_review = fields.Boolean()


class StaffReviewListArgs(PageQuery):
    """Which reviews staff want to see."""

    state = fields.String(load_default=None, validate=validate.OneOf(list(State)))


class ReviewedProduct(Schema):
    """The product of a review."""

    id = fields.UUID()
    slug = fields.String()
    name = fields.String()


class StaffReview(OwnReview):
    """A review as staff see it; `version` goes back with the decision."""

    held_because = fields.String(allow_none=True)
    version = fields.Integer()
    product = fields.Nested(ReviewedProduct)


class StaffReviewPage(Schema):
    """A page of them."""

    items = fields.List(fields.Nested(StaffReview))
    next_cursor = fields.String(allow_none=True)


class PublishBody(StrictSchema):
    """The version that was read."""

    version = StrictInt(1, load_default=None, allow_none=True)


class RejectBody(PublishBody):
    """Why it is turned down; the author is shown this."""

    reason = Prose(LONGEST_REASON, required=True)
