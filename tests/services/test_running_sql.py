"""How statements are run: planned once where they say so, and on connections that nobody keeps."""

import pytest

from quickshop.extensions import db as extension
from quickshop.kernel import db
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


def test_a_statement_that_says_so_is_planned_once_and_nothing_of_that_stays():
    with unit_of_work():
        for _ in range(12):
            db.run(f"{PLANNED_ONCE} {FEW} /* in a unit */", limit=1)
        assert plans("in a unit") == {(10, 0)}  # the first two times it was not prepared yet
    with unit_of_work():
        for _ in range(12):
            db.run(f"{FEW} /* as it comes */", limit=1)
        assert plans("as it comes") == {(0, 10)}
    for _ in range(12):
        db.run(f"{PLANNED_ONCE} {FEW} /* alone */", limit=1)
    with unit_of_work():
        assert plans("alone") == {(10, 0)}
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
