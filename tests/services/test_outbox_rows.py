"""The outbox: what must leave is written with the facts, taken in order, by one at a time, and never lost."""

import pytest

from quickshop.kernel import db, facts, outbox
from quickshop.kernel.outbox import TaskHint
from quickshop.kernel.unit_of_work import run_unit, unit_of_work
from tests.factories.racing import together
from tests.factories.shop import an_order, look

pytestmark = pytest.mark.usefixtures("core")


def write(count):
    for number in range(count):
        run_unit(lambda number=number: outbox.write([{"seq": number}], [TaskHint("a.task", "notify", (str(number),))]))


def claim(limit=100):
    return [r.frames[0]["seq"] for r in run_unit(lambda: outbox.claim(limit))]


def test_what_was_not_committed_never_leaves():
    with pytest.raises(ZeroDivisionError), unit_of_work():
        outbox.write([{"seq": 1}])
        facts.leave("notifications", "order.placed", {})
        raise ZeroDivisionError
    assert claim() == []
    assert facts.waiting("notifications") == 0


def test_rows_are_claimed_oldest_first_and_once():
    write(5)
    assert claim(3) == [0, 1, 2]
    assert claim(3) == [3, 4]
    assert claim(3) == []


def test_a_claim_that_is_not_marked_sent_comes_back():
    write(2)
    assert claim() == [0, 1]
    run_unit(lambda: db.run("UPDATE outbox SET lease_until = clock_timestamp() - interval '1 ms'"))
    assert claim() == [0, 1]


def test_rows_marked_sent_never_come_back():
    write(3)
    rows = run_unit(lambda: outbox.claim(2))
    run_unit(lambda: outbox.mark_sent([r.id for r in rows]))
    run_unit(lambda: db.run("UPDATE outbox SET lease_until = NULL"))
    assert claim() == [2]


def test_two_relays_never_claim_the_same_row(core):
    write(60)
    claimed = together(core, *[lambda: [claim(7) for _ in range(5)]] * 3)
    numbers = [n for relay in claimed for batch in relay for n in batch]
    assert sorted(numbers) == list(range(60))


def test_only_rows_sent_long_ago_are_pruned():
    write(3)
    rows = run_unit(lambda: outbox.claim(2))
    run_unit(lambda: outbox.mark_sent([r.id for r in rows]))
    run_unit(lambda: db.run("UPDATE outbox SET sent_at = now() - interval '1 hour' WHERE id = :id", id=rows[0].id))
    assert run_unit(outbox.prune) == 1
    assert len(look("SELECT 1 FROM outbox")) == 2


def test_an_order_and_its_outbox_row_are_one_commit():
    order = an_order()
    found = look(
        "SELECT o.xmin::text AS a, b.xmin::text AS b, e.xmin::text AS e FROM orders o, outbox b, order_events e"
        " WHERE o.id = :id",
        id=order.id,
    )
    assert [(r.a, r.b) for r in found] == [(found[0].e, found[0].e)]


def test_facts_are_taken_oldest_first_and_come_back_when_the_taker_fails():
    for number in range(4):
        run_unit(lambda number=number: facts.leave("notifications", "order.placed", {"n": number}))
    run_unit(lambda: facts.leave("analytics", "order.placed", {"n": 9}))
    with pytest.raises(ZeroDivisionError), unit_of_work():
        assert [f.data["n"] for f in facts.take("notifications", 2)] == [0, 1]
        raise ZeroDivisionError
    assert [f.data["n"] for f in run_unit(lambda: facts.take("notifications", 10))] == [0, 1, 2, 3]
    assert run_unit(lambda: facts.take("notifications", 10)) == []
    assert facts.waiting("analytics") == 1
