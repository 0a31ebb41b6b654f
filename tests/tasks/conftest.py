"""The shop's processes as children of one test, and who writes hints and histories."""

import pytest
import redis

from tests.factories.children import Children
from tests.factories.histories import historian


@pytest.fixture
def children(servers, clean, tmp_path):
    """Processes of the shop that end with the test."""
    started = Children(servers, tmp_path)
    yield started
    started.end()


@pytest.fixture
def broker(servers):
    """The broker, looked at from outside."""
    return redis.Redis.from_url(servers.redis)


@pytest.fixture
def history(servers, clean):
    """Who writes logs and hints."""
    with historian(servers) as writer:
        yield writer
