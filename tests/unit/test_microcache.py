"""The cache for a moment: one computes for many, nothing lives longer than asked, errors are not kept."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from quickshop.kernel import microcache
from quickshop.kernel.microcache import MicroCache


@pytest.fixture
def clock(monkeypatch):
    """The seconds that have gone by, to be set."""
    now = [0.0]
    monkeypatch.setattr(microcache.time, "monotonic", lambda: now[0])
    return now


def test_a_value_lives_as_long_as_asked_from_when_its_computing_began(clock):
    cache, made = MicroCache(), []

    def make():
        made.append(clock[0])
        clock[0] += 0.4
        return len(made)

    assert [cache.get("k", 1, make), cache.get("k", 1, make)] == [1, 1]
    clock[0] = 0.99
    assert cache.get("k", 1, make) == 1
    clock[0] = 1.0
    assert cache.get("k", 1, make) == 2


def test_switched_off_it_computes_always(clock):
    cache, made = MicroCache(), []
    for _ in range(2):
        cache.get("k", 0, lambda: made.append(1))
    assert len(made) == 2


def test_a_burst_computes_once():
    cache, made, go = MicroCache(), [], threading.Event()

    def make():
        made.append(1)
        go.wait(10)
        return "value"

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(cache.get, "k", 60, make) for _ in range(8)]
        while not made:
            pass
        go.set()
        assert {a.result(10) for a in answers} == {"value"}
    assert len(made) == 1


def test_an_error_is_not_kept():
    cache = MicroCache()
    with pytest.raises(ZeroDivisionError):
        cache.get("k", 60, lambda: 1 // 0)
    assert cache.get("k", 60, lambda: "fine") == "fine"


def test_it_holds_no_more_than_it_may(clock):
    cache = MicroCache(most=3)
    for i in range(10):
        cache.get(i, 60, lambda i=i: i)
        assert len(cache._entries) <= 3
