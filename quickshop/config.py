"""Settings: read once from the environment, checked, and frozen. Nothing here touches the network or Flask."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_DEVELOPMENT_SECRET = "development-only-secret-never-used-outside-tests"  # noqa: S105 - refused in production
_DEVELOPMENT_KEY = "dev:" + base64.b64encode(b"quickshop-development-master-key").decode()
_SHORTEST_SECRET = 32
_SHORTEST_PASSWORD = 12
_SHORTEST_PROVIDER_KEY = 12
_KNOWN_PASSWORDS = frozenset({"quickshop", "postgres", "postgresql", "password", "changeme", "administrator"})
_FEWEST_SIGNS = 8  # a secret of fewer different ones was typed, not made
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?").fullmatch
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,40}").fullmatch
_CURRENCY = re.compile(r"[A-Z]{3}").fullmatch
_TWILIO_SID = re.compile(r"AC[0-9a-f]{32}").fullmatch
_SMS_SENDER = re.compile(r"\+?[0-9]{3,15}|[A-Za-z][A-Za-z0-9 ]{0,10}").fullmatch
_OWN_HOSTS = ("localhost", "127.", "[::1]", "::1", "0.0.0.0")  # noqa: S104 - compared, not bound


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one sentence an operator can act on."""


@dataclass(frozen=True)
class RateLimits:
    """One named profile of request limits, in flask-limiter's notation."""

    default: str
    auth: str
    checkout: str
    search: str
    media: str = "3000/minute"  # pictures of products: two dozen a page


LIMIT_PROFILES = {
    "strict": RateLimits(default="300/minute", auth="10/minute", checkout="30/minute", search="120/minute"),
    # Hundreds of simulated buyers share one loopback address in the demo shop.
    # Load programs read 5,000 pages a second there for minutes.
    "demo": RateLimits(
        default="6000000/minute", auth="60000/minute", checkout="300000/minute", search="6000000/minute"
    ),
}


@dataclass(frozen=True)
class Settings:
    """Everything an operator can set. Field docs are the source of the table in docs/operations.md."""

    env: str  # QUICKSHOP_ENV: development, testing or production (the default when unset)
    home: Path  # QUICKSHOP_HOME: folder of data, logs and demo.json
    database_url: str = field(repr=False)  # DATABASE_URL, rewritten to the psycopg2 dialect
    redis_url: str = field(repr=False)  # REDIS_URL: broker, socket bus and limiter storage
    secret_key: str = field(repr=False)  # SECRET_KEY: signs tokens, cart and order tokens, CSRF
    master_keys: tuple[tuple[str, bytes], ...] = field(repr=False)  # MASTER_KEYS: id:base64, first is current
    index_key: bytes = field(repr=False)  # INDEX_KEY: base64 of 32 bytes; keys the blind indexes, never changes
    public_url: str  # PUBLIC_URL: how the outside world reaches the shop; used in mails and links
    gateway_url: str  # GATEWAY_URL: base of the simulated payment gateway
    gateway_webhook_secrets: tuple[str, ...] = field(repr=False)  # GATEWAY_WEBHOOK_SECRET: up to two, by comma
    mail_backend: str  # MAIL_BACKEND: file, smtp or sink
    mail_file: Path  # MAIL_FILE: where the file backend appends
    smtp_url: str = field(repr=False)  # SMTP_URL: smtp://user:password@host:port
    mail_from: str  # MAIL_FROM
    sms_backend: str  # SMS_BACKEND: file, twilio or none
    sms_from: str  # SMS_FROM: the number or name that text messages come from
    twilio_api_url: str  # TWILIO_API_URL
    twilio_account_sid: str  # TWILIO_ACCOUNT_SID
    twilio_auth_token: str = field(repr=False)  # TWILIO_AUTH_TOKEN
    push_backend: str  # PUSH_BACKEND: file or none
    limits_profile: str  # LIMITS_PROFILE: strict or demo
    guests_may_order: bool  # GUESTS_MAY_ORDER: 1 or 0
    members_need_verified_email: bool  # MEMBERS_NEED_VERIFIED_EMAIL: 1 or 0
    hold_minutes: int  # HOLD_MINUTES: how long a stock hold at checkout lives
    hold_most_minutes: int  # HOLD_MOST_MINUTES: how long a cart may hold its stock however often it extends the hold
    guest_cart_days: int  # GUEST_CART_DAYS: how long a guest's cart that nobody touches is kept
    lease_seconds: int  # LEASE_SECONDS: how long a worker owns a processing step
    high_value_minor: int  # HIGH_VALUE_MINOR: orders from this total (minor units) are high priority
    vip_spend_minor: int  # VIP_SPEND_MINOR: lifetime spend from which a customer is VIP
    promote_seconds: int  # PROMOTE_SECONDS: waiting this long lifts an order one class
    trusted_proxies: int  # TRUSTED_PROXIES: how many proxies in front set X-Forwarded-* headers
    cors_origins: tuple[str, ...]  # CORS_ORIGINS: extra origins allowed on the socket, by comma
    secure_cookies: bool  # SECURE_COOKIES: 1 behind HTTPS (names then start with __Host-)
    pool_size: int  # POOL_SIZE: database connections kept per process
    passkey_rp_id: str = ""  # PASSKEY_RP_ID: the name that passkeys are bound to; empty where the address is a number
    passkey_origins: tuple[str, ...] = ()
    idle_minutes_web: int = 30  # IDLE_MINUTES_WEB: a browser's session ends after so long without use
    idle_minutes_staff: int = 15  # IDLE_MINUTES_STAFF: the same for whoever has a role
    catalogue_cache_seconds: float = 1.0  # CATALOGUE_CACHE_SECONDS: how long a catalogue answer is kept, 0 to 1
    reviews_moderated: bool = False  # REVIEWS_MODERATED: 1 holds every review back until staff have read it
    low_stock_at: int = 5  # LOW_STOCK_AT: with so many units of a variant or fewer staff are told
    payment_provider: str = "simulator"  # PAYMENT_PROVIDER: who takes new payments, simulator or stripe
    stripe_secret_key: str = field(default="", repr=False)  # STRIPE_SECRET_KEY: the shop's own, never a page's
    stripe_publishable_key: str = ""  # STRIPE_PUBLISHABLE_KEY: what Stripe's card form on the page is given
    stripe_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)  # STRIPE_WEBHOOK_SECRET: up to two
    stripe_api_url: str = "https://api.stripe.com"  # STRIPE_API_URL
    webhook_private_addresses: bool = False  # WEBHOOK_PRIVATE_ADDRESSES: 1 lets webhooks reach the shop's own network
    carrier: str = "manual"  # CARRIER: who carries parcels, manual (staff say what becomes of them) or simulator
    carrier_url: str = ""  # CARRIER_URL: base of the simulated carrier
    base_currency: str = "USD"  # BASE_CURRENCY: ISO 4217 code of the shop's prices
    other_currencies: tuple[str, ...] = ()  # OTHER_CURRENCIES: what else carts may be in, by comma

    @property
    def development(self) -> bool:
        """Whether demo accounts, test cards and the mailbox may exist."""
        return self.env in ("development", "testing")

    @property
    def currencies(self) -> tuple[str, ...]:
        """What carts may be in; the base currency first."""
        return (self.base_currency, *self.other_currencies)

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
    if not development and (len(value) < _SHORTEST_SECRET or _guessable(value)):
        raise SettingsError(f"{name} is too short or a known default; use {_SHORTEST_SECRET} random characters.")
    return value


def _guessable(value: str) -> bool:
    return value == _DEVELOPMENT_SECRET or len(set(value)) < _FEWEST_SIGNS


def _secrets(env: Mapping[str, str], name: str, development: bool, most: int) -> tuple[str, ...]:
    raw = _required(env, name, _DEVELOPMENT_SECRET if development else None)
    values = tuple(_secret({name: part.strip()}, name, development) for part in raw.split(","))
    if len(values) > most:
        raise SettingsError(f"{name} takes {most} secrets at most.")
    return values


def _master_keys(env: Mapping[str, str], development: bool) -> tuple[tuple[str, bytes], ...]:
    raw = _required(env, "MASTER_KEYS", _DEVELOPMENT_KEY if development else None)
    keys = []
    for part in raw.split(","):
        key_id, _, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise SettingsError("MASTER_KEYS must be id:base64 pairs separated by commas.") from None
        if not _KEY_ID(key_id) or len(key) != 32:
            raise SettingsError("Each of MASTER_KEYS must have an id and 32 bytes in base64.")
        _refuse_known_key("MASTER_KEYS", key, development)
        keys.append((key_id, key))
    if len({key_id for key_id, _ in keys}) < len(keys):
        raise SettingsError("Two of MASTER_KEYS have the same id.")
    return tuple(keys)


def _refuse_known_key(name: str, key: bytes, development: bool) -> None:
    known = base64.b64decode(_DEVELOPMENT_KEY.partition(":")[2])
    if not development and (key == known or len(set(key)) < _FEWEST_SIGNS):
        raise SettingsError(f"{name} holds a key that is a known default or not random; make one of 32 random bytes.")


def _index_key(env: Mapping[str, str], development: bool) -> bytes:
    raw = _required(env, "INDEX_KEY", _DEVELOPMENT_KEY.partition(":")[2] if development else None)
    try:
        key = base64.b64decode(raw, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise SettingsError("INDEX_KEY must be 32 bytes in base64.")
    _refuse_known_key("INDEX_KEY", key, development)
    return key


def _origins(env: Mapping[str, str]) -> tuple[str, ...]:
    found = tuple(o.strip() for o in env.get("CORS_ORIGINS", "").split(",") if o.strip())
    for origin in found:
        if not _ORIGIN(origin):
            raise SettingsError(f"CORS_ORIGINS names whole origins such as https://app.example, not {origin!r}.")
    return found


def _address(env: Mapping[str, str], name: str, development: str | None) -> str:
    value = _required(env, name, development).rstrip("/")
    if not _ORIGIN(value):
        raise SettingsError(f"{name} must be of the form https://host or https://host:port.")
    return value


_STRIPE_KEYS = {
    "STRIPE_SECRET_KEY": ("sk_", "rk_"),
    "STRIPE_PUBLISHABLE_KEY": ("pk_",),
    "STRIPE_WEBHOOK_SECRET": ("whsec_",),
}


def _stripe_key(env: Mapping[str, str], name: str, needed: bool) -> str:
    value = env.get(name, "").strip()
    if needed and not value:
        raise SettingsError(f"{name} is not set; PAYMENT_PROVIDER stripe needs it.")
    for part in value.split(",") if value else []:
        if not part.strip().startswith(_STRIPE_KEYS[name]) or len(part.strip()) < _SHORTEST_PROVIDER_KEY:
            raise SettingsError(f"{name} does not look like one of Stripe's: it begins with {_STRIPE_KEYS[name][0]}.")
    return value


def _stripe(env: Mapping[str, str], needed: bool) -> dict[str, Any]:
    secrets = tuple(p.strip() for p in _stripe_key(env, "STRIPE_WEBHOOK_SECRET", needed).split(",") if p.strip())
    if len(secrets) > 2:
        raise SettingsError("STRIPE_WEBHOOK_SECRET takes 2 secrets at most.")
    return {
        "stripe_secret_key": _stripe_key(env, "STRIPE_SECRET_KEY", needed),
        "stripe_publishable_key": _stripe_key(env, "STRIPE_PUBLISHABLE_KEY", needed),
        "stripe_webhook_secrets": secrets,
        "stripe_api_url": _address(env, "STRIPE_API_URL", "https://api.stripe.com"),
    }


def _texting(env: Mapping[str, str], development: bool) -> dict[str, Any]:
    """Text messages. Raises SettingsError where the provider is named without what it asks for."""
    backend = _choice(env, "SMS_BACKEND", "file" if development else "none", ("file", "twilio", "none"))
    sid, token, sender = (
        env.get("TWILIO_ACCOUNT_SID", "").strip(),
        env.get("TWILIO_AUTH_TOKEN", "").strip(),
        env.get("SMS_FROM", "").strip(),
    )
    if backend == "twilio" and not (sid and token and sender):
        raise SettingsError("SMS_BACKEND twilio needs TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and SMS_FROM.")
    if sid and not _TWILIO_SID(sid):
        raise SettingsError("TWILIO_ACCOUNT_SID does not look like one of Twilio's: AC and 32 hexadecimal digits.")
    if sender and not _SMS_SENDER(sender):
        raise SettingsError("SMS_FROM must be a number such as +15550100200, or a name of 11 letters at most.")
    if token and len(token) < _SHORTEST_PROVIDER_KEY:
        raise SettingsError("TWILIO_AUTH_TOKEN does not look like one of Twilio's: it is too short.")
    return {
        "sms_backend": backend,
        "sms_from": sender,
        "twilio_api_url": _address(env, "TWILIO_API_URL", "https://api.twilio.com"),
        "twilio_account_sid": sid,
        "twilio_auth_token": token,
    }


def _currency(env: Mapping[str, str]) -> str:
    value = env.get("BASE_CURRENCY") or "USD"
    if not _CURRENCY(value):
        raise SettingsError(f"BASE_CURRENCY must be an ISO 4217 code such as USD, not {value!r}.")
    return value


def _other_currencies(env: Mapping[str, str]) -> tuple[str, ...]:
    codes = (code.strip() for code in env.get("OTHER_CURRENCIES", "").split(","))
    found = tuple(dict.fromkeys(code for code in codes if code and code != _currency(env)))
    for code in found:
        if not _CURRENCY(code):
            raise SettingsError(f"OTHER_CURRENCIES holds ISO 4217 codes such as EUR, by comma; {code!r} is none.")
    return found


def _weak_password(url: str) -> bool:
    """Whether the address holds a password that is short or known. None at all is the server's own business."""
    try:
        password = unquote(urlsplit(url).password or "")
    except ValueError:
        return False
    return bool(password) and (len(password) < _SHORTEST_PASSWORD or password.casefold() in _KNOWN_PASSWORDS)


def _own_host(url: str) -> bool:
    return url.partition("://")[2].startswith(_OWN_HOSTS) or ".localhost" in url


def _refuse_unsafe(found: Settings) -> None:
    """What suits development and nothing else. Raises SettingsError with the first sentence that applies."""
    refusals = (
        (_weak_password(found.database_url), "DATABASE_URL holds a password that is short or a known default."),
        (_weak_password(found.redis_url), "REDIS_URL holds a password that is short or a known default."),
        (not found.public_url.startswith("https://"), "PUBLIC_URL must begin with https:// outside development."),
        (_own_host(found.public_url), "PUBLIC_URL must be an address that shoppers can reach."),
        (
            bool(found.gateway_url) and (not found.gateway_url.startswith("https://") or _own_host(found.gateway_url)),
            "GATEWAY_URL must be the https:// address of a payment provider; the simulated one is for development.",
        ),
        (
            not found.stripe_api_url.startswith("https://"),
            "STRIPE_API_URL must begin with https:// outside development.",
        ),
        (found.mail_backend != "smtp", "MAIL_BACKEND must be smtp outside development; others keep or lose mails."),
        (found.sms_backend == "file", "SMS_BACKEND must be twilio or none outside development."),
        (
            not found.twilio_api_url.startswith("https://"),
            "TWILIO_API_URL must begin with https:// outside development.",
        ),
        (found.push_backend == "file", "PUSH_BACKEND must be none outside development."),
        (found.mail_from.endswith(".example>"), "MAIL_FROM must be an address of your own outside development."),
        (found.carrier != "manual", "CARRIER must be manual outside development; the simulated one carries nothing."),
        (found.limits_profile != "strict", "LIMITS_PROFILE must be strict outside development."),
        (not found.secure_cookies, "SECURE_COOKIES must be 1 outside development."),
        (any(o.startswith("http://") for o in found.cors_origins), "CORS_ORIGINS must begin with https://."),
        (
            found.index_key in dict(found.master_keys).values(),
            "INDEX_KEY must be another key than those of MASTER_KEYS.",
        ),
        (
            found.secret_key in found.gateway_webhook_secrets,
            "GATEWAY_WEBHOOK_SECRET must be another secret than SECRET_KEY: the provider knows it.",
        ),
    )
    for unsafe, sentence in refusals:
        if unsafe:
            raise SettingsError(sentence)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _passkeys(env: Mapping[str, str], public_url: str, development: bool) -> tuple[str, tuple[str, ...]]:
    """What passkeys are bound to, and the origins they are used from.

    An address that is a number has none; in development `localhost` on the same port stands in for it.
    """
    parts = urlsplit(public_url)
    host, origin = parts.hostname or "", f"{parts.scheme}://{parts.netloc}"
    wanted = env.get("PASSKEY_RP_ID", "").strip().lower()
    if not _is_number(host):
        if wanted and host != wanted and not host.endswith(f".{wanted}"):
            raise SettingsError(f"PASSKEY_RP_ID must be the host of PUBLIC_URL or a domain above it, not {wanted!r}.")
        return wanted or host, (origin,)
    if wanted and not development:
        raise SettingsError("PASSKEY_RP_ID needs a PUBLIC_URL with a name, not a number.")
    if not development:
        return "", ()
    port = f":{parts.port}" if parts.port else ""
    return "localhost", (origin, f"{parts.scheme}://localhost{port}")


def _carrier_url(env: Mapping[str, str], development: bool) -> str:
    if not development:
        if env.get("CARRIER_URL"):
            raise SettingsError("CARRIER_URL is the simulated carrier's address, which is for development only.")
        return ""
    return _address(env, "CARRIER_URL", env.get("GATEWAY_URL") or "http://127.0.0.1:8010")


def load_settings(env: Mapping[str, str]) -> Settings:
    """Read and check all settings. Raises SettingsError with one clear sentence."""
    mode = _choice(env, "QUICKSHOP_ENV", "production", ("development", "testing", "production"))
    development = mode != "production"
    home = Path(env.get("QUICKSHOP_HOME") or ".quickshop").absolute()
    port = _number(env, "PORT", 8000, 0, 65535)
    public_url = _address(env, "PUBLIC_URL", f"http://127.0.0.1:{port}" if development else None)
    rp_id, origins = _passkeys(env, public_url, development)
    provider = _choice(env, "PAYMENT_PROVIDER", "simulator", ("simulator", "stripe"))
    simulated = development or provider == "simulator" or bool(env.get("GATEWAY_URL"))
    found = Settings(
        env=mode,
        home=home,
        database_url=rewrite_database_url(_required(env, "DATABASE_URL", None)),
        redis_url=_required(env, "REDIS_URL", None),
        secret_key=_secret(env, "SECRET_KEY", development),
        master_keys=_master_keys(env, development),
        index_key=_index_key(env, development),
        public_url=public_url,
        gateway_url=_address(env, "GATEWAY_URL", "http://127.0.0.1:8010" if development else None) if simulated else "",
        gateway_webhook_secrets=_secrets(env, "GATEWAY_WEBHOOK_SECRET", development, 2) if simulated else (),
        mail_backend=_choice(env, "MAIL_BACKEND", "file" if development else "smtp", ("file", "smtp", "sink")),
        mail_file=Path(env.get("MAIL_FILE") or home / "outbox.jsonl"),
        smtp_url=_required(env, "SMTP_URL", "smtp://127.0.0.1:1025" if development else None),
        mail_from=_required(env, "MAIL_FROM", "QuickShop <hello@quickshop.example>" if development else None),
        **_texting(env, development),
        push_backend=_choice(env, "PUSH_BACKEND", "file" if development else "none", ("file", "none")),
        limits_profile=_choice(env, "LIMITS_PROFILE", "demo" if development else "strict", tuple(LIMIT_PROFILES)),
        guests_may_order=_flag(env, "GUESTS_MAY_ORDER", True),
        members_need_verified_email=_flag(env, "MEMBERS_NEED_VERIFIED_EMAIL", True),
        hold_minutes=_number(env, "HOLD_MINUTES", 15, 1, 240),
        hold_most_minutes=_number(env, "HOLD_MOST_MINUTES", 60, 1, 1440),
        guest_cart_days=_number(env, "GUEST_CART_DAYS", 60, 1, 3650),
        lease_seconds=_number(env, "LEASE_SECONDS", 30, 1, 600),
        high_value_minor=_number(env, "HIGH_VALUE_MINOR", 50_000, 1, 10**12),
        vip_spend_minor=_number(env, "VIP_SPEND_MINOR", 200_000, 1, 10**12),
        promote_seconds=_number(env, "PROMOTE_SECONDS", 60, 1, 3600),
        trusted_proxies=_number(env, "TRUSTED_PROXIES", 0, 0, 5),
        cors_origins=_origins(env),
        secure_cookies=_flag(env, "SECURE_COOKIES", not development),
        pool_size=_number(env, "POOL_SIZE", 10, 1, 200),
        passkey_rp_id=rp_id,
        passkey_origins=origins,
        idle_minutes_web=_number(env, "IDLE_MINUTES_WEB", 30, 1, 1440),
        idle_minutes_staff=_number(env, "IDLE_MINUTES_STAFF", 15, 1, 1440),
        catalogue_cache_seconds=_seconds(env, "CATALOGUE_CACHE_SECONDS", 1.0, 1.0),
        low_stock_at=_number(env, "LOW_STOCK_AT", 5, 0, 10**6),
        payment_provider=provider,
        **_stripe(env, needed=provider == "stripe"),
        carrier=_choice(env, "CARRIER", "simulator" if development else "manual", ("manual", "simulator")),
        carrier_url=_carrier_url(env, development),
        base_currency=_currency(env),
        other_currencies=_other_currencies(env),
        webhook_private_addresses=_flag(env, "WEBHOOK_PRIVATE_ADDRESSES", development),
        reviews_moderated=_flag(env, "REVIEWS_MODERATED", False),
    )
    if not development:
        _refuse_unsafe(found)
    return found
