"""A real Chromium on a whole running shop. Any error in a page's console fails the test that caused it."""

import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.factories.browsing import sign_in

FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
PATIENCE_MS = 20_000  # a busy machine is slow, not wrong

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items):
    """Everything here drives a browser."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium():
    """The installed Chromium, headless."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise RuntimeError("These tests need Chromium: install Debian's package `chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Visitors:
    """Opens browsers of their own for people, and collects what goes wrong in their pages."""

    def __init__(self, chromium, base_url):
        self._chromium = chromium
        self._base_url = base_url
        self._contexts = []
        self.troubles = []

    def open(self, **options):
        """A page in a fresh browser context; options as Playwright's new_context."""
        usual = {"base_url": self._base_url, "viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        context = self._chromium.new_context(**usual | options)
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.troubles.append(f"{page.url}: {error}"))
        page.on("console", self._heard)
        return page

    def _heard(self, message):
        # A refused form is a 4xx that Chromium mentions; what the page makes of it is what tests look at.
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            self.troubles.append(message.text)

    def close(self):
        """Close all of them."""
        for context in self._contexts:
            context.close()


def _signed_in(chromium, live_shop, name):
    visitors = Visitors(chromium, live_shop.url)
    page = visitors.open()
    sign_in(page, live_shop.demo["accounts"][name], then="/admin")
    state = page.context.storage_state()
    visitors.close()
    return state


@pytest.fixture(scope="session")
def staff_state(chromium, live_shop):
    """Cookies of a member of staff who signed in with two factors: once for all tests, as each code is good once."""
    return _signed_in(chromium, live_shop, "staff")


@pytest.fixture(scope="session")
def admin_state(chromium, live_shop):
    """The same of an administrator."""
    return _signed_in(chromium, live_shop, "admin")


@pytest.fixture
def visitors(chromium, live_shop):
    """Opens pages on the shop; at the end none of them may have had an error."""
    opened = Visitors(chromium, live_shop.url)
    yield opened
    opened.close()
    assert opened.troubles == []


@pytest.fixture
def page(visitors):
    """One visitor's page."""
    return visitors.open()
