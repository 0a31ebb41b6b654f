"""Reviews on the pages: shown on the product, written by those who bought it, voted on, and decided by staff."""

import pytest

from quickshop.accounts.roles import grant
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from tests.factories import pages
from tests.factories import reviews as r
from tests.factories.pages import a_person, hidden_fields, submit

LINK = "Cheaper at www.other.example"


@pytest.fixture
def shelf(app):
    with app.app_context():
        return r.a_product(stock=50)


@pytest.fixture
def sign_in(app, client):
    """Opens an account and signs the browser in; the member's id."""

    def enter(name="ada", role=None):
        user_id = a_person(app, name)
        if role:
            with app.app_context():
                run_unit(lambda: grant(user_id, role))
        assert pages.sign_in(client, name).status_code == 303
        if role:
            with app.app_context():
                run_unit(lambda: db.run("UPDATE sessions SET second_factor_at = now() WHERE user_id = :u", u=user_id))
        return user_id

    return enter


@pytest.fixture
def buyer(app, sign_in, shelf):
    user_id = sign_in()
    with app.app_context():
        r.bought(shelf, user_id)
    return user_id


def write(client, shelf, **fields):
    fields = {"rating": "4", "title": "Good", "body": "Holds coffee."} | fields
    return submit(client, f"/products/{shelf.slug}/reviews", fields)


def test_a_product_page_shows_its_rating_and_a_few_reviews(client, app, shelf):
    assert "Nobody has reviewed this yet" in client.get(f"/products/{shelf.slug}").text
    with app.app_context():
        for stars in (5, 4, 4, 3):
            r.a_review(shelf, rating=stars, body=f"Worth {stars} stars <b>indeed</b>")
    page = client.get(f"/products/{shelf.slug}").text
    assert 'aria-label="4.0 out of 5 stars"' in page and "4 reviews" in page
    assert page.count("Verified buyer") == 3 and "Robin A." in page and "Ashdown" not in page
    assert "All 4 reviews" in page and "<b>indeed" not in page


def test_a_buyer_writes_changes_and_removes(client, shelf, buyer):
    assert "Write a review" in client.get(f"/products/{shelf.slug}/reviews").text
    answer = write(client, shelf)
    assert (answer.status_code, answer.location) == (303, f"/products/{shelf.slug}/reviews#yours")
    page = client.get(f"/products/{shelf.slug}/reviews").text
    assert "Your review is shown to everybody" in page and "Ada B." in page and "Holds coffee." in page
    assert write(client, shelf, rating="1", body="It broke.").status_code == 303
    assert 'value="1" required checked' in client.get(f"/products/{shelf.slug}/reviews").text
    review_id = client.get(f"/products/{shelf.slug}/reviews").text.partition("/reviews/")[2]
    page = client.get(f"/products/{shelf.slug}/reviews").text
    action = page.partition('<form action="/reviews/')[2].partition('"')[0]
    assert (
        review_id
        and submit(client, f"/reviews/{action}", {"next": f"/products/{shelf.slug}/reviews"}).status_code == 303
    )
    assert "No reviews here." in client.get(f"/products/{shelf.slug}/reviews").text


def test_a_wrong_review_comes_back_with_what_was_typed(client, shelf, buyer):
    answer = write(client, shelf, rating="", body="x" * 4001, title="Kept")
    assert answer.status_code == 422
    assert (
        "1 to 5 stars." in answer.text and "4000 characters at most." in answer.text and 'value="Kept"' in answer.text
    )


def test_who_waits_for_moderation_is_told_so_and_who_was_turned_down_why(client, app, shelf, buyer):
    write(client, shelf, body=LINK)
    page = client.get(f"/products/{shelf.slug}/reviews").text
    assert "A colleague reads your review" in page and "No reviews here." in page
    with app.app_context():
        run_unit(
            lambda: db.run(
                "UPDATE reviews SET state = 'rejected', held_because = NULL, rejected_because = 'No links, please.'"
            )
        )
    assert "No links, please." in client.get(f"/products/{shelf.slug}/reviews").text


def test_who_did_not_buy_has_no_form_and_guests_are_sent_to_sign_in(client, shelf, sign_in):
    page = client.get(f"/products/{shelf.slug}/reviews").text
    assert "Did you buy this?" in page and "<textarea" not in page
    assert write(client, shelf).location == "/sign-in"
    sign_in()
    assert "Only those who bought this" in client.get(f"/products/{shelf.slug}/reviews").text
    assert write(client, shelf).status_code == 403


def test_votes_by_form_and_by_htmx(client, app, shelf, sign_in):
    with app.app_context():
        review_id = r.a_review(shelf)
    sign_in()
    back = f"/products/{shelf.slug}"
    answer = submit(client, f"/reviews/{review_id}/vote", {"helpful": "yes", "next": back})
    assert (answer.status_code, answer.location) == (303, back)
    page = client.get(back).text
    assert 'aria-pressed="true"' in page
    answer = submit(
        client, f"/reviews/{review_id}/vote", {"helpful": "none", "next": back}, headers={"HX-Request": "true"}
    )
    assert answer.text.lstrip().startswith('<div class="row votes') and 'aria-pressed="true"' not in answer.text
    assert submit(client, f"/reviews/{review_id}/vote", {"next": "//evil.example"}).location == "/"


def test_lists_are_ordered_filtered_and_paged(client, app, shelf):
    with app.app_context():
        for stars in [2] * 3 + [5] * 25:
            r.a_review(shelf, rating=stars, body=f"{stars} stars")
    page = client.get(f"/products/{shelf.slug}/reviews?sort=rating").text
    assert page.count('class="review ') == 24 and "2 stars</p>" not in page
    following = page.partition(f'href="/products/{shelf.slug}/reviews?sort=rating&amp;cursor=')[2].partition('"')[0]
    assert (
        client.get(f"/products/{shelf.slug}/reviews?sort=rating&cursor={following}").text.count('class="review ') == 4
    )
    assert client.get(f"/products/{shelf.slug}/reviews?stars=2").text.count('class="review ') == 3
    assert client.get(f"/products/{shelf.slug}/reviews?stars=x&sort=x").status_code == 200
    assert client.get("/products/nothing/reviews").status_code == 404


def test_a_rating_without_text_says_why(client, app, shelf):
    with app.app_context():
        r.a_review(shelf)
        run_unit(lambda: db.run("UPDATE reviews SET user_id = NULL, title = NULL, body = NULL"))
    page = client.get(f"/products/{shelf.slug}/reviews").text
    assert "A customer" in page and "The text was removed" in page


# --- staff ---------------------------------------------------------------------------------------------


def test_staff_read_the_queue_and_decide(client, app, shelf, sign_in):
    with app.app_context():
        first = r.a_review(shelf, body=LINK)
        second = r.a_review(shelf, body=f"<script>{LINK}</script> twice www.other.example")
    sign_in("sam", role="admin")
    page = client.get("/admin/reviews").text
    assert "2 waiting" in page and LINK in page and "<script>Cheaper" not in page
    version = hidden_fields(page)["version"]
    answer = submit(client, f"/admin/reviews/{first}?state=pending", {"decision": "publish", "version": version})
    assert (answer.status_code, answer.location) == (303, "/admin/reviews?state=pending")
    refused = submit(client, f"/admin/reviews/{second}?state=pending", {"decision": "reject", "version": version})
    assert refused.status_code == 422 and "Say why" in refused.text
    fields = {"decision": "reject", "reason": "No links.", "version": version}
    assert submit(client, f"/admin/reviews/{second}?state=pending", fields).status_code == 303
    assert "No reviews here." in client.get("/admin/reviews").text
    assert "Turned down: No links." in client.get("/admin/reviews?state=rejected").text
    assert client.get("/admin/reviews?state=all").text.count("<article") == 2
    stale = submit(client, f"/admin/reviews/{second}?state=all", {"decision": "publish", "version": "1"})
    assert stale.status_code == 409 and "rewritten" in stale.text


def test_support_has_no_say_in_reviews(client, app, shelf, sign_in):
    with app.app_context():
        review_id = r.a_review(shelf, body=LINK)
    sign_in("sue", role="support")
    assert client.get("/admin/reviews").status_code == 403
    assert submit(client, f"/admin/reviews/{review_id}", {"decision": "publish"}).status_code == 403
    assert "/admin/reviews" not in client.get("/admin").text
