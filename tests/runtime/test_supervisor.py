"""The supervisor with small programs: restarts, refusals, and a stop that leaves nothing."""

import os
import signal
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from quickshop.runtime import orphans
from quickshop.runtime.children import Child
from quickshop.runtime.console import Console
from quickshop.runtime.failures import CannotStart
from quickshop.runtime.logs import LogFile
from quickshop.runtime.supervisor import StopRequested, Supervisor

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
SLEEPER = "import time; time.sleep(60)"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]); {SLEEPER}"


class Bench:
    """A supervisor whose children are one-line Python programs."""

    def __init__(self, folder):
        self.folder = folder
        self.run = os.urandom(8).hex()
        self.supervisor = Supervisor(Console({}), folder / "processes.json", LogFile(folder / "own.log"), self.run)

    def child(self, name, code, **options):
        env = {"PATH": os.environ["PATH"], orphans.MARK: self.run}
        log = LogFile(self.folder / f"{name}.log")
        return Child(name, [sys.executable, "-c", code], cwd=self.folder, env=env, log=log, **options)

    def start(self, name, code, **options):
        self.supervisor.start(self.child(name, code, **options))

    def pid(self, name):
        return self.supervisor.children[name].process.pid

    def wait(self, condition, seconds=30):
        assert self.supervisor.wait_for(condition, seconds=seconds)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.supervisor.stop(())
    made.supervisor.close()


def alive(pid):
    return orphans.start_time(pid) is not None


def test_what_dies_is_started_again_with_a_new_process(bench):
    bench.start("sleeper", SLEEPER)
    first = bench.pid("sleeper")
    os.kill(first, signal.SIGKILL)
    child = bench.supervisor.children["sleeper"]
    bench.wait(lambda: child.running and child.process.pid != first)
    assert child.deaths == 1


def test_what_keeps_dying_is_started_less_and_less_often(bench):
    bench.start("brief", "print('no')")
    child = bench.supervisor.children["brief"]
    starts = []

    def four_starts():
        if child.started_at not in starts:
            starts.append(child.started_at)
        return len(starts) == 4

    bench.wait(four_starts)
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses[0] >= 0.2
    assert pauses[2] > pauses[0]
    assert not bench.supervisor.steady("brief")


def test_a_dead_childs_own_children_are_ended_with_it(bench):
    bench.start("parent", PARENT)
    parent = bench.pid("parent")

    def group():
        return [int(p.name) for p in Path("/proc").glob("[0-9]*") if _group(p) == parent]

    bench.wait(lambda: len(group()) == 2)
    before = group()
    os.kill(parent, signal.SIGKILL)
    bench.wait(lambda: not any(alive(pid) for pid in before))


def _group(folder):
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[2])
    except OSError:
        return None


def test_every_line_is_kept_and_only_important_ones_are_shown(bench, capsys):
    bench.start("talker", f"print('INFO all is well'); print('ERROR a wheel came off', flush=True); {SLEEPER}")
    log = bench.folder / "talker.log"
    bench.wait(lambda: log.exists() and "wheel" in log.read_text())
    bench.supervisor.wait_for(lambda: False, seconds=0.2)
    shown = capsys.readouterr().out
    assert "all is well" in log.read_text()
    assert "talker    | ERROR a wheel came off" in shown
    assert "all is well" not in shown


def test_a_step_that_fails_is_reported_with_the_last_it_said(bench):
    child = bench.child(
        "migrate", "import sys; print('started', flush=True); sys.exit('no such column')", restarts=False
    )
    with pytest.raises(CannotStart, match=r"'migrate' failed: no such column"):
        bench.supervisor.run_once(child, seconds=10)


def test_a_stop_asks_first_then_kills_who_does_not_listen(bench):
    bench.start("polite", SLEEPER)
    bench.start("stubborn", STUBBORN, grace=0.5)
    log = bench.folder / "stubborn.log"
    bench.wait(lambda: log.exists() and "up" in log.read_text())
    pids = [bench.pid("polite"), bench.pid("stubborn")]
    began = time.monotonic()
    bench.supervisor.stop(())
    assert 0.5 <= time.monotonic() - began < 10
    assert not any(alive(pid) for pid in pids)
    assert not (bench.folder / "processes.json").exists()


def test_servers_stop_after_the_programs_that_write_to_them(bench):
    code = (
        "import signal, sys, time;"
        "signal.signal(signal.SIGTERM, lambda *_: (print('stopped', time.time()), sys.exit()));"
        "print('up', flush=True); time.sleep(60)"
    )
    for name in ("web", "postgres"):
        bench.start(name, code)
    logs = {name: bench.folder / f"{name}.log" for name in ("web", "postgres")}
    bench.wait(lambda: all(log.exists() and "up" in log.read_text() for log in logs.values()))
    bench.supervisor.stop(("postgres",))
    stopped = {name: float(log.read_text().split()[-1]) for name, log in logs.items()}
    assert stopped["web"] < stopped["postgres"]


def test_a_signal_ends_the_waiting(bench):
    with bench.supervisor.signals():
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGTERM]).start()
        with pytest.raises(StopRequested):
            bench.supervisor.wait_for(lambda: False, seconds=10)


def test_a_second_ctrl_c_stops_at_once_but_an_echo_of_the_first_does_not(bench):
    with bench.supervisor.signals():
        bench.start("stubborn", STUBBORN, grace=60)
        log = bench.folder / "stubborn.log"
        bench.wait(lambda: log.exists() and "up" in log.read_text())
        for delay in (0.0, 0.1, 1.5):
            threading.Timer(delay, os.kill, [os.getpid(), signal.SIGINT]).start()
        began = time.monotonic()
        with pytest.raises(StopRequested):
            bench.supervisor.wait_for(lambda: False, seconds=10)
        bench.supervisor.stop(())
    assert 1.3 <= time.monotonic() - began < 15


def test_what_an_earlier_run_left_is_found_by_its_record_and_ended(bench, tmp_path):
    bench.start("sleeper", SLEEPER)
    pid, record = bench.pid("sleeper"), bench.folder / "processes.json"
    assert orphans.end_left_behind(record, tmp_path / "no-cluster") == ["sleeper"]
    bench.wait(lambda: not alive(pid))
    assert orphans.end_left_behind(record, tmp_path / "no-cluster", seconds=1) == []


def test_a_stranger_with_a_recorded_process_number_is_left_alone(bench, tmp_path):
    bench.start("sleeper", SLEEPER)
    record = bench.folder / "processes.json"
    started = orphans.start_time(bench.pid("sleeper"))
    record.write_text(record.read_text().replace(f'"started": {started}', '"started": 1').replace(bench.run, "other"))
    assert orphans.end_left_behind(record, tmp_path / "no-cluster", seconds=1) == []
    assert alive(bench.pid("sleeper"))


def test_logs_are_rotated_and_a_full_disk_loses_lines_only(tmp_path, monkeypatch):
    monkeypatch.setattr("quickshop.runtime.logs._LARGEST", 100)
    log = LogFile(tmp_path / "x.log")
    for number in range(30):
        log.write(f"line {number:>20}\n".encode())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.log", "x.log.1", "x.log.2", "x.log.3"]
    assert log.tail(1) == [f"line {29:>20}"]
    log.close()
    LogFile(tmp_path / "missing" / "y.log").write(b"lost")
