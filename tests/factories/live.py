"""A whole shop, started as a user starts it, on servers and a folder of its own."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import urllib3

from quickshop.runtime import ports, servers
from quickshop.runtime.shop import recorded_processes
from tests.factories.gateways import ROOT
from tests.factories.servers import TestServers
from tests.factories.waiting import eventually

_OURS = ("QUICKSHOP_", "GATEWAY_", "MAIL_", "WORKER_", "WEB_", "DATABASE_URL", "REDIS_URL", "PORT", "PUBLIC_URL")
_START_SECONDS = 90
_STOP_SECONDS = 20


class LiveShop:
    """A running shop: `url`, `gateway_url`, `demo` (demo.json), `pair` (its database and broker), `home`, `log`.

    Extra settings go by name: LiveShop(LEASE_SECONDS="5"). `durable` keeps what was committed through kills.
    """

    def __init__(self, *, durable=True, **settings):
        self._durable = durable
        self._settings = settings
        self._stack = contextlib.ExitStack()
        self.process = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exc):
        self._stack.close()

    def _start(self):
        self.home = Path(tempfile.mkdtemp(prefix="quickshop-live-"))
        self._stack.callback(shutil.rmtree, self.home, ignore_errors=True)
        running = self._stack.enter_context(servers.start(durable=self._durable))
        self.pair = TestServers(running)
        port = ports.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = self.home / "supervisor.out"
        env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | {
            "QUICKSHOP_ENV": "development",
            "QUICKSHOP_HOME": str(self.home),
            "PORT": str(port),
            "DATABASE_URL": self.pair.database,
            "REDIS_URL": self.pair.redis,
            **self._settings,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "quickshop", "run"], cwd=ROOT, env=env, stdout=log, stderr=log
            )
        self._stack.callback(self._stop)
        self._http = urllib3.PoolManager(maxsize=4, retries=False, timeout=urllib3.Timeout(connect=1, read=5))
        eventually(self._ready, within=_START_SECONDS, every=0.1)
        self.demo = json.loads((self.home / "demo.json").read_text())
        self.gateway_url = self.demo["gateway_url"]

    def _ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the shop did not start:\n{self.log.read_text()[-4000:]}")
        try:
            answer = self._http.request("GET", f"{self.url}/readyz")
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200 and not json.loads(answer.data).get("degraded")

    def _stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def processes(self):
        """The shop's processes by name, as the supervisor noted them: pids."""
        return recorded_processes(self.home)

    def ledger(self):
        """The gateway's own books: every charge ever made."""
        return json.loads(self._http.request("GET", f"{self.gateway_url}/charges").data)
