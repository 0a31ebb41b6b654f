"""Passkeys with Chromium's virtual authenticator, and the warning before a session ends."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.factories.browsing import sign_in, turn_two_factor_on


@pytest.fixture
def here(visitors, live_shop):
    """A page on `localhost`, which passkeys are bound to in development, with a device that knows its user."""
    page = visitors.open(base_url=f"http://localhost:{urlsplit(live_shop.url).port}")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    page.devtools, page.device = devtools, made["authenticatorId"]
    return page


def add_passkey(page, account, name):
    """Register a passkey on the security page."""
    page.goto("/account/security")
    section = page.locator("section", has=page.locator("#passkeys"))
    section.get_by_label("A name for it").fill(name)
    section.get_by_label("Your password").last.fill(account["password"])
    section.get_by_role("button", name="Add a passkey").click()
    expect(section.locator("strong", has_text=name)).to_be_visible()
    return section


def test_a_passkey_is_added_signs_in_and_is_removed(here, live_shop):
    account = live_shop.demo["accounts"]["vip"]
    sign_in(here, account)
    section = add_passkey(here, account, "My laptop")
    here.get_by_role("navigation", name="Account").get_by_role("button", name="Sign out").click()
    expect(here.get_by_role("link", name="Sign in", exact=True)).to_be_visible()

    here.goto("/sign-in?next=/account/security")
    here.get_by_role("button", name="Use a passkey").click()
    here.wait_for_url("**/account/security")
    expect(section).to_contain_text("last used")

    section.get_by_text("Remove").first.click()
    section.get_by_label("Your password").first.fill(account["password"])
    section.get_by_role("button", name="Remove this passkey").click()
    expect(section.locator("strong", has_text="My laptop")).to_have_count(0)

    here.context.clear_cookies()
    here.goto("/sign-in")
    here.get_by_role("button", name="Use a passkey").click()
    expect(here.get_by_text("This passkey is not known here")).to_be_visible()


def test_a_wrong_password_makes_no_passkey(here, live_shop):
    account = live_shop.demo["accounts"]["shopper"]
    sign_in(here, account)
    here.goto("/account/security")
    section = here.locator("section", has=here.locator("#passkeys"))
    section.get_by_label("Your password").fill("Wrong-Password-1")
    section.get_by_role("button", name="Add a passkey").click()
    expect(section.get_by_role("alert")).to_have_text(re.compile("The present password is not right"))
    stored = here.devtools.send("WebAuthn.getCredentials", {"authenticatorId": here.device})["credentials"]
    assert stored == []


def test_a_passkey_stands_in_for_the_code_and_a_copied_one_is_refused(here, live_shop):
    account = newcomer(here, live_shop)
    add_passkey(here, account, "My phone")
    turn_two_factor_on(here, account)
    here.context.clear_cookies()

    sign_in(here, account, then="/sign-in/code")
    here.get_by_role("button", name="Use a passkey").click()
    here.wait_for_url(lambda address: not address.endswith("/sign-in/code"))
    expect(here.get_by_role("link", name=account["login"])).to_be_visible()

    # A copy of the key, whose counter stands where it was before.
    [key] = here.devtools.send("WebAuthn.getCredentials", {"authenticatorId": here.device})["credentials"]
    here.devtools.send(
        "WebAuthn.removeCredential", {"authenticatorId": here.device, "credentialId": key["credentialId"]}
    )
    here.devtools.send(
        "WebAuthn.addCredential", {"authenticatorId": here.device, "credential": {**key, "signCount": 0}}
    )
    here.context.clear_cookies()
    here.goto("/sign-in")
    here.get_by_role("button", name="Use a passkey").click()
    expect(here.get_by_text("seems to have been copied")).to_be_visible()


def newcomer(page, shop):
    """A member of one's own with a proved address, signed in."""
    account = {"login": "keyholder", "password": "Fresh-Start-2026"}
    page.goto("/sign-up")
    for label, value in (
        ("First name", "Kay"),
        ("Last name", "Holder"),
        ("E-mail", "keyholder@quickshop.example"),
        ("Username", account["login"]),
        ("Password", account["password"]),
    ):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name="Look in your mailbox")).to_be_visible()
    shop.pair.run("UPDATE users SET email_verified_at = now() WHERE username = %s", account["login"])
    sign_in(page, account)
    return account


def test_where_the_host_does_not_fit_there_is_no_button_but_a_way(page, live_shop):
    page.goto("/sign-in")
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
    sign_in(page, live_shop.demo["accounts"]["shopper"], then="/account/security")
    expect(page.get_by_role("link", name="open this page there")).to_be_visible()


def test_the_warning_comes_two_minutes_before_the_end_and_can_be_answered(page, live_shop):
    sign_in(page, live_shop.demo["accounts"]["shopper"])
    page.clock.install()
    page.route("**/session", lambda route: route.fulfill(json={"seconds": 119}))
    page.goto("/account")
    warning = page.locator("#staying")
    expect(warning).to_be_hidden()
    page.clock.run_for(29 * 60 * 1000)
    expect(warning).to_contain_text("You will be signed out in 2 minutes.")
    expect(page.locator("#announcer")).to_have_text("You will be signed out in 2 minutes.")
    warning.get_by_role("button", name="Stay signed in").click()
    expect(warning).to_be_hidden()


def test_whose_session_is_over_is_told_and_led_back(page, live_shop):
    sign_in(page, live_shop.demo["accounts"]["shopper"])
    page.clock.install()
    page.goto("/account")
    page.context.clear_cookies()
    page.clock.run_for(29 * 60 * 1000)
    expect(page.locator("#staying")).to_contain_text("You were signed out")
    expect(page.locator("#staying").get_by_role("link", name="Sign in", exact=True)).to_have_attribute(
        "href", "/sign-in?next=%2Faccount"
    )
