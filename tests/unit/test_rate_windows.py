"""Counting for limits: never more than the limit within a window, whoever counts, with few questions to the bank."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from limits import parse
from limits.storage import MemoryStorage, RedisStorage

from blueprints.http.rate_windows import LocalBank, RedisBank, SharedWindow


class Counted:
    """A bank that counts how often it was asked."""

    def __init__(self, bank):
        self.bank, self.asked = bank, 0

    def take(self, *args):
        self.asked += 1
        return self.bank.take(*args)


@pytest.fixture
def storage(servers):
    redis.Redis.from_url(servers.redis).flushall()
    return RedisStorage(servers.redis)


def spend(window, item, times, *who):
    return sum(window.hit(item, *who) for _ in range(times))


def test_small_limits_are_exact_over_several_processes(storage):
    item = parse("10/minute")
    processes = [SharedWindow(storage) for _ in range(3)]
    admitted = sum(processes[n % 3].hit(item, "a") for n in range(30))
    assert admitted == 10


def test_large_limits_are_never_exceeded_and_hardly_wasted(storage):
    item = parse("1000/minute")
    processes = [SharedWindow(storage) for _ in range(4)]
    admitted = sum(processes[n % 4].hit(item, "a") for n in range(1500))
    assert 1000 - 4 * 10 <= admitted <= 1000


def test_redis_is_asked_once_per_share(storage):
    window = SharedWindow(storage)
    window._bank = Counted(RedisBank(storage))
    assert spend(window, parse("1000/minute"), 100, "a") == 100
    assert window._bank.asked == 10


def test_a_flood_beyond_the_limit_does_not_reach_redis(storage):
    window = SharedWindow(storage)
    window._bank = Counted(RedisBank(storage))
    spend(window, parse("5/minute"), 500, "a")
    assert window._bank.asked < 20


def test_callers_and_classes_do_not_share(storage):
    window, item = SharedWindow(storage), parse("3/minute")
    assert spend(window, item, 5, "a", "auth") == 3
    assert spend(window, item, 5, "b", "auth") == 3
    assert spend(window, item, 5, "a", "default") == 3


def test_parallel_requests_do_not_slip_through(storage):
    item = parse("50/minute")
    window = SharedWindow(storage)
    with ThreadPoolExecutor(16) as pool:
        admitted = sum(pool.map(lambda _: window.hit(item, "a"), range(400)))
    assert admitted <= 50


def test_what_is_told_is_never_too_much(storage):
    window, item = SharedWindow(storage), parse("500/minute")
    left = []
    for _ in range(20):
        window.hit(item, "a")
        left.append(window.get_window_stats(item, "a").remaining)
    assert left == list(range(499, 479, -1))


def test_without_redis_a_process_gives_its_part(monkeypatch):
    window = SharedWindow(MemoryStorage())
    assert isinstance(window._bank, LocalBank)
    assert spend(window, parse("10/minute"), 30, "a") == 10 // LocalBank.processes


def test_the_window_slides(monkeypatch):
    from blueprints.http import rate_windows

    bank, moment = LocalBank(), [60_000.0]
    monkeypatch.setattr(rate_windows.time, "time", lambda: moment[0])
    assert bank.take("a", 60, 20, 100)[0] == 10
    moment[0] += 60  # the last window still counts in full
    assert bank.take("a", 60, 20, 100)[0] == 0
    moment[0] += 30  # and by half
    assert bank.take("a", 60, 20, 100)[0] == 5
    moment[0] += 120  # forgotten
    assert bank.take("a", 60, 20, 100)[0] == 10
