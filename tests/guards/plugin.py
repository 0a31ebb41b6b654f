"""A pytest plugin: run the chosen tests without one of the shop's protections, and write down which failed."""

import json
from pathlib import Path

import pytest

from tests.guards.removals import GUARDS, removed

_outcomes = {}


def pytest_addoption(parser):
    parser.addoption("--without", choices=sorted(GUARDS), help="the protection to take away")
    parser.addoption("--outcomes", help="the file to write the outcome of each test to")


@pytest.fixture(scope="session", autouse=True)
def _without_a_guard(request, servers):
    name = request.config.getoption("--without")
    if name is None:
        yield
        return
    with removed(GUARDS[name], servers):
        yield


def pytest_runtest_logreport(report):
    # Parameters are one test; an error while it was set up proves nothing.
    test = report.nodeid.partition("[")[0]
    if report.when == "call":
        _outcomes.setdefault(test, set()).add(report.outcome)
    elif report.outcome == "failed":
        _outcomes.setdefault(test, set()).add("error")


def pytest_sessionfinish(session):
    path = session.config.getoption("--outcomes")
    if path:
        Path(path).write_text(json.dumps({test: sorted(found) for test, found in _outcomes.items()}))
