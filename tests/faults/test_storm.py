"""The storm and the flood in small: every test run breaks a whole shop on purpose and counts what is left."""

import os
import random

import pytest

from tests.faults import storm, vip_flood

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


def test_a_shop_whose_workers_are_killed_loses_and_doubles_nothing(capsys):
    seed = int(os.environ.get("STORM_SEED") or random.SystemRandom().randrange(10**6))
    settings = {"GATEWAY_LATENCY_MS": "150", "LEASE_SECONDS": "8"}
    plan = storm.Plan(40, seed, pause=(2.0, 4.0), lasts=14.0, settings=settings)
    outcome = storm.run(plan)
    storm.show(outcome, plan)
    assert outcome.holds, f"repeat with STORM_SEED={seed}\n{capsys.readouterr().out}"


def test_standard_orders_are_confirmed_while_vip_orders_flood_in(capsys):
    found, history, waiting = vip_flood.run(seconds=15.0, vip_rate=16.0, standard_rate=1.0, latency_ms=250)
    vip_flood.show(found, waiting)
    assert vip_flood.faults_of(found, history) == [], capsys.readouterr().out
    assert found["vip"][0] > found["standard"][0]
