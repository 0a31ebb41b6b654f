"""The shop's processes one by one, as children of a test: web, relay, worker. Stop, kill, freeze and thaw them."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

from quickshop.runtime import ports
from quickshop.runtime.processes import PROGRAMS
from tests.factories.gateways import ROOT
from tests.factories.waiting import eventually

_OURS = ("QUICKSHOP_", "GATEWAY_", "MAIL_", "WORKER_", "WEB_", "DATABASE_URL", "REDIS_URL", "PORT", "PUBLIC_URL")
_PROGRAMS = {program.name: program for program in PROGRAMS}


class Child:
    """A program of the shop on a test's servers. `settings` are environment variables by name."""

    def __init__(self, name, servers, home, *, queues=None, **settings):
        self._program = _PROGRAMS[name]
        self._queues = queues
        self.port = ports.free_port() if name == "web" else None
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home / f"{name}-{id(self)}.log"
        kept = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        self._env = (
            kept | servers.environment(home) | {"POOL_SIZE": "5", "WEB_WORKERS": "1", "WEB_GRACEFUL_SECONDS": "1"}
        )
        self._env |= {"PORT": str(self.port)} if self.port else {}
        self._env |= {key: str(value) for key, value in settings.items()}
        self.process = None

    def start(self):
        """Start it; a web process is waited for. Returns self."""
        command = self._program.command(sys.executable, self._env)
        if self._queues:
            command[command.index("-Q") + 1] = ",".join(self._queues)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        if self.port:
            eventually(self._answers, within=60)
        return self

    def _answers(self):
        assert self.alive, self.text()
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return answer.status == 200
        except urllib.error.URLError:
            return False

    @property
    def alive(self):
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def text(self):
        """What it said."""
        return self.log.read_text(errors="replace")

    def kill(self):
        """SIGKILL to it and its children."""
        self._signal(signal.SIGKILL)
        self.process.wait(10)

    def freeze(self):
        """SIGSTOP: it lives and does nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self):
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def stop(self):
        """End it politely, then for certain."""
        if not self.alive:
            return
        self.thaw()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def _signal(self, number):
        os.killpg(self.process.pid, number)


class Children:
    """Starts children and ends all of them."""

    def __init__(self, servers, home):
        self._servers = servers
        self._home = home
        self._all = []

    def start(self, name, **settings):
        """Start one; it ends with the test."""
        child = Child(name, self._servers, self._home, **settings)
        self._all.append(child)
        return child.start()

    def end(self):
        """End all of them."""
        for child in self._all:
            child.stop()
