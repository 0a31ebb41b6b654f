"""The verbs of reviews. The product is locked first, then the review, then what belongs to its author."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.accounts import log
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.errors import Conflict, NotFound
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.reviews import queries, rules
from quickshop.reviews.errors import NotABuyer, OwnReview
from quickshop.reviews.ratings import lock_product, rate
from quickshop.reviews.states import STATE, State

LONGEST_REASON = 300


class ReviewChanged(Conflict):
    """The author rewrote the review after staff read it."""

    code, title = "review_changed", "The review has changed meanwhile"


_SAVE = """
INSERT INTO reviews (id, product_id, user_id, rating, title, body, state, held_because, created_at)
VALUES (:id, :product, :user, :rating, :title, :body, :state, :held, :at)
ON CONFLICT (product_id, user_id) DO UPDATE SET rating = EXCLUDED.rating, title = EXCLUDED.title,
    body = EXCLUDED.body, state = EXCLUDED.state, held_because = EXCLUDED.held_because, rejected_because = NULL,
    version = reviews.version + 1, edited_at = EXCLUDED.created_at
RETURNING id, version
"""


def write(user_id: UUID, product_id: UUID, *, rating: int, title: str | None, body: str) -> bool:
    """Say something of a product one bought, or say it anew: there is one review of each by one member.

    Says whether it is new. Raises Invalid, NotFound for a product that is not on sale, NotABuyer.
    Facts: account.review_written with the state it is in. Writes; the caller commits.
    """
    said = rules.words(rating, title, body)
    lock_product(product_id, published=True)
    if not queries.has_bought(user_id, product_id):
        raise NotABuyer
    return _save(user_id, product_id, said)


def change(user_id: UUID, review_id: UUID, changes: Mapping[str, Any]) -> None:
    """Rewrite some of rating, title (None removes it) and body of one's own review.

    Raises Invalid, NotFound for a review that is not the member's own. Writes; the caller commits.
    """
    product_id = _own(user_id, review_id)
    before = db.row("SELECT rating, title, body FROM reviews WHERE id = :id AND user_id = :u", id=review_id, u=user_id)
    if before is None:
        raise NotFound("review")
    _save(user_id, product_id, rules.words(**{**before._asdict(), **changes}))


def _own(user_id: UUID, review_id: UUID) -> UUID:
    """The product of one's own review, locked. Raises NotFound."""
    product_id: UUID | None = db.scalar(
        "SELECT product_id FROM reviews WHERE id = :id AND user_id = :user", id=review_id, user=user_id
    )
    if product_id is None:
        raise NotFound("review")
    lock_product(product_id)
    return product_id


def _save(user_id: UUID, product_id: UUID, said: rules.Words) -> bool:
    before = db.scalar(
        "SELECT state FROM reviews WHERE product_id = :product AND user_id = :user", product=product_id, user=user_id
    )
    state, held = rules.after_writing(
        State(before) if before else None, said, moderate_all=settings().reviews_moderated
    )
    saved = db.run(
        _SAVE,
        id=new_id(),
        product=product_id,
        user=user_id,
        rating=said.rating,
        title=said.title,
        body=said.body,
        state=str(state),
        held=str(held) if held else None,
        at=now(),
    ).one()
    rate(product_id)
    _tell(user_id, "account.review_written", saved.id, product_id, state=str(state))
    return before is None


def _tell(user_id: UUID, type_: str, review_id: UUID, product_id: UUID, **more: str) -> None:
    log.append(user_id, [Fact(type_, {"review_id": str(review_id), "product_id": str(product_id), **more})])


def remove(user_id: UUID, review_id: UUID) -> None:
    """Take back one's own review. Raises NotFound. Facts: account.review_removed. Writes; the caller commits."""
    product_id = _own(user_id, review_id)
    if not db.run("DELETE FROM reviews WHERE id = :id AND user_id = :user", id=review_id, user=user_id).rowcount:
        raise NotFound("review")
    rate(product_id)
    _tell(user_id, "account.review_removed", review_id, product_id)


def vote(user_id: UUID, review_id: UUID, helpful: bool | None) -> None:
    """Say whether a published review was of help; None takes the vote back. One vote of each member counts.

    Raises NotFound, OwnReview. Writes; the caller commits.
    """
    review = db.row(
        "SELECT user_id FROM reviews WHERE id = :id AND state = 'published' FOR NO KEY UPDATE", id=review_id
    )
    if review is None:
        raise NotFound("review")
    if review.user_id == user_id:
        raise OwnReview
    before = db.scalar("SELECT helpful FROM review_votes WHERE review_id = :r AND user_id = :u", r=review_id, u=user_id)
    if before is helpful:
        return
    if helpful is None:
        db.run("DELETE FROM review_votes WHERE review_id = :r AND user_id = :u", r=review_id, u=user_id)
    else:
        db.run(
            "INSERT INTO review_votes (review_id, user_id, helpful) VALUES (:r, :u, :helpful)"
            " ON CONFLICT (review_id, user_id) DO UPDATE SET helpful = EXCLUDED.helpful",
            r=review_id,
            u=user_id,
            helpful=helpful,
        )
    _count(review_id, (helpful is True) - (before is True), (helpful is False) - (before is False))


def _count(review_id: UUID, helpful: int, unhelpful: int) -> None:
    db.run(
        "UPDATE reviews SET helpful_count = helpful_count + :helpful, unhelpful_count = unhelpful_count + :unhelpful"
        " WHERE id = :id",
        id=review_id,
        helpful=helpful,
        unhelpful=unhelpful,
    )


# --- staff ---------------------------------------------------------------------------------------------


def approve(review_id: UUID, version: int | None = None) -> None:
    """Show a review. `version` is the one that was read. Raises NotFound, WrongState, ReviewChanged.

    Facts: account.review_published. Writes; the caller commits.
    """
    _decide(review_id, State.PUBLISHED, None, version)


def reject(review_id: UUID, reason: str, version: int | None = None) -> None:
    """Turn a review down, or take it off the page, with a reason that its author is shown.

    Raises NotFound, WrongState, ReviewChanged. Facts: account.review_rejected. Writes; the caller commits.
    """
    _decide(review_id, State.REJECTED, reason, version)


def _decide(review_id: UUID, state: State, reason: str | None, version: int | None) -> None:
    product_id = db.scalar("SELECT product_id FROM reviews WHERE id = :id", id=review_id)
    if product_id is None:
        raise NotFound("review")
    lock_product(product_id)
    found = db.row("SELECT user_id, state, version FROM reviews WHERE id = :id FOR NO KEY UPDATE", id=review_id)
    if found is None or found.user_id is None:
        raise NotFound("review")
    if version is not None and version != found.version:
        raise ReviewChanged("Its author has rewritten this review; please read it again.")
    STATE.check(found.state, state)
    db.run(
        "UPDATE reviews SET state = :state, held_because = NULL, rejected_because = :reason, version = version + 1"
        " WHERE id = :id",
        id=review_id,
        state=str(state),
        reason=reason,
    )
    rate(product_id)
    _tell(found.user_id, f"account.review_{state}", review_id, product_id)


# --- forgetting ----------------------------------------------------------------------------------------


def forget_author(user_id: UUID) -> None:
    """Delete what a member wrote and voted. Published ratings stay, without text and author.

    For the erasure of a person, in its transaction; safe to run twice.
    """
    # Reviews are locked before votes, as by `vote`.
    db.run(
        "SELECT 1 FROM reviews WHERE user_id = :user"
        " OR id IN (SELECT review_id FROM review_votes WHERE user_id = :user) ORDER BY id FOR NO KEY UPDATE",
        user=user_id,
    )
    db.run("DELETE FROM reviews WHERE user_id = :user AND state <> 'published'", user=user_id)
    db.run(
        "UPDATE reviews SET user_id = NULL, title = NULL, body = NULL, version = version + 1 WHERE user_id = :user",
        user=user_id,
    )
    for gone in db.rows("DELETE FROM review_votes WHERE user_id = :user RETURNING review_id, helpful", user=user_id):
        _count(gone.review_id, -int(gone.helpful), -int(not gone.helpful))
