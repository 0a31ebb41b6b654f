"""The quick form of `make guards`: three protections taken away inside the suite itself."""

import pytest

from tests.factories.gateways import ROOT
from tests.guards.removals import GUARDS, removed
from tests.services import test_idempotency_keys as keys
from tests.services import test_placing as placing
from tests.services import test_processing as processing


def red(test, *args):
    """Whether a test fails."""
    try:
        test(*args)
    except (Exception, pytest.fail.Exception):
        return True
    return False


@pytest.mark.parametrize(
    ("name", "test", "arguments"),
    [
        ("lease-fence", processing.test_a_worker_whose_step_was_only_taken_over_hits_no_row, ["gateway"]),
        ("lease-fence", processing.test_a_stale_lease_moves_nothing_even_where_the_state_fits, []),
        ("conditional-stock", placing.test_every_shortage_is_told_in_one_refusal, []),
        ("idempotency-constraint", keys.test_a_key_is_bound_once_even_past_the_lock, []),
    ],
)
def test_without_its_protection_a_test_turns_red(core, gateway, servers, name, test, arguments):
    given = [gateway for _ in arguments]
    assert not red(test, *given)
    servers.empty()
    with removed(GUARDS[name], servers):
        assert red(test, *given)
    servers.empty()
    gateway.before = lambda verb: None
    assert not red(test, *given)


def test_every_guard_names_tests_that_exist():
    for guard in GUARDS.values():
        for test in guard.tests:
            path, _, name = test.partition("::")
            assert f"def {name}(" in (ROOT / path).read_text(), test
