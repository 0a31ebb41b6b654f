"""Units of work: whole or not at all, tried again when a race was lost, and a clean connection afterwards."""

import contextlib
import itertools

import pytest
from sqlalchemy.exc import DBAPIError

from quickshop.kernel import db
from quickshop.kernel.unit_of_work import ATTEMPTS, reading, rehearsal, run_unit, unit_of_work
from quickshop.payments.gateways.port import ChargeRequest
from quickshop.payments.gateways.simulator import SimulatorGateway
from tests.factories.racing import Beside, until_blocked
from tests.factories.shop import look

pytestmark = pytest.mark.usefixtures("core")

_numbers = itertools.count()
PUT = "INSERT INTO worker_canaries (queue) VALUES (:queue)"


def put(*queues):
    for queue in queues:
        db.run(PUT, queue=queue)


def kept():
    return sorted(r.queue for r in look("SELECT queue FROM worker_canaries"))


def raising(state):
    """Have the database raise an error with this SQLSTATE."""
    text = f"DO $$ BEGIN RAISE EXCEPTION 'staged' USING ERRCODE = '{state}'; END $$"
    db.run(f"{text} -- {next(_numbers)}")  # never the same text: one that comes again is prepared, which DO cannot be


def test_what_happened_in_a_unit_is_kept_together():
    run_unit(lambda: put("a", "b"))
    assert kept() == ["a", "b"]


def test_an_error_undoes_the_whole_unit():
    with pytest.raises(ZeroDivisionError), unit_of_work():
        put("a")
        raise ZeroDivisionError
    assert kept() == []


@pytest.mark.parametrize(("keep", "left"), [(True, ["a", "b", "c"]), (False, ["a", "c"])])
@pytest.mark.parametrize("before", [["a"], []])
def test_what_was_rehearsed_is_kept_or_undone_and_the_unit_goes_on(before, keep, left):
    with unit_of_work():
        put(*before)
        with rehearsal(keep=keep):
            put("b")
        put("c")
    assert kept() == [name for name in left if name in [*before, "b", "c"]]


def test_an_error_in_a_rehearsal_undoes_the_whole_unit():
    with pytest.raises(ZeroDivisionError), unit_of_work():
        put("a")
        with rehearsal(keep=True):
            raise ZeroDivisionError
    assert kept() == []


@pytest.mark.parametrize("before", [[], ["a"], ["a", "b"]])
def test_an_error_of_the_database_undoes_the_whole_unit_and_leaves_a_clean_connection(before):
    """Also when it is the unit's very first statement, which opens the transaction."""
    for _ in range(4):
        with pytest.raises(DBAPIError), unit_of_work():
            put(*before)
            raising("22012")
        assert kept() == []
        run_unit(lambda: put("c"))
        assert kept() == ["c"]
        run_unit(lambda: db.run("DELETE FROM worker_canaries"))


def test_an_error_swallowed_inside_a_unit_is_not_taken_for_success():
    """PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error."""
    with pytest.raises(RuntimeError, match="swallowed"), unit_of_work():
        put("a")
        with contextlib.suppress(DBAPIError):
            raising("22012")
    assert kept() == []
    run_unit(lambda: put("b"))
    assert kept() == ["b"]


def test_units_do_not_nest():
    with pytest.raises(RuntimeError, match="nest"), unit_of_work():
        put("a")
        run_unit(lambda: put("b"))
    assert kept() == []


def test_the_connection_is_not_given_back_inside_a_unit():
    with pytest.raises(RuntimeError, match="unit of work"), unit_of_work():
        put("a")
        with reading():
            put("b")
    assert kept() == []


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
def test_a_lost_race_is_run_again_from_its_beginning(state):
    tries = []

    def work():
        tries.append(1)
        put(f"try {len(tries)}")
        if len(tries) < ATTEMPTS:
            raising(state)
        return "done"

    assert run_unit(work) == "done"
    assert kept() == [f"try {ATTEMPTS}"]


def test_a_race_lost_every_time_is_an_error_in_the_end():
    tries = []

    def work():
        tries.append(1)
        raising("40P01")

    with pytest.raises(DBAPIError) as error:
        run_unit(work)
    assert (len(tries), db.sqlstate(error.value)) == (ATTEMPTS, "40P01")


@pytest.mark.parametrize("state", ["23505", "23514", "57014"])
def test_other_errors_are_not_tried_again(state):
    tries = []

    def work():
        tries.append(1)
        raising(state)

    with pytest.raises(DBAPIError):
        run_unit(work)
    assert len(tries) == 1


def backend():
    return db.scalar("SELECT pg_backend_pid()")


def test_a_connection_that_died_between_units_costs_nothing(servers):
    run_unit(lambda: put("a"))
    pid = run_unit(backend)
    servers.run("SELECT pg_terminate_backend(%s, 5000)", pid)
    run_unit(lambda: put("b"))
    assert kept() == ["a", "b"]


def test_a_connection_that_dies_inside_a_unit_undoes_it_and_is_not_hidden(servers):
    tries = []

    def work():
        tries.append(1)
        put("a")
        servers.run("SELECT pg_terminate_backend(%s, 5000)", backend())
        put("b")

    with pytest.raises(DBAPIError) as error:
        run_unit(work)
    assert error.value.connection_invalidated
    assert len(tries) == 1
    assert kept() == []


def test_two_units_that_block_each_other_both_come_through(core, servers):
    """A real deadlock: the database ends one, which is run again."""
    run_unit(lambda: put("a", "b"))
    touch = "UPDATE worker_canaries SET seen_at = clock_timestamp() WHERE queue = :queue"
    runs = []

    def backwards():
        runs.append(1)
        db.run(touch, queue="b")
        db.run(touch, queue="a")

    def forwards():
        runs.append(1)
        db.run(touch, queue="a")
        if len(runs) == 1:
            beside.append(Beside(core, lambda: run_unit(backwards)))
            until_blocked(servers)
        db.run(touch, queue="b")

    beside = []
    run_unit(forwards)
    beside[0].result()
    assert len(runs) >= 3


def test_the_payment_client_refuses_to_call_inside_a_unit():
    gateway = SimulatorGateway("http://127.0.0.1:1", db.in_transaction)
    with pytest.raises(RuntimeError, match="open database transaction"), unit_of_work():
        gateway.authorize(ChargeRequest("key", "QS-1", 1, "USD", "tok_approve"))
    assert gateway.look_up("key").code == "unreachable"
