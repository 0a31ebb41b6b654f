"""Which orders are hinted again, and which climb a class. Real rows, no clock of ours."""

import pytest

from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.monitoring import sweeping
from tests.factories import shop

EMPTY = {}


@pytest.fixture
def order(core):
    return shop.an_order()


def age(order, **columns):
    """Set columns of the processing row to so many seconds from now."""
    changes = ", ".join(f"{name} = now() + make_interval(secs => {seconds})" for name, seconds in columns.items())
    run_unit(lambda: db.run(f"UPDATE order_processing SET {changes} WHERE order_id = :id", id=order.id))


def lease(order, seconds):
    """Give the step to a worker until so many seconds from now."""
    run_unit(
        lambda: db.run(
            "UPDATE order_processing SET lease_token = gen_random_uuid(), started_at = now(),"
            " lease_until = now() + make_interval(secs => :s) WHERE order_id = :id",
            s=seconds,
            id=order.id,
        )
    )


def hinted(head_ages=EMPTY):
    """The ids that a sweep hints now."""
    return [d.order_id for d in run_unit(lambda: sweeping.take_due_orders(head_ages))]


def test_an_order_just_placed_is_left_to_its_first_hint(order):
    assert hinted() == []


def test_an_order_whose_hint_was_lost_is_hinted_once_in_5_s(order):
    age(order, hinted_at=-6, next_run_at=-6)
    assert hinted() == [order.id]
    assert hinted() == []


def test_an_order_that_waits_in_its_queue_is_not_hinted_again(order):
    age(order, hinted_at=-300, next_run_at=-300)
    assert hinted({"orders.standard": 301.0}) == []


def test_an_order_older_than_all_that_lies_in_its_queue_is_hinted_again(order):
    age(order, hinted_at=-50, next_run_at=-50)
    assert hinted({"orders.standard": 49.9}) == []
    assert hinted({"orders.standard": 48.0, "orders.vip": 500.0}) == [order.id]


def test_an_order_in_work_is_left_alone(order):
    age(order, hinted_at=-100, next_run_at=-100)
    lease(order, 20)
    assert hinted() == []


def test_an_order_whose_worker_died_is_hinted_when_the_lease_is_over_whatever_its_queue_holds(order):
    age(order, hinted_at=-31, next_run_at=-31)
    lease(order, -1)
    assert hinted({"orders.standard": 500.0}) == [order.id]


def test_a_retry_is_hinted_as_soon_as_it_is_due(order):
    age(order, hinted_at=-1, next_run_at=0.5)
    assert hinted({"orders.standard": 500.0}) == []
    age(order, hinted_at=-1, next_run_at=-0.1)
    assert hinted({"orders.standard": 500.0}) == [order.id]
    assert hinted({"orders.standard": 500.0}) == []


def test_an_ended_order_is_never_hinted(core):
    order = shop.an_order()
    run_unit(
        lambda: db.run(
            "UPDATE order_processing SET step = 'done', next_run_at = NULL, ended_at = now(),"
            " hinted_at = now() - interval '1 hour' WHERE order_id = :id",
            id=order.id,
        )
    )
    assert hinted() == []


def test_the_longest_waiting_come_first(core):
    orders = [shop.an_order() for _ in range(3)]
    for seconds, order in zip((-20, -40, -30), orders, strict=True):
        age(order, hinted_at=-6, next_run_at=-6, waiting_since=seconds)
    assert hinted() == [orders[1].id, orders[2].id, orders[0].id]


# --- promotion -----------------------------------------------------------------------------------------


def climbed(seconds=60):
    """Orders that climb now, and where to."""
    return {d.order_id: d.queue for d in run_unit(lambda: sweeping.promote(seconds))}


def queue_of(order):
    return shop.work_of(order).queue


def test_an_order_climbs_one_class_for_each_minute_waited(order):
    assert queue_of(order) == "orders.standard"
    age(order, waiting_since=-59, next_run_at=-59)
    assert climbed() == {}
    age(order, waiting_since=-61)
    assert climbed() == {order.id: "orders.high"}
    assert climbed() == {}
    age(order, waiting_since=-121)
    assert climbed() == {order.id: "orders.vip"}
    age(order, waiting_since=-1000)
    assert climbed() == {}
    assert queue_of(order) == "orders.vip"


def test_the_class_decided_at_submission_stays(order):
    age(order, waiting_since=-61, next_run_at=-61)
    climbed()
    assert shop.look("SELECT priority FROM orders WHERE id = :id", id=order.id)[0].priority == "standard"


def test_an_order_that_was_started_does_not_climb(order):
    age(order, waiting_since=-500, next_run_at=-500)
    lease(order, -1)
    assert climbed() == {}


# --- jobs, notifications, claims -----------------------------------------------------------------------


def test_a_due_job_is_taken_once_in_its_period(core):
    run_unit(lambda: db.run("UPDATE periodic_jobs SET next_run_at = now()"))
    taken = {job.name: job.every_seconds for job in run_unit(sweeping.take_due_jobs)}
    assert taken["canary"] == 10
    assert run_unit(sweeping.take_due_jobs) == []


def test_a_fact_that_nobody_took_is_noticed_after_5_s(order):
    assert not run_unit(sweeping.notifications_wait)
    run_unit(lambda: db.run("UPDATE pending_facts SET created_at = now() - interval '6 s'"))
    assert run_unit(sweeping.notifications_wait)


def test_while_the_relay_is_behind_no_hint_counts_as_lost(order):
    assert not run_unit(sweeping.outbox_is_behind)
    run_unit(lambda: db.run("UPDATE outbox SET created_at = now() - interval '3 s'"))
    assert run_unit(sweeping.outbox_is_behind)


def test_a_new_leader_need_not_wait_for_the_claims_of_the_old_one(order):
    from_old = run_unit(lambda: db.rows("UPDATE outbox SET lease_until = now() + interval '9 s' RETURNING id"))
    assert run_unit(sweeping.free_claims) == len(from_old) > 0
    assert shop.look("SELECT count(*) AS n FROM outbox WHERE lease_until IS NOT NULL")[0].n == 0
