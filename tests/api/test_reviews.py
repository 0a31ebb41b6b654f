"""Reviews by API: who may write one, what is shown to whom, votes, and moderation by staff."""

import pytest

from quickshop.accounts.queries import user_id_of_login
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.reviews import service
from tests.factories import reviews as r
from tests.factories.accounts import a_staff_account, an_account, execute, is_problem, rows

GOOD = {"rating": 5, "title": "Lovely", "body": "Keeps the coffee warm."}


@pytest.fixture
def shelf(app):
    with app.app_context():
        return r.a_product()


def id_of(app, account):
    with app.app_context(), reading():
        return user_id_of_login(account.email)


@pytest.fixture
def buyer(client, app, shelf):
    """An account that bought the product."""
    account = an_account(client)
    user_id = id_of(app, account)
    with app.app_context():
        r.bought(shelf, user_id)
    return account


def post(account, shelf, **changes):
    path = f"/api/v1/products/{shelf.product_id}/reviews"
    return account.client.post(path, json=GOOD | changes, headers=account.headers)


def listed(client, shelf, headers=None, **args):
    answer = client.get(f"/api/v1/products/{shelf.product_id}/reviews", query_string=args, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json


def vote(account, review_id, helpful):
    return account.client.post(f"/api/v1/reviews/{review_id}/vote", json={"helpful": helpful}, headers=account.headers)


# --- writing -------------------------------------------------------------------------------------------


def test_a_buyers_review_is_shown_with_first_name_and_initial_and_rates_the_product(client, shelf, buyer):
    answer = post(buyer, shelf)
    assert answer.status_code == 201
    assert answer.json["state"] == "published" and answer.json["mine"] is True
    body = listed(client, shelf)
    (seen,) = body["items"]
    assert (seen["author"], seen["verified_buyer"], seen["rating"]) == ("Robin A.", True, 5)
    assert (seen["title"], seen["body"], seen["mine"]) == (GOOD["title"], GOOD["body"], False)
    assert "Ashdown" not in client.get(f"/api/v1/products/{shelf.product_id}/reviews").text
    assert body["rating"] == {"average": 5.0, "count": 1, "stars": {"5": 1, "4": 0, "3": 0, "2": 0, "1": 0}}
    assert client.get(f"/api/v1/products/{shelf.product_id}").json["rating"] == {"average": 5.0, "count": 1}
    assert client.get("/api/v1/products").json["items"][0]["rating"] == {"average": 5.0, "count": 1}
    assert (body["mine"], body["may_review"]) == (None, False)


def test_a_second_post_replaces_the_first_and_the_rating_follows(client, shelf, buyer):
    first = post(buyer, shelf).json
    again = post(buyer, shelf, rating=2, title=None, body="It broke.")
    assert again.status_code == 200
    assert again.json["id"] == first["id"] and again.json["edited_at"]
    (seen,) = listed(client, shelf)["items"]
    assert (seen["rating"], seen["title"], seen["body"]) == (2, None, "It broke.")
    assert listed(client, shelf)["rating"]["average"] == 2.0


@pytest.mark.parametrize("states", [("placed",), ("processing", "payment_failed"), ("cancelled",)], ids=lambda s: s[-1])
def test_an_order_that_did_not_go_through_makes_nobody_a_buyer(client, app, shelf, states):
    account = an_account(client)
    user_id = id_of(app, account)
    with app.app_context():
        r.bought(shelf, user_id, *states)
    assert is_problem(post(account, shelf), 403, "not_a_buyer")
    assert listed(client, shelf, account.headers)["may_review"] is False


def test_who_did_not_buy_is_refused_and_guests_are_asked_who_they_are(client, app, shelf, buyer):
    other = an_account(client)
    assert is_problem(post(other, shelf), 403, "not_a_buyer")
    path = f"/api/v1/products/{shelf.product_id}/reviews"
    assert is_problem(client.post(path, json=GOOD), 401, "unauthenticated")
    with app.app_context():
        another = r.a_product()
    assert is_problem(post(buyer, another), 403, "not_a_buyer")
    assert rows(client, "SELECT count(*) AS n FROM reviews")[0].n == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": 4.5}, "rating"),
        ({"rating": "5"}, "rating"),
        ({"body": ""}, "body"),
        ({"body": "<p></p>"}, "body"),
        ({"body": "x" * 4001}, "body"),
        ({"body": "a\u0007b"}, "body"),
        ({"body": "a\u202eb"}, "body"),
        ({"title": "x" * 121}, "title"),
        ({"state": "published"}, "state"),
    ],
)
def test_wrong_reviews_are_refused_by_field(shelf, buyer, changes, field):
    answer = post(buyer, shelf, **changes)
    assert is_problem(answer, 422, "validation_failed")
    assert field in answer.json["errors"]


def test_markup_never_stands_in_a_review(client, shelf, buyer):
    post(buyer, shelf, title="<h1>Big</h1>", body="<img src=x onerror=alert(1)>Good & <b>strong</b>")
    (seen,) = listed(client, shelf)["items"]
    assert (seen["title"], seen["body"]) == ("Big", "Good & strong")


def test_the_author_rewrites_and_takes_back_and_others_find_nothing(client, shelf, buyer):
    review = post(buyer, shelf).json
    path, other = f"/api/v1/reviews/{review['id']}", an_account(client)
    assert is_problem(client.patch(path, json={"rating": 1}, headers=other.headers), 404, "not_found")
    assert is_problem(client.delete(path, headers=other.headers), 404, "not_found")
    assert is_problem(client.patch(path, json={"rating": 1}), 401, "unauthenticated")
    changed = client.patch(path, json={"rating": 3}, headers=buyer.headers)
    assert (changed.json["rating"], changed.json["body"]) == (3, GOOD["body"])
    assert listed(client, shelf)["rating"]["average"] == 3.0
    assert client.delete(path, headers=buyer.headers).status_code == 204
    assert listed(client, shelf)["rating"]["count"] == 0
    assert is_problem(client.delete(path, headers=buyer.headers), 404, "not_found")
    assert client.get(f"/api/v1/products/{shelf.product_id}").json["rating"] == {"average": 0.0, "count": 0}


def test_reviews_of_what_is_not_on_sale_are_not_found(client, shelf, buyer):
    execute(client, "UPDATE products SET published_at = NULL")
    assert is_problem(post(buyer, shelf), 404, "not_found")
    for product in (shelf.product_id, "nothing", "0192f0e0-0000-7000-8000-000000000000"):
        assert is_problem(client.get(f"/api/v1/products/{product}/reviews"), 404, "not_found")


# --- lists ---------------------------------------------------------------------------------------------


def walk(client, shelf, **args):
    seen, cursor = [], None
    while True:
        body = listed(client, shelf, limit=2, **args | ({"cursor": cursor} if cursor else {}))
        seen += body["items"]
        cursor = body["next_cursor"]
        if cursor is None:
            return seen


def test_every_order_shows_each_review_once_page_by_page(client, app, shelf):
    with app.app_context():
        ids = [str(r.a_review(shelf, rating=stars)) for stars in (3, 5, 1, 5, 3)]
    execute(client, "UPDATE reviews SET helpful_count = 4, unhelpful_count = 1 WHERE id = :id", id=ids[2])
    execute(client, "UPDATE reviews SET helpful_count = 2 WHERE id = :id", id=ids[0])
    assert [x["id"] for x in walk(client, shelf)] == ids[::-1]
    assert [x["id"] for x in walk(client, shelf, sort="helpful")] == [ids[2], ids[0], ids[4], ids[3], ids[1]]
    assert [x["id"] for x in walk(client, shelf, sort="rating")] == [ids[3], ids[1], ids[4], ids[0], ids[2]]
    assert [x["id"] for x in walk(client, shelf, stars="5")] == [ids[3], ids[1]]


@pytest.mark.parametrize("args", [{"sort": "worst"}, {"stars": "6"}, {"cursor": "rubbish"}, {"limit": "101"}])
def test_wrong_questions_are_422(client, shelf, args):
    answer = client.get(f"/api/v1/products/{shelf.product_id}/reviews", query_string=args)
    assert is_problem(answer, 422, "validation_failed")


def test_a_cursor_of_another_order_is_refused(client, app, shelf):
    with app.app_context():
        for _ in range(2):
            r.a_review(shelf)
    cursor = listed(client, shelf, limit=1)["next_cursor"]
    path = f"/api/v1/products/{shelf.product_id}/reviews"
    answer = client.get(path, query_string={"sort": "helpful", "cursor": cursor})
    assert is_problem(answer, 422, "validation_failed")


# --- votes ---------------------------------------------------------------------------------------------


def test_one_vote_of_each_member_counts_and_can_be_turned_and_taken_back(client, shelf, buyer):
    review = post(buyer, shelf).json
    reader = an_account(client)
    assert vote(reader, review["id"], True).json["helpful"] == {"yes": 1, "no": 0}
    assert vote(reader, review["id"], True).json["helpful"] == {"yes": 1, "no": 0}
    turned = vote(reader, review["id"], False).json
    assert (turned["helpful"], turned["my_vote"]) == ({"yes": 0, "no": 1}, False)
    assert listed(client, shelf, reader.headers)["items"][0]["my_vote"] is False
    assert listed(client, shelf)["items"][0]["my_vote"] is None
    assert vote(reader, review["id"], None).json["helpful"] == {"yes": 0, "no": 0}
    assert rows(client, "SELECT count(*) AS n FROM review_votes")[0].n == 0


def test_votes_on_ones_own_on_nothing_and_by_nobody_are_refused(client, shelf, buyer):
    review = post(buyer, shelf).json
    assert is_problem(vote(buyer, review["id"], True), 403, "own_review")
    assert is_problem(vote(buyer, "0192f0e0-0000-7000-8000-000000000000", True), 404, "not_found")
    assert is_problem(vote(buyer, "x", True), 404, "not_found")
    path = f"/api/v1/reviews/{review['id']}/vote"
    assert is_problem(client.post(path, json={"helpful": True}), 401, "unauthenticated")
    for body in ({}, {"helpful": "yes"}, {"helpful": 1}, {"helpful": True, "x": 1}):
        assert is_problem(client.post(path, json=body, headers=buyer.headers), 422, "validation_failed")


# --- moderation ----------------------------------------------------------------------------------------

LINK = "Much cheaper at www.other.example"


def staff_call(staff, path, body=None):
    if body is None:
        return staff.client.get(f"/api/v1/admin{path}", headers=staff.headers)
    return staff.client.post(f"/api/v1/admin{path}", json=body, headers=staff.headers)


def test_a_held_review_is_seen_by_its_author_only_and_does_not_count(client, shelf, buyer):
    answer = post(buyer, shelf, body=LINK)
    assert (answer.status_code, answer.json["state"]) == (201, "pending")
    seen = listed(client, shelf, buyer.headers)
    assert (seen["items"], seen["rating"]["count"]) == ([], 0)
    assert (seen["mine"]["body"], seen["mine"]["state"]) == (LINK, "pending")
    assert listed(client, shelf)["mine"] is None
    assert is_problem(vote(an_account(client), answer.json["id"], True), 404, "not_found")


def test_staff_publish_what_waits_and_turn_down_with_a_reason(client, shelf, buyer):
    review = post(buyer, shelf, body=LINK).json
    staff = a_staff_account(client)
    (waiting,) = staff_call(staff, "/reviews?state=pending").json["items"]
    assert (waiting["id"], waiting["held_because"], waiting["product"]["slug"]) == (review["id"], "links", shelf.slug)
    done = staff_call(staff, f"/reviews/{review['id']}/publish", {"version": waiting["version"]})
    assert (done.status_code, done.json["state"], done.json["held_because"]) == (200, "published", None)
    assert listed(client, shelf)["rating"]["count"] == 1
    gone = staff_call(staff, f"/reviews/{review['id']}/reject", {"reason": "Please leave links out."})
    assert gone.json["state"] == "rejected"
    assert listed(client, shelf)["rating"]["count"] == 0
    mine = listed(client, shelf, buyer.headers)["mine"]
    assert (mine["state"], mine["reason"]) == ("rejected", "Please leave links out.")
    again = post(buyer, shelf, body="Now without.")
    assert (again.json["state"], again.json["reason"]) == ("pending", None)
    assert [e["type"] for e in buyer.get("/me/events").json["items"]][-4:] == [
        "account.review_written",
        "account.review_published",
        "account.review_rejected",
        "account.review_written",
    ]
    assert LINK not in buyer.get("/me/events").text


def test_staff_decide_on_what_they_have_read(client, shelf, buyer):
    review = post(buyer, shelf, body=LINK).json
    staff = a_staff_account(client)
    (waiting,) = staff_call(staff, "/reviews?state=pending").json["items"]
    post(buyer, shelf, body="Even more at www.worse.example")
    answer = staff_call(staff, f"/reviews/{review['id']}/publish", {"version": waiting["version"]})
    assert is_problem(answer, 409, "review_changed")
    assert listed(client, shelf)["items"] == []


def test_a_decision_needs_the_right_a_reason_and_a_review(client, shelf, buyer):
    review = post(buyer, shelf).json
    path = f"/reviews/{review['id']}"
    assert is_problem(staff_call(buyer, path + "/publish", {}), 403, "forbidden")
    assert is_problem(staff_call(a_staff_account(client, "support"), "/reviews"), 403, "forbidden")
    assert is_problem(client.get("/api/v1/admin/reviews"), 401, "unauthenticated")
    staff = a_staff_account(client)
    assert is_problem(staff_call(staff, path + "/publish", {}), 409, "wrong_state")
    assert is_problem(staff_call(staff, path + "/reject", {}), 422, "validation_failed")
    assert is_problem(staff_call(staff, "/reviews/x/publish", {}), 404, "not_found")


def test_staff_page_through_the_queue_oldest_first(client, app, shelf):
    with app.app_context():
        ids = [str(r.a_review(shelf, body=LINK)) for _ in range(3)]
    staff = a_staff_account(client)
    first = staff_call(staff, "/reviews?state=pending&limit=2").json
    rest = staff_call(staff, f"/reviews?state=pending&limit=2&cursor={first['next_cursor']}").json
    assert [x["id"] for x in first["items"] + rest["items"]] == ids
    assert [x["id"] for x in staff_call(staff, "/reviews").json["items"]] == ids[::-1]


# --- forgetting ----------------------------------------------------------------------------------------


def test_a_forgotten_author_leaves_a_rating_without_text_or_name(client, app, shelf, buyer):
    with app.app_context():
        r.a_review(shelf, rating=1)
    theirs = listed(client, shelf)["items"][0]["id"]
    post(buyer, shelf)
    vote(buyer, theirs, True)
    author = id_of(app, buyer)
    with app.app_context():
        run_unit(lambda: service.forget_author(author))
        run_unit(lambda: service.forget_author(author))
        assert r.rating_of(shelf) == (3.0, 2)
    by_id = {x["id"]: x for x in listed(client, shelf)["items"]}
    assert by_id[theirs]["helpful"] == {"yes": 0, "no": 0}
    (bare,) = [x for x in by_id.values() if x["id"] != theirs]
    assert (bare["author"], bare["title"], bare["body"], bare["rating"]) == ("A customer", None, None, 5)
    assert listed(client, shelf, buyer.headers)["mine"] is None


def test_what_a_forgotten_author_had_waiting_is_gone(client, app, shelf, buyer):
    post(buyer, shelf, body=LINK)
    author = id_of(app, buyer)
    with app.app_context():
        run_unit(lambda: service.forget_author(author))
    assert rows(client, "SELECT count(*) AS n FROM reviews")[0].n == 0


def test_an_erased_person_is_a_customer(client, shelf, buyer):
    post(buyer, shelf)
    execute(client, "UPDATE persons SET wrapped_key = NULL, key_id = NULL, erased_at = now()")
    assert listed(client, shelf)["items"][0]["author"] == "A customer"


def test_a_review_may_have_paragraphs_and_its_title_is_one_line(client, shelf, buyer):
    assert is_problem(post(buyer, shelf, title="Good\nbut"), 422, "validation_failed")
    assert post(buyer, shelf, body="Holds coffee.\n\nHolds tea, too.").status_code == 201
    (seen,) = listed(client, shelf)["items"]
    assert seen["body"] == "Holds coffee.\n\nHolds tea, too."
