"""What every test may ask for: servers, applications, an empty database, a client, a whole running shop."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis
import pytest

from blueprints import register
from quickshop.config import load_settings
from quickshop.factory import create_app
from quickshop.kernel import clock
from quickshop.payments.gateways import registry
from quickshop.shop import queries as shop_settings
from tests.factories.live import LiveShop
from tests.factories.scripted import ScriptedGateway
from tests.factories.servers import running_servers
from tests.groups import BROWSER, LIVE_SHOP, Grouped, group_of

# How long an example takes says more about what else this machine does than about the code.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_xdist_make_scheduler(config, log):
    """Let one worker run all tests that share costly processes, so that they start once."""
    return Grouped(config, log)


def pytest_collection_modifyitems(items):
    """What takes longest begins first: nothing long is left for the end, when other workers have no more to do."""
    items.sort(key=_turn)  # stable: the random order stays within


def _turn(item):
    group = group_of(item.nodeid)
    if group:
        return 0 if group in (BROWSER, LIVE_SHOP) else 1
    return 1 if item.path.parent.name in ("faults", "runtime", "races") else 2  # whole shops of their own, or waits


@pytest.fixture(scope="session")
def servers():
    """A real PostgreSQL and Valkey of this test process, migrated."""
    with running_servers() as pair:
        yield pair


@pytest.fixture(scope="session")
def settings(servers, tmp_path_factory):
    """The settings of the applications under test."""
    return load_settings(servers.environment(tmp_path_factory.mktemp("home")))


@pytest.fixture
def clean(servers):
    """An empty database and broker; what staff set before is forgotten with it."""
    servers.empty()
    shop_settings.forget()


@pytest.fixture(autouse=True)
def _push_request_context():
    """In place of pytest-flask's: one context over a whole test would be shared by all of its requests."""


@pytest.fixture(scope="session")
def edge_app(settings):
    """The application with the HTTP edge; one for all tests, as its pool may take nearly all of the connections."""
    return create_app([register], settings=settings)


@pytest.fixture
def app(edge_app, clean):
    """The application with the HTTP edge, and nothing in the database."""
    return edge_app


@pytest.fixture
def core(edge_app, clean):
    """The application with its context active, for tests of services, and nothing in the database."""
    with edge_app.app_context():
        yield edge_app


@pytest.fixture
def euros_too(edge_app, monkeypatch):
    """The shop takes euros beside its own dollars."""
    key = "quickshop.settings"
    monkeypatch.setitem(edge_app.extensions, key, replace(edge_app.extensions[key], other_currencies=("EUR",)))


@pytest.fixture
def client(app):
    """An HTTP client of `app`; each request has a context of its own."""
    return app.test_client()


@pytest.fixture
def later():
    """Sets the shop's clock to so long after the present: `later(days=6)`. Tokens go by the real clock."""
    before = clock.use(lambda: datetime.now(UTC))
    yield lambda **span: clock.use(lambda: datetime.now(UTC) + timedelta(**span))
    clock.use(before)


@pytest.fixture(scope="session")
def live_shop():
    """A whole shop as `make run` starts it, with its demo shop. Shared by tests: kill nothing of it."""
    with LiveShop(durable=False) as shop:
        yield shop


@pytest.fixture
def gateway(monkeypatch):
    """A scripted payment gateway in this process, in place of the simulator's client."""
    scripted = ScriptedGateway()
    monkeypatch.setitem(registry._MAKERS, registry.SIMULATOR, lambda settings: scripted)
    monkeypatch.setattr(registry, "_gateways", {})
    return scripted
