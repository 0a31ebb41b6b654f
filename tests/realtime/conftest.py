"""A web process with the live edge and a relay, shared by the tests of one file."""

import pytest

from tests.factories.children import Children
from tests.factories.histories import historian


@pytest.fixture(scope="module")
def children(servers, tmp_path_factory):
    """Processes of the shop that end with the file."""
    started = Children(servers, tmp_path_factory.mktemp("children"))
    yield started
    started.end()


@pytest.fixture(scope="module")
def web(children):
    """A web process."""
    return children.start("web")


@pytest.fixture(scope="module")
def second_web(children):
    """Another one, beside the first."""
    return children.start("web")


@pytest.fixture(scope="module")
def relay(children):
    """A relay that leads."""
    return children.start("relay")


@pytest.fixture
def history(servers, clean):
    """Who writes logs; the database is empty at first."""
    with historian(servers) as writer:
        yield writer
