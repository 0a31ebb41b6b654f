"""Reviews and votes under rivals: one of each, and figures that are exactly their sum."""

import random

from quickshop.kernel.unit_of_work import run_unit
from quickshop.reviews import service
from tests.factories import reviews as r
from tests.factories.racing import together
from tests.factories.shop import a_member, look


def writing(user_id, shelf, rating=4, body="Good."):
    return lambda: run_unit(lambda: service.write(user_id, shelf.product_id, rating=rating, title=None, body=body))


def test_twenty_first_reviews_of_one_member_make_one(core):
    shelf = r.a_product()
    buyer = r.a_buyer(shelf)
    outcomes = together(core, *[writing(buyer, shelf, 1 + n % 5) for n in range(20)])
    assert sorted(outcomes) == [False] * 19 + [True]
    (only,) = look("SELECT rating, version FROM reviews")
    assert only.version == 20
    assert r.rating_of(shelf) == (float(only.rating), 1)


def test_fifty_buyers_at_once_end_with_the_exact_count_and_average(core):
    shelf = r.a_product(stock=100)
    buyers = [r.a_buyer(shelf) for _ in range(50)]
    stars = [random.Random(11).choice(range(1, 6)) for _ in buyers]
    outcomes = together(core, *[writing(b, shelf, s) for b, s in zip(buyers, stars, strict=True)])
    assert outcomes == [True] * 50
    assert r.rating_of(shelf) == (round(sum(stars) / 50, 2), 50)


def test_writing_removing_and_moderating_at_once_leave_a_rating_that_is_the_sum(core):
    shelf = r.a_product(stock=100)
    dice = random.Random(5)
    written = [(user_id := r.a_buyer(shelf), r.a_review(shelf, user_id, rating=dice.randint(1, 5))) for _ in range(24)]

    def one(place, user_id, review_id):
        match place % 4:
            case 0:
                return writing(user_id, shelf, 1 + place % 5)
            case 1:
                return lambda: run_unit(lambda: service.remove(user_id, review_id))
            case 2:
                return lambda: run_unit(lambda: service.reject(review_id, "No."))
            case _:
                return lambda: run_unit(lambda: service.forget_author(user_id))

    outcomes = together(core, *[one(place, *pair) for place, pair in enumerate(written)])
    assert [o for o in outcomes if isinstance(o, Exception)] == []
    counted = look("SELECT count(*) AS n, round(avg(rating), 2) AS average FROM reviews WHERE state = 'published'")[0]
    assert counted.n == 12
    assert r.rating_of(shelf) == (float(counted.average), 12)


def test_fifty_members_voting_three_times_each_are_counted_exactly(core):
    shelf = r.a_product()
    review_id = r.a_review(shelf)
    voters = [a_member().user_id for _ in range(50)]
    dice = random.Random(3)

    def votes(user_id):
        wishes = [dice.choice([True, False, None]) for _ in range(3)]
        return lambda: [run_unit(lambda w=w: service.vote(user_id, review_id, w)) for w in wishes]

    outcomes = together(core, *[votes(v) for v in voters])
    assert [o for o in outcomes if isinstance(o, Exception)] == []
    (shown,) = look("SELECT helpful_count, unhelpful_count FROM reviews")
    (kept,) = look(
        "SELECT count(*) FILTER (WHERE helpful) AS yes, count(*) FILTER (WHERE NOT helpful) AS no FROM review_votes"
    )
    assert tuple(shown) == tuple(kept)


def test_one_member_voting_twenty_times_at_once_has_one_vote(core):
    shelf = r.a_product()
    review_id = r.a_review(shelf)
    voter = a_member().user_id
    together(core, *[lambda n=n: run_unit(lambda: service.vote(voter, review_id, n % 2 == 0)) for n in range(20)])
    (shown,) = look("SELECT helpful_count + unhelpful_count AS n FROM reviews")
    assert shown.n == 1


def test_votes_and_forgetting_those_who_vote_never_deadlock(core, servers):
    shelf = r.a_product(stock=100)
    ids = [r.a_review(shelf) for _ in range(6)]
    voters = [a_member().user_id for _ in range(10)]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = servers.run(deadlocks)

    def all_votes(user_id):
        order = random.Random(user_id.int).sample(ids, len(ids))
        return lambda: [run_unit(lambda i=i: service.vote(user_id, i, True)) for i in order]

    forget = [lambda v=v: run_unit(lambda: service.forget_author(v)) for v in voters]
    outcomes = together(core, *map(all_votes, voters), *forget)
    assert [o for o in outcomes if isinstance(o, Exception)] == []
    assert servers.run(deadlocks) == before
    for row in look("SELECT id, helpful_count FROM reviews"):
        assert look("SELECT count(*) AS n FROM review_votes WHERE review_id = :r", r=row.id)[0].n == row.helpful_count
