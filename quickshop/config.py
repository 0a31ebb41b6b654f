"""Settings: read once from the environment, checked, and frozen. Nothing here touches the network or Flask."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_DEVELOPMENT_SECRET = "development-only-secret-never-used-outside-tests"  # noqa: S105 - refused in production
_DEVELOPMENT_KEY = "dev:" + base64.b64encode(b"quickshop-development-master-key").decode()
_SHORTEST_SECRET = 32


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one sentence an operator can act on."""


@dataclass(frozen=True)
class RateLimits:
    """One named profile of request limits, in flask-limiter's notation."""

    default: str
    auth: str
    checkout: str
    search: str


LIMIT_PROFILES = {
    "strict": RateLimits(default="300/minute", auth="10/minute", checkout="30/minute", search="120/minute"),
    # Hundreds of simulated buyers share one loopback address in the demo shop.
    "demo": RateLimits(default="600000/minute", auth="60000/minute", checkout="300000/minute", search="600000/minute"),
}


@dataclass(frozen=True)
class Settings:
    """Everything an operator can set. Field docs are the source of the table in docs/operations.md."""

    env: str  # QUICKSHOP_ENV: development, testing or production (the default when unset)
    home: Path  # QUICKSHOP_HOME: folder of data, logs and demo.json
    database_url: str  # DATABASE_URL, rewritten to the psycopg2 dialect
    redis_url: str  # REDIS_URL: broker, socket bus and limiter storage
    secret_key: str = field(repr=False)  # SECRET_KEY: signs tokens, cart and order tokens, CSRF
    master_keys: tuple[tuple[str, bytes], ...] = field(repr=False)  # MASTER_KEYS: id:base64, first is current
    index_key: bytes = field(repr=False)  # INDEX_KEY: base64 of 32 bytes; keys the blind indexes, never changes
    public_url: str  # PUBLIC_URL: how the outside world reaches the shop; used in mails and links
    gateway_url: str  # GATEWAY_URL: base of the simulated payment gateway
    gateway_webhook_secrets: tuple[str, ...] = field(repr=False)  # GATEWAY_WEBHOOK_SECRET: up to two, by comma
    mail_backend: str  # MAIL_BACKEND: file, smtp or sink
    mail_file: Path  # MAIL_FILE: where the file backend appends
    smtp_url: str  # SMTP_URL: smtp://user:password@host:port
    mail_from: str  # MAIL_FROM
    limits_profile: str  # LIMITS_PROFILE: strict or demo
    guests_may_order: bool  # GUESTS_MAY_ORDER: 1 or 0
    members_need_verified_email: bool  # MEMBERS_NEED_VERIFIED_EMAIL: 1 or 0
    hold_minutes: int  # HOLD_MINUTES: how long a stock hold at checkout lives
    lease_seconds: int  # LEASE_SECONDS: how long a worker owns a processing step
    high_value_minor: int  # HIGH_VALUE_MINOR: orders from this total (minor units) are high priority
    vip_spend_minor: int  # VIP_SPEND_MINOR: lifetime spend from which a customer is VIP
    promote_seconds: int  # PROMOTE_SECONDS: waiting this long lifts an order one class
    trusted_proxies: int  # TRUSTED_PROXIES: how many proxies in front set X-Forwarded-* headers
    cors_origins: tuple[str, ...]  # CORS_ORIGINS: extra origins allowed on the socket, by comma
    secure_cookies: bool  # SECURE_COOKIES: 1 behind HTTPS (names then start with __Host-)
    pool_size: int  # POOL_SIZE: database connections kept per process
    idle_minutes_web: int = 30  # IDLE_MINUTES_WEB: a browser's session ends after so long without use
    idle_minutes_staff: int = 15  # IDLE_MINUTES_STAFF: the same for whoever has a role
    catalogue_cache_seconds: float = 1.0  # CATALOGUE_CACHE_SECONDS: how long a catalogue answer is kept, 0 to 1
    base_currency: str = "USD"  # BASE_CURRENCY: ISO 4217 code of the shop's prices

    @property
    def development(self) -> bool:
        """Whether demo accounts, test cards and the mailbox may exist."""
        return self.env in ("development", "testing")

    @property
    def limits(self) -> RateLimits:
        """The request limits in force."""
        return LIMIT_PROFILES[self.limits_profile]


def rewrite_database_url(url: str) -> str:
    """Name the psycopg2 dialect explicitly: SQLAlchemy 2.1 takes a bare `postgresql://` for psycopg 3."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg2://" + url[len(scheme) :]
    return url


def _flag(env: Mapping[str, str], name: str, default: bool) -> bool:
    raw = env.get(name, "1" if default else "0")
    if raw not in ("0", "1"):
        raise SettingsError(f"{name} must be 0 or 1, not {raw!r}.")
    return raw == "1"


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    raw = env.get(name, str(default))
    try:
        value = int(raw)
    except ValueError:
        raise SettingsError(f"{name} must be a whole number, not {raw!r}.") from None
    if not low <= value <= high:
        raise SettingsError(f"{name} must be between {low} and {high}, not {value}.")
    return value


def _seconds(env: Mapping[str, str], name: str, default: float, most: float) -> float:
    raw = env.get(name) or str(default)
    try:
        value = float(raw)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise SettingsError(f"{name} must be a number of seconds from 0 to {most:g}, not {raw!r}.")
    return value


def _choice(env: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = env.get(name) or default
    if value not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def _required(env: Mapping[str, str], name: str, development: str | None) -> str:
    value = env.get(name) or development
    if not value:
        raise SettingsError(f"{name} is not set; outside development the shop does not start without it.")
    return value


def _secret(env: Mapping[str, str], name: str, development: bool) -> str:
    value = _required(env, name, _DEVELOPMENT_SECRET if development else None)
    if not development and (len(value) < _SHORTEST_SECRET or value == _DEVELOPMENT_SECRET):
        raise SettingsError(f"{name} is too short or a known default; use {_SHORTEST_SECRET} random characters.")
    return value


def _master_keys(env: Mapping[str, str], development: bool) -> tuple[tuple[str, bytes], ...]:
    raw = _required(env, "MASTER_KEYS", _DEVELOPMENT_KEY if development else None)
    keys = []
    for part in raw.split(","):
        key_id, _, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise SettingsError("MASTER_KEYS must be id:base64 pairs separated by commas.") from None
        if not key_id or len(key) != 32:
            raise SettingsError("Each of MASTER_KEYS must have an id and 32 bytes in base64.")
        keys.append((key_id, key))
    return tuple(keys)


def _index_key(env: Mapping[str, str], development: bool) -> bytes:
    raw = _required(env, "INDEX_KEY", _DEVELOPMENT_KEY.partition(":")[2] if development else None)
    try:
        key = base64.b64decode(raw, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise SettingsError("INDEX_KEY must be 32 bytes in base64.")
    return key


def load_settings(env: Mapping[str, str]) -> Settings:
    """Read and check all settings. Raises SettingsError with one clear sentence."""
    mode = _choice(env, "QUICKSHOP_ENV", "production", ("development", "testing", "production"))
    development = mode != "production"
    home = Path(env.get("QUICKSHOP_HOME") or ".quickshop").absolute()
    port = _number(env, "PORT", 8000, 0, 65535)
    return Settings(
        env=mode,
        home=home,
        database_url=rewrite_database_url(_required(env, "DATABASE_URL", None)),
        redis_url=_required(env, "REDIS_URL", None),
        secret_key=_secret(env, "SECRET_KEY", development),
        master_keys=_master_keys(env, development),
        index_key=_index_key(env, development),
        public_url=(env.get("PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
        gateway_url=(env.get("GATEWAY_URL") or "http://127.0.0.1:8010").rstrip("/"),
        gateway_webhook_secrets=tuple(_secret(env, "GATEWAY_WEBHOOK_SECRET", development).split(",")),
        mail_backend=_choice(env, "MAIL_BACKEND", "file" if development else "smtp", ("file", "smtp", "sink")),
        mail_file=Path(env.get("MAIL_FILE") or home / "outbox.jsonl"),
        smtp_url=env.get("SMTP_URL") or "smtp://127.0.0.1:1025",
        mail_from=env.get("MAIL_FROM") or "QuickShop <hello@quickshop.example>",
        limits_profile=_choice(env, "LIMITS_PROFILE", "demo" if development else "strict", tuple(LIMIT_PROFILES)),
        guests_may_order=_flag(env, "GUESTS_MAY_ORDER", True),
        members_need_verified_email=_flag(env, "MEMBERS_NEED_VERIFIED_EMAIL", True),
        hold_minutes=_number(env, "HOLD_MINUTES", 15, 1, 240),
        lease_seconds=_number(env, "LEASE_SECONDS", 30, 1, 600),
        high_value_minor=_number(env, "HIGH_VALUE_MINOR", 50_000, 1, 10**12),
        vip_spend_minor=_number(env, "VIP_SPEND_MINOR", 200_000, 1, 10**12),
        promote_seconds=_number(env, "PROMOTE_SECONDS", 60, 1, 3600),
        trusted_proxies=_number(env, "TRUSTED_PROXIES", 0, 0, 5),
        cors_origins=tuple(o.strip() for o in env.get("CORS_ORIGINS", "").split(",") if o.strip()),
        secure_cookies=_flag(env, "SECURE_COOKIES", not development),
        pool_size=_number(env, "POOL_SIZE", 10, 1, 200),
        idle_minutes_web=_number(env, "IDLE_MINUTES_WEB", 30, 1, 1440),
        idle_minutes_staff=_number(env, "IDLE_MINUTES_STAFF", 15, 1, 1440),
        catalogue_cache_seconds=_seconds(env, "CATALOGUE_CACHE_SECONDS", 1.0, 1.0),
        base_currency=env.get("BASE_CURRENCY") or "USD",
    )
