"""House rules that hold for every template and script: strict CSP, htmx 4, byte budgets, static addresses."""

import gzip
import re
from pathlib import Path

import brotli
import pytest

from blueprints.http.assets import StaticFiles

ROOT = Path(__file__).resolve().parents[2]
PAGES = [p for p in (ROOT / "blueprints").glob("*/templates/**/*.html") if p.parts[-4] != "api"]
OWN = {
    "storefront": [*ROOT.glob("static/shared/*"), *ROOT.glob("blueprints/storefront/static/*.*")],
    "admin": [*ROOT.glob("static/shared/*"), *ROOT.glob("blueprints/admin/static/*.*")],
}
VENDOR = {
    "storefront": ["htmx.min.js", "hx-preload.min.js", "socket.io.min.js"],
    "admin": ["socket.io.min.js", "uPlot.iife.min.js"],
}
HTMX_2 = re.compile(r"hx-(ext|vars|params|disinherit|inherit|history|disabled-elt|request|prompt)\b|htmx:[a-z]+[A-Z]")


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_inline_style_script_or_handler(path):
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|javascript:|hx-vals=.js:", text)
    for script in re.findall(r"<script[^>]*>", text):
        assert " src=" in script or 'type="application/ld+json"' in script  # data; nothing of it runs


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_idioms_of_htmx_2(path):
    assert not HTMX_2.search(path.read_text())


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_posting_form_carries_the_token(path):
    for form in re.findall(r'<form[^>]*method="post".*?</form>', path.read_text(), re.DOTALL):
        assert "csrf()" in form


def compressed(paths):
    return sum(len(brotli.compress(path.read_bytes(), quality=11)) for path in paths)


@pytest.mark.parametrize(("area", "budget"), [("storefront", 30_000), ("admin", 60_000)])
def test_third_party_scripts_keep_their_budget(area, budget):
    files = [path for path in (ROOT / "static" / "vendor").rglob("*.js") if path.name in VENDOR[area]]
    assert len(files) == len(VENDOR[area])
    assert compressed(files) <= budget


@pytest.mark.parametrize("area", ["storefront", "admin"])
@pytest.mark.parametrize(("suffix", "budget"), [(".js", 12_000), (".css", 15_000)])
def test_own_files_keep_their_budget(area, suffix, budget):
    assert compressed(path for path in OWN[area] if path.suffix == suffix) <= budget


def test_own_addresses_change_with_the_content_and_vendored_ones_with_the_version(tmp_path):
    (tmp_path / "a.css").write_text("a")
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "b.js").write_text("b")
    before = StaticFiles({"": tmp_path})
    (tmp_path / "a.css").write_text("other")
    after = StaticFiles({"": tmp_path})
    assert before.address("a.css") != after.address("a.css")
    assert before.address("vendor/b.js") == after.address("vendor/b.js") == "/static/vendor/b.js"
    with pytest.raises(KeyError):
        after.address("c.css")


def test_static_files_are_served_compressed_and_for_good(client):
    address = re.search(r'href="(/static/[0-9a-f]+/storefront/shop.css)"', client.get("/sign-in").text)[1]
    answer = client.get(address, headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "br"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    plain = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(plain.data) == (ROOT / "blueprints/storefront/static/shop.css").read_bytes()


def test_pages_send_a_strict_policy_and_are_not_stored(client):
    headers = client.get("/").headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
