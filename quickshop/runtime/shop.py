"""`make run`: one shop in its folder, from locked folder to ready pages, and back down to nothing running."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quickshop.demo.accounts import ACCOUNTS
from quickshop.runtime import (
    brokers,
    databases,
    demo_file,
    embedded,
    environment,
    home,
    orphans,
    ports,
    processes,
    readiness,
    supervisor,
)
from quickshop.runtime.canaries import CanaryWatch
from quickshop.runtime.children import Child
from quickshop.runtime.console import Console
from quickshop.runtime.failures import CannotStart
from quickshop.runtime.home import Home

ROOT = Path(__file__).resolve().parent.parent.parent
_DEMO_EDITION = 2  # a later one brings what earlier databases lack
_SUSPECT_AFTER = 60
_HEAD_START = 8.0
_SPARE_CONNECTIONS = 15


def run(environ: Mapping[str, str], *, verbose: bool = False) -> int:
    """Run the shop until a signal stops it; the exit code. Raises CannotStart before anything was started."""
    return Shop(environ, verbose=verbose).run()


class Shop:
    """One run of the shop. Servers whose URL the environment gives are used, the others are embedded."""

    def __init__(self, environ: Mapping[str, str], *, verbose: bool = False) -> None:
        self._environ = dict(environ)
        self._console = Console(environ, verbose=verbose)
        self._env: dict[str, str] = {}
        self._home = Home(Path())
        self._servers = embedded.EmbeddedServers()
        self._supervisor: supervisor.Supervisor
        self._connections = 0
        self._began = time.monotonic()

    def run(self) -> int:
        """Start, serve, stop."""
        with contextlib.ExitStack() as stack:
            self._claim(stack)
            self._env = environment.build(self._environ, self._home, supervisor.new_run())
            self._connections = environment.connections(self._env)
            self._supervisor = self._make_supervisor(stack)
            stack.enter_context(self._supervisor.signals())
            stack.callback(self._servers.close)
            stack.callback(self._supervisor.stop, embedded.NAMES)
            try:
                self._start()
                self._serve(stack)
            except supervisor.StopRequested:
                pass
            self._supervisor.log("stopping")
        self._console.say("stopped")
        return 0

    # --- before anything runs ---

    def _claim(self, stack: contextlib.ExitStack) -> None:
        """The folder, then the port: what another shop could have. An earlier run's remains may hold either."""
        database_url = self._environ.get("DATABASE_URL")
        port = environment.port(self._environ)
        if database_url:
            databases.plain_url(database_url)
        if broker_url := self._environ.get("REDIS_URL"):
            brokers.refuse_malformed(broker_url)
        self._home = home.open_home(home.chosen(self._environ), embeds_database=not database_url)
        stack.callback(self._home.release)
        found = orphans.end_left_behind(self._home.state / "processes.json", self._home.postgres / "data")
        if found:
            self._console.say(f"ended what an earlier run left behind: {', '.join(found)}")
        held = ports.hold_port(self._environ.get("WEB_HOST") or processes.DEFAULTS["WEB_HOST"], port)
        stack.callback(held.close)
        if database_url:
            databases.refuse_unusable(database_url)
        if broker_url and not brokers.answers(broker_url):
            self._console.say("the broker of REDIS_URL does not answer; orders are taken and wait until it does")

    def _make_supervisor(self, stack: contextlib.ExitStack) -> supervisor.Supervisor:
        made = supervisor.Supervisor(
            self._console, self._home.state / "processes.json", self._home.log("supervisor"), self._env[orphans.MARK]
        )
        stack.callback(made.close)
        return made

    @property
    def _development(self) -> bool:
        return environment.is_development(self._env)

    # --- start ---

    def _start(self) -> None:
        self._env |= self._servers.start(self._supervisor, self._home, self._env)
        self._check_connections()
        accounts = self._accounts()
        early = [program for program in processes.PROGRAMS if program.development_only]
        if self._development:
            self._start_programs(early)
        self._migrate()
        self._fill_demo()
        if self._development:
            self._write_demo(accounts)
        self._start_web_first([program for program in processes.PROGRAMS if program not in early])
        self._wait_until_ready()
        took = time.monotonic() - self._began
        self._console.plain(demo_file.banner(self._base_url(), self._env["GATEWAY_URL"], accounts, self._home.logs))
        self._supervisor.log(f"ready after {took:.1f} s")

    def _check_connections(self) -> None:
        """The pools must fit into the server, with some room for people and tools."""
        allowed = databases.connections_allowed(self._env["DATABASE_URL"]) - _SPARE_CONNECTIONS
        if self._connections > allowed:
            raise CannotStart(
                f"The shop's processes may take {self._connections} database connections and the server has room for "
                f"{allowed}; lower WEB_WORKERS, POOL_SIZE or the worker slots, or raise max_connections."
            )

    def _accounts(self) -> Mapping[str, Mapping[str, Any]]:
        if not self._development:
            return {}
        return ACCOUNTS

    def _migrate(self) -> None:
        newest = databases.newest_revision(ROOT / "migrations" / "versions")
        url = self._env["DATABASE_URL"]
        if newest is None or databases.revision(url) != newest or not databases.has_roles(url):
            self._supervisor.log("bringing the database up to date")
            self._supervisor.run_once(self._command_child("migrate"), seconds=600)

    def _fill_demo(self) -> None:
        """Fill a database's demo shop once; the note names database and edition, so that another one is filled, too."""
        if not self._development:
            return
        note = self._home.state / "demo-filled"
        database = f"{databases.identity(self._env['DATABASE_URL'])} {_DEMO_EDITION}"
        with contextlib.suppress(OSError):
            if note.read_text() == database:
                return
        self._supervisor.log("filling the demo shop, once")
        self._supervisor.run_once(self._command_child("demo"), seconds=300)
        with contextlib.suppress(OSError):
            note.write_text(database)

    def _write_demo(self, accounts: Mapping[str, Mapping[str, Any]]) -> None:
        gateway = self._env["GATEWAY_URL"]
        try:
            demo_file.write(self._home.demo, base_url=self._base_url(), gateway_url=gateway, accounts=accounts)
        except OSError as error:
            raise CannotStart(f"{self._home.demo} cannot be written: {error.strerror or error}.") from error

    def _start_web_first(self, programs: list[processes.Program]) -> None:
        """Pages before workers: on two cores they would slow each other's start down, and orders can wait."""
        web, *others = programs
        self._start_programs([web])
        self._supervisor.wait_for(lambda: readiness.is_ready(int(self._env["PORT"])), seconds=_HEAD_START, every=0.1)
        self._start_programs(others)

    def _wait_until_ready(self) -> None:
        port = int(self._env["PORT"])
        steady = self._supervisor.wait_for(
            lambda: readiness.is_ready(port) or not self._supervisor.steady("web"), seconds=90, every=0.1
        )
        if not steady or not self._supervisor.steady("web"):
            web = self._supervisor.children["web"]
            raise CannotStart(f"The shop did not become ready: {web.said_last()} (see {web.log.path}).")

    # --- while it runs ---

    def _serve(self, stack: contextlib.ExitStack) -> None:
        queues = {program.name: program.queues for program in processes.PROGRAMS if program.queues}
        watch = CanaryWatch(self._env["DATABASE_URL"], queues)
        stack.callback(watch.end)
        watch.start()
        self._supervisor.run(lambda: self._restart_silent(watch))

    def _restart_silent(self, watch: CanaryWatch) -> None:
        for name in watch.silent:
            child = self._supervisor.children[name]
            if child.running and child.uptime > _SUSPECT_AFTER:
                self._supervisor.restart(name, "it lives but serves none of its queues")

    # --- children ---

    def _start_programs(self, programs: list[processes.Program]) -> None:
        for program in programs:
            child = Child(
                program.name, program.command(sys.executable, self._env), cwd=ROOT, env=self._env,
                log=self._home.log(program.name), stop_signal=program.stop_signal, grace=program.grace,
            )  # fmt: skip
            self._supervisor.start(child)

    def _command_child(self, name: str) -> Child:
        command = [sys.executable, "-m", "quickshop", name]
        return Child(
            name, command, cwd=ROOT, env=self._env, log=self._home.log(name), stop_signal=signal.SIGTERM, restarts=False
        )

    def _base_url(self) -> str:
        return self._env["PUBLIC_URL"].rstrip("/")


def recorded_processes(path: Path) -> dict[str, int]:
    """The running shop's processes by name, from its folder; empty when none runs."""
    try:
        noted = json.loads((path / "run" / "processes.json").read_text())
    except (OSError, ValueError):
        return {}
    alive = (process for process in noted["processes"] if orphans.start_time(process["pid"]) == process["started"])
    return {process["name"]: process["pid"] for process in alive}
