"""Many workers issue at once, some die in the middle: no number is missing, none is given twice, no order has two."""

import random

import pytest

from quickshop.invoices import issuing, queries
from quickshop.kernel import facts
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.invoices import worker_app
from tests.factories.racing import Beside, Gate, together, until_blocked
from tests.factories.shop import a_confirmed_order, cancel, look, refund

pytestmark = pytest.mark.usefixtures("core", "gateway")


class Death(BaseException):
    """The end of a process: nothing in the code takes it for a refusal."""


def numbers(kind="invoice"):
    return sorted(r.number for r in look("SELECT number FROM invoices WHERE kind = :kind", kind=kind))


def test_eight_workers_of_which_some_die_leave_no_gap_and_no_double(core, monkeypatch):
    orders = [a_confirmed_order() for _ in range(20)]
    for order in orders[::5]:
        refund(order, 100)
    dice, tell = random.Random(7), issuing.order_log.tell

    def may_die(*args, **more):
        if dice.random() < 0.3:
            raise Death  # with the number taken and nothing committed
        tell(*args, **more)

    def worker(number):
        def work():
            with worker_app(number).app_context():
                while True:
                    try:
                        return issuing.drain()
                    except Death:
                        continue  # another takes its place

        return work

    monkeypatch.setattr(issuing.order_log, "tell", may_die)
    issued = together(core, *[worker(n) for n in range(8)])
    assert all(isinstance(n, int) for n in issued)
    assert (numbers(), numbers("credit_note")) == (list(range(1, 21)), [1, 2, 3, 4])
    assert [s["whole"] for s in queries.series()] == [True, True]
    assert look("SELECT count(DISTINCT order_id) AS n FROM invoices")[0].n == 20
    log = look("SELECT order_id FROM order_events WHERE type = 'order.invoiced'")
    assert len({r.order_id for r in log}) == len(log) == 20
    times = look("SELECT issued_at FROM invoices WHERE kind = 'invoice' ORDER BY number")
    assert [r.issued_at for r in times] == sorted(r.issued_at for r in times)


def test_two_workers_with_facts_of_one_order_issue_it_once(monkeypatch):
    order = a_confirmed_order()
    cancel(order)  # a second fact: a refund
    run_unit(lambda: facts.leave("invoices", "order.confirmed", {"order_id": str(order.id)}))
    assert sum(together(worker_app(), *[issuing.drain] * 4)) == 2
    assert (numbers(), numbers("credit_note")) == ([1], [1])


def test_who_waits_for_a_number_gets_that_of_one_who_gives_it_back(monkeypatch, servers):
    for _ in range(2):
        a_confirmed_order()
    gate, tell, first = Gate(), issuing.order_log.tell, []

    def stops_once(*args, **more):
        if not first:
            first.append(True)
            gate.passing()
            raise Death
        tell(*args, **more)

    monkeypatch.setattr(issuing.order_log, "tell", stops_once)
    slow = Beside(worker_app(), issuing.drain)
    gate.reached()
    quick = Beside(worker_app(), issuing.drain)
    until_blocked(servers)  # by the row of the series, which the slow one holds
    gate.open()
    with pytest.raises(Death):
        slow.result()
    assert quick.result() == 2  # its own, and the one that came back
    assert numbers() == [1, 2]
