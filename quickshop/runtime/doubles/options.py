"""The settings of the doubles, read once from the environment. Times are in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_LONGEST_WAIT = 3600.0
_WEBHOOK_PATH = "/api/v1/payments/webhooks/simulator"
_LOOPBACK_NAMES = ("127.0.0.1", "localhost")


class OptionsError(Exception):
    """A setting is missing or wrong; the message is one sentence an operator can act on."""


@dataclass(frozen=True)
class Options:
    """Everything that can be set; docs/gateway.md has the table."""

    journal: Path
    mail_file: Path
    carrier_journal: Path
    public_url: str  # where a browser reaches the doubles
    shop_url: str  # where a browser reaches the shop
    webhook_url: str  # where the shop takes webhooks
    webhook_secret: str = field(repr=False)
    webhook_backoff: float = 0.5  # first pause between two deliveries; doubles each time
    hang: float = 60.0  # how long a call that is never answered stays open
    slow: float = 20.0  # how long tok_slow thinks
    late: float = 2.0  # how long after its answer tok_late is decided
    carrier_step: float = 20.0  # how long a parcel stays in each state by itself; 0: for ever
    latency: float = 0.0  # added to every call that moves money

    @property
    def shop_origins(self) -> frozenset[str]:
        """Origins whose pages may ask for card tokens: the shop's, under either name of the loopback address."""
        parts = urlsplit(self.shop_url)
        port = f":{parts.port}" if parts.port else ""
        hosts = _LOOPBACK_NAMES if parts.hostname in _LOOPBACK_NAMES else (parts.hostname or "",)
        return frozenset(f"{parts.scheme}://{host}{port}" for host in hosts)


def _seconds(env: Mapping[str, str], name: str, default: float, unit: float = 1.0) -> float:
    try:
        value = float(env.get(name) or default / unit) * unit
    except ValueError:
        raise OptionsError(f"{name} must be a number, not {env[name]!r}.") from None
    if not 0 <= value <= _LONGEST_WAIT:
        raise OptionsError(f"{name} must be between 0 and {_LONGEST_WAIT / unit:g}.")
    return value


def _address(env: Mapping[str, str], names: tuple[str, ...], default: str) -> str:
    value = next((env[name] for name in names if env.get(name)), default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionsError(f"{names[0]} must be an http address, not {value!r}.")
    return value


def load_options(env: Mapping[str, str]) -> Options:
    """Read and check the settings. Raises OptionsError, always so outside development: doubles take no real money."""
    if env.get("QUICKSHOP_ENV") not in ("development", "testing"):
        raise OptionsError("The simulated gateway runs only with QUICKSHOP_ENV set to development or testing.")
    # While a secret is being changed there are two, by comma; the first one signs.
    secret = (env.get("GATEWAY_WEBHOOK_SECRET") or "").split(",")[0]
    if not secret:
        raise OptionsError("GATEWAY_WEBHOOK_SECRET is not set.")
    home = Path(env.get("QUICKSHOP_HOME") or ".quickshop").absolute()
    shop_url = _address(env, ("SHOP_URL", "PUBLIC_URL"), f"http://127.0.0.1:{env.get('PORT') or 8000}")
    gateway_port = env.get("GATEWAY_PORT") or 8010
    return Options(
        journal=home / "gateway" / "ledger.jsonl",
        carrier_journal=home / "gateway" / "carrier.jsonl",
        mail_file=Path(env.get("MAIL_FILE") or home / "outbox.jsonl"),
        public_url=_address(env, ("GATEWAY_URL",), f"http://127.0.0.1:{gateway_port}"),
        shop_url=shop_url,
        webhook_url=_address(env, ("GATEWAY_WEBHOOK_URL",), shop_url + _WEBHOOK_PATH),
        webhook_secret=secret,
        webhook_backoff=_seconds(env, "GATEWAY_WEBHOOK_BACKOFF_SECONDS", 0.5),
        hang=_seconds(env, "GATEWAY_HANG_SECONDS", 60.0),
        slow=_seconds(env, "GATEWAY_SLOW_SECONDS", 20.0),
        late=_seconds(env, "GATEWAY_LATE_SECONDS", 2.0),
        carrier_step=_seconds(env, "CARRIER_STEP_SECONDS", 20.0),
        latency=_seconds(env, "GATEWAY_LATENCY_MS", 0.0, unit=0.001),
    )
