"""Places for requests: bounded, checkout's share kept, everything given back."""

import threading
import time

import pytest

from blueprints.http import admission
from blueprints.http.admission import Busy, Gate


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(admission, "WAIT_SECONDS", 0.1)


def test_a_fifth_is_kept_for_checkout():
    gate = Gate(10)
    held = [gate.enter(False) for _ in range(8)]
    with pytest.raises(Busy) as caught:
        gate.enter(False)
    assert caught.value.headers["Retry-After"]
    held += [gate.enter(True) for _ in range(2)]
    with pytest.raises(Busy):
        gate.enter(True)
    for places in held:
        gate.leave(places)
    assert [len(gate.enter(False)) for _ in range(8)] == [2] * 8


def test_a_refused_request_leaves_nothing_behind():
    gate = Gate(5)
    held = [gate.enter(True) for _ in range(5)]
    with pytest.raises(Busy):
        gate.enter(False)
    gate.leave(held[0])
    assert gate.enter(False)


def test_waiting_ends_when_a_place_is_free():
    gate = Gate(1)
    held = gate.enter(True)
    threading.Timer(0.03, gate.leave, [held]).start()
    began = time.monotonic()
    assert gate.enter(True)
    assert time.monotonic() - began < 0.1
