"""How statements are run: planned once where they say so, and on connections that nobody keeps."""

import contextlib

import pytest
from sqlalchemy.exc import DBAPIError

from quickshop.extensions import db as extension
from quickshop.kernel import db, prepared
from quickshop.kernel.prepared import PLANNED_ONCE
from quickshop.kernel.unit_of_work import unit_of_work

pytestmark = pytest.mark.usefixtures("core")

# What a limit of 1 costs seems so little that PostgreSQL by itself would plan this anew each time.
FEW = "SELECT a.n FROM generate_series(1, 1000) a (n) JOIN generate_series(1, 1000) b (n) USING (n) LIMIT :limit"


def plans(mark):
    found = db.rows(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE strpos(statement, :mark) > 0"
        " AND strpos(statement, 'pg_prepared') = 0",
        mark=mark,
    )
    return {(r.generic_plans, r.custom_plans) for r in found}


def test_a_statement_that_says_so_is_planned_once_and_nothing_of_that_stays(monkeypatch):
    # Tests before this one may have prepared as many statements as a process ever does.
    monkeypatch.setattr(prepared, "_MOST_PREPARED", len(prepared._prepared) + 10)
    with unit_of_work():
        for _ in range(12):
            db.run(f"{PLANNED_ONCE} {FEW} /* test: in a unit */", limit=1)
        assert plans("/* test: in a unit */") == {(10, 0)}  # the first two times it was not prepared yet
    with unit_of_work():
        for _ in range(12):
            db.run(f"{FEW} /* test: as it comes */", limit=1)
        assert plans("/* test: as it comes */") == {(0, 10)}
    for _ in range(12):
        db.run(f"{PLANNED_ONCE} {FEW} /* test: alone */", limit=1)
    with unit_of_work():
        assert plans("/* test: alone */") == {(10, 0)}
        assert db.scalar("SHOW plan_cache_mode") == "auto"


def test_a_read_gives_its_connection_back_at_once_and_a_unit_when_it_ends():
    db.run("SELECT 1")
    assert extension.engine.pool.checkedout() == 0
    with unit_of_work():
        db.run("SELECT 1")
        db.run("SELECT 1")
        assert extension.engine.pool.checkedout() == 1
    assert extension.engine.pool.checkedout() == 0


def test_an_error_of_a_read_leaves_no_connection_behind():
    with pytest.raises(Exception, match="division by zero"):
        db.run("SELECT 1 / :n", n=0)
    assert extension.engine.pool.checkedout() == 0


PUT = "INSERT INTO worker_canaries (queue, seen_at) VALUES (:queue, now())"


def put_along():
    """How many were kept."""
    return db.scalar("SELECT count(*) FROM worker_canaries WHERE queue LIKE 'along%'")


@pytest.mark.parametrize("times", [1, 5])
def test_a_statement_run_along_happens_before_the_next_one_and_in_its_order(times):
    """However often it was met, that is, prepared or not."""
    for number in range(times):
        with unit_of_work():
            db.run_along(PUT, queue=f"along {number}")
            db.run_along(
                "UPDATE worker_canaries SET queue = queue || ' 100 %' WHERE queue = :queue", queue=f"along {number}"
            )
            assert db.scalar("SELECT queue FROM worker_canaries WHERE queue LIKE :queue", queue=f"along {number}%") == (
                f"along {number} 100 %"
            )
    assert put_along() == times


def test_a_unit_of_statements_run_along_alone_is_kept_by_its_commit():
    with unit_of_work():
        db.run_along(PUT, queue="along")
        db.run_along(PUT, queue="along too")
    with unit_of_work():
        db.run_along(PUT, queue="along as well")
        db.command("SAVEPOINT here")
    assert put_along() == 3


def test_an_error_of_a_statement_run_along_undoes_the_unit():
    for _ in range(4):
        with pytest.raises(DBAPIError), unit_of_work():
            db.run("SELECT 1")
            db.run_along(PUT, queue="along a")
            db.run_along("SELECT 1 / :n", n=0)
        with pytest.raises(DBAPIError), unit_of_work():
            db.run_along(PUT, queue="along b")
            db.run("SELECT 1 / :n", n=0)
        with pytest.raises(RuntimeError, match="swallowed"), unit_of_work():
            db.run_along(PUT, queue="along c")
            with contextlib.suppress(DBAPIError):
                db.run("SELECT 1 / :n", n=0)
    assert put_along() == 0
    assert extension.engine.pool.checkedout() == 0


def test_what_was_to_go_along_is_forgotten_with_a_unit_that_failed():
    with pytest.raises(ZeroDivisionError), unit_of_work():
        db.run_along(PUT, queue="along")
        raise ZeroDivisionError
    with unit_of_work():
        db.run("SELECT 1")
    assert put_along() == 0


def test_outside_of_a_unit_a_statement_run_along_is_run_at_once():
    db.run_along(PUT, queue="along alone")
    assert put_along() == 1
