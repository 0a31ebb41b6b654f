"""The one that breaks things while a shop works: kills processes for good, and empties Redis."""

import os
import random
import signal
import threading
import time

import psutil
import redis

_WORKERS = ("worker-a", "worker-b", "worker-n")


class Nemesis:
    """Kills a random worker (its whole group, or one child of it) every `pause` seconds; all by `seed`.

    The relay is killed once and Redis emptied once, at moments of the seed's choice.
    """

    def __init__(self, shop, seed, *, pause=(5.0, 15.0), lasts=60.0):
        self._shop = shop
        self._dice = random.Random(seed)
        self._pause = pause
        self._lasts = lasts
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.faults = []
        self.trouble = None

    def start(self):
        """Begin."""
        self._began = time.monotonic()
        self._thread.start()

    def finish(self):
        """Wait until every fault of the plan has happened; when the last one was (monotonic seconds)."""
        self._thread.join(self._lasts + 60)
        if self.trouble:
            raise self.trouble
        return self.last

    @property
    def last(self):
        """The moment of the last fault."""
        return self._began + self.faults[-1][0]

    def _plan(self):
        """[(second, what)] in order."""
        plan = [
            (self._dice.uniform(0.25, 0.75) * self._lasts, self._kill_relay),
            (self._dice.uniform(0.25, 0.75) * self._lasts, self._empty_redis),
        ]
        at = self._dice.uniform(*self._pause) / 2
        while at < self._lasts:
            plan.append((at, self._kill_worker))
            at += self._dice.uniform(*self._pause)
        return sorted(plan, key=lambda step: step[0])

    def _run(self):
        try:
            for second, act in self._plan():
                self._over.wait(max(0.0, self._began + second - time.monotonic()))
                what = act()
                self.faults.append((time.monotonic() - self._began, what))
        except Exception as error:
            self.trouble = error

    def _kill_worker(self):
        name = self._dice.choice(_WORKERS)
        parent = self._process(name)
        children = parent.children()
        # As often one process of the pool, which its parent replaces, as the whole worker.
        if children and self._dice.random() < 0.5:
            return self._kill(self._dice.choice(sorted(children, key=lambda c: c.pid)), f"a child of {name}")
        return self._kill(parent, name)

    def _kill_relay(self):
        return self._kill(self._process("relay"), "relay")

    def _empty_redis(self):
        redis.Redis.from_url(self._shop.pair.redis).flushall()
        return "FLUSHALL"

    def _process(self, name):
        """The process of this name; one that was just killed is waited for."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            pid = self._shop.processes().get(name)
            if pid and psutil.pid_exists(pid):
                return psutil.Process(pid)
            self._over.wait(0.1)
        raise RuntimeError(f"the supervisor did not bring {name} back")

    @staticmethod
    def _kill(process, what):
        os.kill(process.pid, signal.SIGKILL)
        return f"kill -9 {what} ({process.pid})"
