"""Hashing beside the event loop: in few threads, which give way to others, and with a bounded queue."""

import _thread
import os
import sys

import pytest

from blueprints.http import hashing
from quickshop.kernel.errors import Unavailable
from quickshop.kernel.priority import NICENESS


def priority():
    return os.getpriority(os.PRIO_PROCESS, _thread.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="only there threads have a priority of their own")
def test_the_work_runs_in_another_thread_that_gives_way_and_this_one_keeps_its_priority():
    before = priority()
    thread, niceness = hashing.in_native_thread(lambda: (_thread.get_native_id(), priority()))
    assert thread != _thread.get_native_id()
    assert niceness == max(before, NICENESS)
    assert priority() == before


def test_what_the_work_raises_comes_back_and_its_place_is_free_again():
    for _ in range(hashing.MOST_WAITING + 1):
        with pytest.raises(ZeroDivisionError):
            hashing.in_native_thread(lambda: 1 / 0)


def test_more_than_64_are_asked_to_come_again(monkeypatch):
    monkeypatch.setattr(hashing._HASHERS._places, "acquire", lambda blocking: False)
    with pytest.raises(Unavailable):
        hashing.in_native_thread(priority)


@pytest.mark.parametrize(("cores", "processes", "threads"), [(2, 2, 1), (8, 2, 4), (1, 4, 1), (None, 1, 1), (4, 1, 4)])
def test_all_processes_together_use_each_core_once(monkeypatch, cores, processes, threads):
    monkeypatch.setenv("WEB_WORKERS", str(processes))
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert hashing.threads_per_process() == threads
