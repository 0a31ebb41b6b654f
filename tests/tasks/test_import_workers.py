"""Imports done by real processes: a relay wakes a worker; one that is killed is replaced, and nothing is done twice."""

import pytest

from tests.factories import imports
from tests.factories.catalog import a_category
from tests.factories.waiting import eventually

ROWS = 3000


@pytest.fixture
def waiting(core):
    """A large import that waits for a worker."""
    a_category("Pans")
    lines = [f"p-{n},S-{n},P {n},Pans,1.00,{n % 5}" for n in range(ROWS)]
    return imports.begin("products", imports.a_file(imports.PRODUCT_COLUMNS, *lines))


def stand(servers):
    """(state, rows applied)."""
    return servers.run("SELECT state, rows_applied FROM imports")[0]


def a_worker(children):
    return children.start("worker-n", queues=("notify", "system"), WORKER_N_SLOTS=1, LEASE_SECONDS=2)


def test_an_import_is_done_by_a_relay_and_a_worker(children, waiting, servers):
    children.start("relay")
    a_worker(children)
    eventually(lambda: stand(servers) == ("done", ROWS), within=90)
    [(told,)] = servers.run("SELECT count(*) FROM outbox WHERE frames::text LIKE '%import.progress%'")
    assert told >= 1


def test_a_killed_worker_is_replaced_by_another(children, waiting, servers):
    children.start("relay")
    for _ in range(2):
        before = stand(servers)[1]
        worker = a_worker(children)
        eventually(lambda before=before: stand(servers)[1] > before, within=90)
        worker.kill()
    a_worker(children)
    eventually(lambda: stand(servers) == ("done", ROWS), within=120)
    totals = "SELECT count(*), count(DISTINCT variant_id), sum(delta) FROM stock_movements"
    assert servers.run(totals) == [(ROWS * 4 // 5, ROWS * 4 // 5, ROWS * 2)]
    assert servers.run("SELECT count(*) FROM price_changes") == [(ROWS,)]
    assert servers.run("SELECT count(*) FROM listings") == [(ROWS,)]
