"""The environment of the shop's processes: what the operator set, else what suits a development shop."""

from __future__ import annotations

from collections.abc import Mapping

from quickshop.config import SettingsError, load_settings
from quickshop.runtime import development_secrets, orphans, ports, processes
from quickshop.runtime.failures import CannotStart
from quickshop.runtime.home import Home

DEMO_CURRENCIES = "EUR,GBP"  # the demo shop is priced in them too


def port(environ: Mapping[str, str]) -> int:
    """The port of pages and API. Raises CannotStart when PORT is no port."""
    named = environ.get("PORT") or processes.DEFAULTS["PORT"]
    if not named.isdecimal() or not 0 < int(named) < 65536:
        raise CannotStart(f"PORT must be a number from 1 to 65535, not {named!r}.")
    return int(named)


def build(environ: Mapping[str, str], home: Home, run: str) -> dict[str, str]:
    """Everything but the addresses of embedded servers, which are known once these run.

    `run` marks the processes. An empty value counts as not set. Raises CannotStart when secrets cannot be read.
    """
    own = port(environ)
    gateway_port = environ.get("GATEWAY_PORT") or _free_gateway_port(own)
    env = {
        "QUICKSHOP_ENV": "development",
        "PORT": str(own),
        "PUBLIC_URL": f"http://127.0.0.1:{own}",
        "GATEWAY_PORT": gateway_port,
        "GATEWAY_URL": f"http://127.0.0.1:{gateway_port}",
        "GATEWAY_WEBHOOK_URL": f"http://127.0.0.1:{own}/api/v1/payments/webhooks/simulator",
        "WEB_GRACEFUL_SECONDS": "5",
        # Celery then gives tasks under way its soft shutdown time instead of waiting without end.
        "REMAP_SIGTERM": "SIGQUIT",
        **{name: value for name, value in environ.items() if value},
        "QUICKSHOP_HOME": str(home.path),
        "PYTHONUNBUFFERED": "1",
        orphans.MARK: run,
    }
    if is_development(env):
        env = {"OTHER_CURRENCIES": DEMO_CURRENCIES, **development_secrets.load_or_make(home.secrets), **env}
    return env


def is_development(env: Mapping[str, str]) -> bool:
    """Whether demo shop and simulated gateway may exist."""
    return env["QUICKSHOP_ENV"] != "production"


def connections(env: Mapping[str, str]) -> int:
    """Check every setting; the database connections that all processes may hold together.

    Raises CannotStart with the sentence about the first setting that is missing or wrong.
    """
    embedded = {"DATABASE_URL": "postgresql:///", "REDIS_URL": "redis://"}
    try:
        settings = load_settings({**embedded, **env})
    except SettingsError as error:
        raise CannotStart(str(error)) from error
    return processes.connections_needed(env, settings.pool_size)


def _free_gateway_port(own: int) -> str:
    beside = own + 1
    return str(beside if beside < 65536 and ports.is_free("127.0.0.1", beside) else ports.free_port())
