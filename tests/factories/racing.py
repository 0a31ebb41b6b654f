"""Staging races: threads with application contexts of their own, a common start, and pauses that end by events."""

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.factories.waiting import eventually

_PATIENCE = 30


def together(app, *functions):
    """Run every function at once, each in a thread and context of its own; what each returned, or raised."""
    start = threading.Barrier(len(functions))

    def one(function):
        with app.app_context():
            start.wait(_PATIENCE)
            try:
                return function()
            except Exception as error:
                return error

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(one, functions))


class Beside:
    """A function that runs in a thread and context of its own beside the test, until `result` is asked."""

    def __init__(self, app, function):
        self._pool = ThreadPoolExecutor(1)
        self._future = self._pool.submit(self._run, app, function)

    @staticmethod
    def _run(app, function):
        with app.app_context():
            return function()

    @property
    def over(self):
        """Whether it has returned or raised."""
        return self._future.done()

    def result(self):
        """What it returned; raises what it raised."""
        self._pool.shutdown(wait=False)
        return self._future.result(_PATIENCE)


class Gate:
    """A place where a thread stops: `passing` is called by it, `reached` and `open` by the test."""

    def __init__(self):
        self._here = threading.Event()
        self._open = threading.Event()

    def passing(self, *_args):
        """Say "I am here" and wait to be let on."""
        self._here.set()
        assert self._open.wait(_PATIENCE), "nobody opened the gate"

    def reached(self):
        """Wait until somebody stands here."""
        assert self._here.wait(_PATIENCE), "nobody came to the gate"

    def open(self):
        """Let everybody on, now and later."""
        self._open.set()


def until_blocked(servers, count=1):
    """Wait until `count` sessions of the database wait for locks."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    eventually(lambda: servers.run(waiting)[0][0] >= count, within=_PATIENCE, every=0.005)
