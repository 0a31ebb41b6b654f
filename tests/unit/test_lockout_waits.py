"""How long the next sign-in must wait. Pure arithmetic."""

from datetime import UTC, datetime, timedelta

from quickshop.security.lockout import ACCOUNT, LONGEST_WAIT, wait_seconds

AT = datetime(2026, 1, 1, tzinfo=UTC)


def wait(failures, seconds_ago=0):
    return wait_seconds(ACCOUNT, failures, AT - timedelta(seconds=seconds_ago), AT)


def test_the_first_failures_are_free():
    assert [wait(n) for n in range(5)] == [0] * 5


def test_then_each_doubles_the_wait_up_to_fifteen_minutes():
    assert [wait(n) for n in range(5, 14)] == [2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert {wait(n) for n in (14, 50, 10**6)} == {LONGEST_WAIT}


def test_waiting_is_over_when_it_is_over():
    assert wait(5, seconds_ago=1) == 1
    assert wait(5, seconds_ago=2) == 0


def test_after_fifteen_minutes_all_is_forgotten():
    assert wait(100, seconds_ago=899) == 1
    assert wait(100, seconds_ago=901) == 0
