"""Settings: a safe default each, or a refusal outside development, in one sentence that names the setting."""

import base64
import dataclasses
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from quickshop import config
from quickshop.config import Settings, SettingsError, load_settings

# The same in every process that runs these tests: the values are part of their names.
_chance = random.Random(20)


def key():
    return base64.b64encode(_chance.randbytes(32)).decode()


def secret():
    return _chance.randbytes(24).hex()


MINIMUM = {
    "DATABASE_URL": "postgresql://shop:correct-horse-battery@db.internal:5432/shop",
    "REDIS_URL": "redis://:correct-horse-battery@redis.internal:6379/0",
    "SECRET_KEY": secret(),
    "MASTER_KEYS": f"k1:{key()}",
    "INDEX_KEY": key(),
    "GATEWAY_URL": "https://payments.provider.test",
    "GATEWAY_WEBHOOK_SECRET": secret(),
    "PUBLIC_URL": "https://shop.test",
    "SMTP_URL": "smtps://user:word@mail.test",
    "MAIL_FROM": "Shop <hello@shop.test>",
}
DEVELOPMENT_KEY = config._DEVELOPMENT_KEY
ONE_SIGN = base64.b64encode(b"a" * 32).decode()

UNSAFE = [
    ("QUICKSHOP_ENV", "staging"),
    ("WEBHOOK_PRIVATE_ADDRESSES", "yes"),
    ("CATALOGUE_CACHE_SECONDS", "2"),
    ("CATALOGUE_CACHE_SECONDS", "soon"),
    ("DATABASE_URL", "postgresql://quickshop:quickshop@db/quickshop"),
    ("DATABASE_URL", "postgresql://quickshop:short@db/quickshop"),
    ("DATABASE_URL", ""),
    ("REDIS_URL", "redis://:password@redis:6379/0"),
    ("REDIS_URL", ""),
    ("SECRET_KEY", ""),
    ("SECRET_KEY", "x" * 31),
    ("SECRET_KEY", "x" * 64),
    ("SECRET_KEY", config._DEVELOPMENT_SECRET),
    ("MASTER_KEYS", ""),
    ("MASTER_KEYS", DEVELOPMENT_KEY),
    ("MASTER_KEYS", f"k1:{ONE_SIGN}"),
    ("MASTER_KEYS", f"k1:{key()},k1:{key()}"),
    ("MASTER_KEYS", f"k1:{key()},k2:{base64.b64encode(b'short').decode()}"),
    ("MASTER_KEYS", f":{key()}"),
    ("MASTER_KEYS", "k1:not base64"),
    ("INDEX_KEY", ""),
    ("INDEX_KEY", DEVELOPMENT_KEY.partition(":")[2]),
    ("INDEX_KEY", ONE_SIGN),
    ("INDEX_KEY", MINIMUM["MASTER_KEYS"].partition(":")[2]),
    ("GATEWAY_WEBHOOK_SECRET", ""),
    ("GATEWAY_WEBHOOK_SECRET", config._DEVELOPMENT_SECRET),
    ("GATEWAY_WEBHOOK_SECRET", f"{secret()},short"),
    ("GATEWAY_WEBHOOK_SECRET", ",".join(secret() for _ in range(3))),
    ("GATEWAY_WEBHOOK_SECRET", MINIMUM["SECRET_KEY"]),
    ("GATEWAY_URL", ""),
    ("GATEWAY_URL", "http://payments.provider.test"),
    ("GATEWAY_URL", "https://127.0.0.1:8010"),
    ("GATEWAY_URL", "https://gateway.localhost:8010"),
    ("PUBLIC_URL", ""),
    ("PUBLIC_URL", "http://shop.test"),
    ("PUBLIC_URL", "https://localhost:8000"),
    ("PUBLIC_URL", "https://shop.test/path"),
    ("PUBLIC_URL", "https://shop.test; default-src *"),
    ("MAIL_BACKEND", "file"),
    ("MAIL_BACKEND", "sink"),
    ("MAIL_BACKEND", "pigeon"),
    ("SMTP_URL", ""),
    ("MAIL_FROM", ""),
    ("MAIL_FROM", "QuickShop <hello@quickshop.example>"),
    ("SMS_BACKEND", "file"),
    ("SMS_BACKEND", "pigeon"),
    ("SMS_BACKEND", "twilio"),  # without the account it needs
    ("SMS_FROM", "a sender of many words"),
    ("TWILIO_API_URL", "http://api.twilio.com"),
    ("TWILIO_ACCOUNT_SID", "somebody"),
    ("TWILIO_AUTH_TOKEN", "hunter2"),
    ("PUSH_BACKEND", "file"),
    ("LIMITS_PROFILE", "demo"),
    ("LIMITS_PROFILE", "none"),
    ("SECURE_COOKIES", "0"),
    ("SECURE_COOKIES", "yes"),
    ("CORS_ORIGINS", "*"),
    ("CORS_ORIGINS", "https://*.shop.test"),
    ("CORS_ORIGINS", "http://app.test"),
    ("CORS_ORIGINS", "https://app.test/path"),
    ("TRUSTED_PROXIES", "-1"),
    ("TRUSTED_PROXIES", "99"),
    ("GUESTS_MAY_ORDER", "perhaps"),
    ("MEMBERS_NEED_VERIFIED_EMAIL", "no"),
    ("HOLD_MINUTES", "0"),
    ("HOLD_MOST_MINUTES", "0"),
    ("GUEST_CART_DAYS", "0"),
    ("LEASE_SECONDS", "0"),
    ("HIGH_VALUE_MINOR", "0"),
    ("VIP_SPEND_MINOR", "-1"),
    ("PROMOTE_SECONDS", "0"),
    ("POOL_SIZE", "0"),
    ("PASSKEY_RP_ID", "other.test"),
    ("IDLE_MINUTES_WEB", "0"),
    ("IDLE_MINUTES_STAFF", "100000"),
    ("POOL_SIZE", "many"),
    ("PORT", "70000"),
    ("BASE_CURRENCY", "dollars"),
    ("OTHER_CURRENCIES", "EUR,pounds"),
    ("LOW_STOCK_AT", "-1"),
    ("PAYMENT_PROVIDER", "cash"),
    ("CARRIER", "pigeon"),
    ("CARRIER_URL", "somewhere"),
    ("STRIPE_SECRET_KEY", "pk_live_of_somebody"),
    ("STRIPE_PUBLISHABLE_KEY", "sk_live_of_somebody"),
    ("STRIPE_WEBHOOK_SECRET", "hunter2hunter2"),
    ("STRIPE_WEBHOOK_SECRET", "whsec_aaaaaaaa,whsec_bbbbbbbb,whsec_cccccccc"),
    ("STRIPE_API_URL", "http://api.stripe.com"),
    ("REVIEWS_MODERATED", "perhaps"),
]
# What no value makes unsafe: a folder, and a file that production does not use.
HARMLESS = {"QUICKSHOP_HOME", "MAIL_FILE"}


@pytest.mark.parametrize(("name", "value"), UNSAFE, ids=lambda part: str(part)[:40])
def test_an_unsafe_value_is_refused_in_one_sentence_that_names_it(name, value):
    with pytest.raises(SettingsError) as refusal:
        load_settings(MINIMUM | {name: value})
    sentence = str(refusal.value)
    assert name in sentence
    assert "\n" not in sentence
    for secret in ("correct-horse", *(MINIMUM[n] for n in ("SECRET_KEY", "INDEX_KEY"))):
        assert secret not in sentence


def test_every_setting_has_an_unsafe_value_in_this_table():
    """A new setting says here what of it is refused."""
    read = set(re.findall(r"""\(env, "([A-Z_]+)"|env\.get\("([A-Z_]+)\"""", Path(config.__file__).read_text()))
    names = {one or other for one, other in read}
    assert len(names) >= len(dataclasses.fields(Settings))
    assert names - {name for name, _ in UNSAFE} == HARMLESS


@pytest.mark.parametrize("name", MINIMUM)
def test_what_has_no_safe_default_must_be_set(name):
    with pytest.raises(SettingsError, match=f"{name} is not set"):
        load_settings({n: v for n, v in MINIMUM.items() if n != name})


def test_all_else_has_a_safe_default():
    found = load_settings(MINIMUM)
    assert (found.env, found.limits_profile, found.mail_backend) == ("production", "strict", "smtp")
    assert found.secure_cookies
    assert found.members_need_verified_email
    assert not found.development
    assert (found.trusted_proxies, found.cors_origins) == (0, ())


def test_development_needs_only_its_servers():
    found = load_settings({"QUICKSHOP_ENV": "development", "DATABASE_URL": "postgresql:///x", "REDIS_URL": "redis://"})
    assert found.development


def test_secrets_do_not_show_when_settings_are_printed():
    shown = repr(load_settings(MINIMUM))
    for name in ("SECRET_KEY", "INDEX_KEY", "GATEWAY_WEBHOOK_SECRET"):
        assert MINIMUM[name] not in shown
    assert "correct-horse" not in shown
    assert "user:word" not in shown


STRIPE = {
    "PAYMENT_PROVIDER": "stripe",
    "STRIPE_SECRET_KEY": "sk_live_of_the_shop",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_of_the_shop",
    "STRIPE_WEBHOOK_SECRET": "whsec_new_one, whsec_old_one",
}


def test_with_stripe_no_simulated_gateway_is_needed():
    env = {name: value for name, value in MINIMUM.items() if not name.startswith("GATEWAY_")}
    found = load_settings(env | STRIPE)
    assert (found.payment_provider, found.gateway_url, found.gateway_webhook_secrets) == ("stripe", "", ())
    assert found.stripe_webhook_secrets == ("whsec_new_one", "whsec_old_one")
    assert "of_the_shop" not in repr(replace(found, stripe_publishable_key=""))


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_stripe_needs_each_of_its_keys(name):
    with pytest.raises(SettingsError, match=name):
        load_settings(MINIMUM | STRIPE | {name: ""})
