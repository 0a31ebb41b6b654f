"""Codes, coarse networks, device names, and what passkeys are bound to: the pure parts of signing in."""

import base64
import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from blueprints.storefront.devices import device_name, is_phone
from quickshop.config import SettingsError, load_settings
from quickshop.runtime.demo_codes import totp_command
from quickshop.security import lockout, totp
from quickshop.security.networks import coarse_network

AT = datetime(2026, 3, 1, 12, 0, 15, tzinfo=UTC)
# RFC 6238, appendix B: the last six digits of its SHA-1 vectors.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(seconds, code):
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp.code_of(RFC_SECRET, totp.step_of(at)) == code
    assert totp.accepted_step(RFC_SECRET, code, at) == totp.step_of(at)


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_good_one_step_to_either_side(steps, good):
    step = totp.step_of(AT) + steps
    assert totp.accepted_step(RFC_SECRET, totp.code_of(RFC_SECRET, step), AT) == (step if good else None)


@pytest.mark.parametrize(("given", "so"), [("123456", True), ("12345", False), ("1234567", False), ("१२३४५६", False)])
def test_a_code_is_six_digits(given, so):
    assert totp.looks_like_code(given) is so


@pytest.mark.parametrize("account", ["staff", "admin", RFC_SECRET.lower()])
def test_the_command_prints_a_code_alone_on_a_line(account):
    said = CliRunner().invoke(totp_command, [account])
    assert said.exit_code == 0 and re.fullmatch(r"\d{6}\n", said.stdout)
    assert CliRunner().invoke(totp_command, ["shopper"]).exit_code == 2


def test_secrets_are_160_bits_and_differ():
    assert {len(totp.new_secret()) for _ in range(5)} == {32}
    assert len({totp.new_secret() for _ in range(5)}) == 5


def test_the_qr_code_is_an_image_without_style():
    uri = totp.otpauth_uri(RFC_SECRET, "ada")
    assert "issuer=QuickShop" in uri and RFC_SECRET in uri
    assert totp.qr_svg(uri).startswith("<svg") and "style" not in totp.qr_svg(uri)
    assert totp.qr_data_uri(uri).startswith("data:image/svg+xml")


@pytest.mark.parametrize(("failures", "wait"), [(4, 0), (5, 300), (6, 600), (7, 900), (60, 900)])
def test_five_codes_are_free_and_then_waits_are_long(failures, wait):
    assert lockout.wait_seconds(lockout.SECOND_FACTOR, failures, AT, AT) == wait
    assert lockout.wait_seconds(lockout.SECOND_FACTOR, failures, AT - timedelta(minutes=16), AT) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("unknown", None),
    ],
)
def test_networks_are_coarse(address, network):
    assert coarse_network(address) == network


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
PIXEL = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "name", "phone"),
    [
        (FIREFOX, "Firefox on Windows", False),
        (IPHONE, "Safari on iPhone", True),
        (EDGE, "Edge on Windows", False),
        (PIXEL, "Chrome on Android", True),
        ("ShopApp/2.1 (build 7)", "ShopApp", False),
        ("", "Unknown device", False),
    ],
)
def test_devices_have_names_that_people_know(user_agent, name, phone):
    assert (device_name(user_agent), is_phone(user_agent)) == (name, phone)


def settings(**env):
    base = {"QUICKSHOP_ENV": "testing", "DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"}
    return load_settings({**base, **env})


PRODUCTION = {
    "QUICKSHOP_ENV": "production",
    "SECRET_KEY": secrets.token_urlsafe(32),
    "MASTER_KEYS": "a:" + base64.b64encode(secrets.token_bytes(32)).decode(),
    "INDEX_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    "GATEWAY_WEBHOOK_SECRET": secrets.token_urlsafe(32),
    "GATEWAY_URL": "https://gateway.example",
    "SMTP_URL": "smtp://mail.example:25",
    "MAIL_FROM": "Shop <hello@shop.test>",
}


@pytest.mark.parametrize(
    ("env", "rp_id", "origins"),
    [
        ({"PORT": "9000"}, "localhost", ("http://127.0.0.1:9000", "http://localhost:9000")),
        ({"PUBLIC_URL": "https://shop.example"}, "shop.example", ("https://shop.example",)),
        (
            {"PUBLIC_URL": "https://www.shop.example", "PASSKEY_RP_ID": "shop.example"},
            "shop.example",
            ("https://www.shop.example",),
        ),
        ({**PRODUCTION, "PUBLIC_URL": "https://192.0.2.7"}, "", ()),
    ],
)
def test_passkeys_are_bound_to_a_name(env, rp_id, origins):
    found = settings(**env)
    assert (found.passkey_rp_id, found.passkey_origins) == (rp_id, origins)


@pytest.mark.parametrize(
    "env",
    [
        {"PUBLIC_URL": "https://shop.example", "PASSKEY_RP_ID": "other.example"},
        {"PUBLIC_URL": "https://myshop.example", "PASSKEY_RP_ID": "shop.example"},
        {**PRODUCTION, "PUBLIC_URL": "https://192.0.2.7", "PASSKEY_RP_ID": "shop.example"},
    ],
)
def test_a_name_that_does_not_fit_is_refused_at_the_start(env):
    with pytest.raises(SettingsError, match="PASSKEY_RP_ID"):
        settings(**env)
