"""Reviews on the pages: a few beside the product, all of them on a page of their own, one's own form, and votes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template, request

from blueprints.http.commits import commits_itself
from blueprints.http.page_access import member_page, shopper
from blueprints.http.pages import go, is_htmx
from blueprints.storefront.accounts import local_path
from blueprints.storefront.pages import field_errors, pages, problem
from quickshop.accounts.callers import ANONYMOUS
from quickshop.catalog.queries import get_product
from quickshop.kernel.errors import NotFound, ShopError
from quickshop.kernel.unit_of_work import run_unit
from quickshop.reviews import queries, service

FEW = 3
SORTS = (("helpful", "Most helpful"), ("newest", "Newest"), ("rating", "Best rated"))
_VOTES: dict[str, bool | None] = {"yes": True, "no": False, "none": None}


def product_reviews(product_id: str) -> dict[str, Any] | None:
    """The most helpful reviews of a product for its page; None for one that is not on sale."""
    caller = g.get("caller", ANONYMOUS)
    try:
        return queries.product_reviews(UUID(product_id), caller.user_id, sort="helpful", limit=FEW)
    except NotFound:
        return None


@pages.app_context_processor
def _context() -> dict[str, Any]:
    return {"product_reviews": product_reviews}


@pages.get("/products/<slug>/reviews")
@shopper
def reviews(slug: str) -> Response:
    """All reviews of a product, and the form for those who bought it."""
    return _page(slug)


def _stars(given: str | None) -> int | None:
    return int(given) if given in ("1", "2", "3", "4", "5") else None


def _page(slug: str, error: ShopError | None = None) -> Response:
    product = get_product(slug)
    asked, stars = request.args.get("sort", ""), _stars(request.args.get("stars"))
    sort = asked if asked in queries.SORTS else "helpful"
    found = queries.product_reviews(
        UUID(product["id"]), g.caller.user_id, sort=sort, stars=stars, cursor=request.args.get("cursor") or None
    )
    form = request.form if error else found["mine"] or {}
    shown = render_template(
        "shop/reviews.html",
        product=product,
        reviews=found,
        wish={"sort": sort, "stars": stars},
        sorts=SORTS,
        form=form,
        errors=field_errors(error) if error else {},
        problem=problem(error) if error else None,
    )
    return make_response(shown, error.status if error else 200)


@pages.post("/products/<slug>/reviews")
@member_page
@commits_itself
def write_review(slug: str) -> Response:
    """Write one's review, or write it anew."""

    def work() -> None:
        service.write(
            g.caller.member_id(),
            queries.product_id_of(slug),
            rating=_stars(request.form.get("rating")) or 0,
            title=request.form.get("title"),
            body=request.form.get("body", ""),
        )

    try:
        run_unit(work)
    except ShopError as error:
        if error.status == 404:
            raise
        return _page(slug, error)
    return go(f"/products/{slug}/reviews#yours")


@pages.post("/reviews/<review_id>/delete")
@member_page
@commits_itself
def remove_review(review_id: str) -> Response:
    """Take back one's own review."""
    run_unit(lambda: service.remove(g.caller.member_id(), queries.parse(review_id)))
    return go(local_path(request.form.get("next")))


@pages.post("/reviews/<review_id>/vote")
@member_page
@commits_itself
def vote(review_id: str) -> Response:
    """Say whether a review was of help; the same again takes it back."""
    found = queries.parse(review_id)
    helpful = _VOTES.get(request.form.get("helpful", ""))
    run_unit(lambda: service.vote(g.caller.member_id(), found, helpful))
    back = local_path(request.form.get("next"))
    if is_htmx():
        review = queries.review_votes(found, g.caller.member_id())
        return make_response(render_template("shop/_review_votes.html", review=review, back=back))
    return go(back)
