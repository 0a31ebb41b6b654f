"""The tables of what may follow what: whole, reachable, and the same in the code as in the migrations."""

import importlib.util
from enum import StrEnum

import pytest

from quickshop.kernel.states import Machine, WrongState
from quickshop.orders.states import (
    FULFILMENT_STATUS,
    MACHINES,
    PAYMENT_STATUS,
    STATUS,
    PaymentStatus,
    Status,
)
from tests.factories.gateways import ROOT


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


def as_table(machine):
    return {str(s): {str(t) for t in targets} for s, targets in machine.moves.items() if targets}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_every_move_of_the_first_migration_is_still_allowed(machine):
    """Later migrations add moves; that the database has exactly those of the code is looked at in a database."""
    path = ROOT / "migrations" / "versions" / "0001_the_path_of_one_order.py"
    spec = importlib.util.spec_from_file_location("first_migration", path)
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    table = as_table(machine)
    assert all(set(after) <= table[before] for before, after in migration.TRANSITIONS[machine.name].items())


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_every_pair_is_either_a_move_or_refused(machine):
    for before in type(machine.start):
        for after in type(machine.start):
            if after in machine.moves[before]:
                machine.check(before, after)
            else:
                with pytest.raises(WrongState) as refusal:
                    machine.check(before, after)
                assert refusal.value.status == 409
                assert refusal.value.extra == {"state": before}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_sources_are_the_moves_read_backwards(machine):
    for after in type(machine.start):
        assert set(machine.sources(after)) == {str(b) for b, targets in machine.moves.items() if after in targets}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_no_state_follows_itself(machine):
    assert not [s for s, targets in machine.moves.items() if s in targets]


def test_a_machine_with_an_unreachable_state_cannot_be_built():
    with pytest.raises(ValueError, match=r"unreachable.*blue"):
        moves = {Light.RED: frozenset({Light.GREEN}), Light.GREEN: frozenset(), Light.BLUE: frozenset()}
        Machine("light", Light.RED, moves)


def test_a_machine_that_forgets_a_state_cannot_be_built():
    with pytest.raises(ValueError, match="no moves listed"):
        Machine("light", Light.RED, {Light.RED: frozenset({Light.GREEN, Light.BLUE}), Light.GREEN: frozenset()})


def test_money_that_was_taken_can_only_be_given_back():
    after = PAYMENT_STATUS.moves[PaymentStatus.CAPTURED]
    assert after == {PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED}


def test_final_states_stay_final():
    assert [s for s, targets in STATUS.moves.items() if not targets] == [Status.CANCELLED, Status.COMPLETED]
    assert "returned" in [str(s) for s, targets in FULFILMENT_STATUS.moves.items() if not targets]
