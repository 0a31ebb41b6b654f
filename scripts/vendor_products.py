"""Draws the demo shop's product pictures: Fluent emoji, fetched with npm, as WebP in the storefront's static folder.

Run it after a product of quickshop/demo/data gets another picture; it needs npm and a Chromium (CHROME_PATH or on
the PATH). Nothing else in the shop needs either: the pictures are committed, with a manifest of their digests.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "quickshop" / "demo" / "data"
STATIC = ROOT / "blueprints" / "storefront" / "static"
PICTURES = STATIC / "products"
MANIFEST = PICTURES / "manifest.json"
RENDERER = Path(__file__).with_name("render_picture.js")

PACKAGE, VERSION, LICENCE = "fluentui-emoji", "1.3.0", "MIT"
ARCHIVE_SHA256 = "ec892e607e854859b812c7d827801756adc19955b0ef56d4ae8afcddd19492c5"
FOLDER = "package/icons/modern"  # the drawings with gradients; the others are flat or one-coloured
WIDTHS = (320, 640, 960)  # a card at one and two times, the product page at one and nearly two times
QUALITY = 0.9
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class VendoringError(Exception):
    """Something outside is missing or not what was expected; the message says what to do."""


def main() -> int:
    """Fetches the package, draws every picture that the catalogue names, writes the manifest."""
    try:
        npm, browser = _tool("npm"), _browser()
        names = wanted_pictures()
        with tempfile.TemporaryDirectory() as scratch:
            drawings = _fetch(npm, Path(scratch), names)
            _clear()
            entries = {name: _draw(browser, Path(scratch), name, drawings[name]) for name in names}
    except VendoringError as error:
        print(error, file=sys.stderr)
        return 1
    MANIFEST.write_text(json.dumps(_manifest(entries), indent=1) + "\n")
    size = sum(path.stat().st_size for path in PICTURES.glob("*.webp"))
    print(f"{len(entries)} pictures in {len(WIDTHS)} widths, {size:,} bytes, under {PICTURES.relative_to(ROOT)}")
    return 0


def wanted_pictures() -> list[str]:
    """The names of the drawings that the demo catalogue uses, each once."""
    files = [json.loads(path.read_text()) for path in CATALOGUE.glob("*.json")]
    return sorted({product["picture"] for file in files for product in file["products"]})


def _tool(*names: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    raise VendoringError(f"{names[0]} was not found: install it to update the product pictures.")


def _browser() -> str:
    return os.environ.get("CHROME_PATH") or _tool(*BROWSERS)


def _fetch(npm: str, scratch: Path, names: list[str]) -> dict[str, bytes]:
    command = [npm, "pack", "--silent", "--ignore-scripts", f"{PACKAGE}@{VERSION}"]
    done = subprocess.run(command, cwd=scratch, check=True, capture_output=True, text=True)  # noqa: S603 - own words
    archive = scratch / done.stdout.split()[-1]
    if hashlib.sha256(archive.read_bytes()).hexdigest() != ARCHIVE_SHA256:
        raise VendoringError(f"{archive.name} is not the archive that was reviewed; nothing was changed.")
    with tarfile.open(archive) as members:
        return {name: _member(members, f"{FOLDER}/{name}.svg") for name in names}


def _member(members: tarfile.TarFile, path: str) -> bytes:
    try:
        found = members.extractfile(path)
    except KeyError:
        found = None
    if found is None:
        raise VendoringError(f"{PACKAGE} {VERSION} has no {path}; choose another picture for that product.")
    return found.read()


def _clear() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.webp"):
        old.unlink()


def _draw(browser: str, scratch: Path, name: str, svg: bytes) -> dict[str, object]:
    page = scratch / "picture.html"
    page.write_text(_page(svg))
    flags = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={scratch / 'profile'}"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium refuses to run as root with it
    command = [browser, *flags, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)  # noqa: S603 - own words
    drawn = dict(re.findall(r"<output>(\d+) data:image/webp;base64,([A-Za-z0-9+/=]+)</output>", done.stdout))
    if set(drawn) != {str(width) for width in WIDTHS}:
        raise VendoringError(f"the browser did not draw {name}: {done.stderr[-500:]}")
    files = [_write(PICTURES / f"{name}-{width}.webp", base64.b64decode(drawn[str(width)])) for width in WIDTHS]
    return {"source_sha256": hashlib.sha256(svg).hexdigest(), "files": files}


def _page(svg: bytes) -> str:
    wanted = html.escape(json.dumps({"widths": WIDTHS, "quality": QUALITY}))
    source = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    image = f'<img alt="" data-wanted="{wanted}" src="{source}">'
    return f"<!doctype html><meta charset=utf-8>{image}<script>{RENDERER.read_text()}</script>"


def _write(path: Path, body: bytes) -> dict[str, object]:
    path.write_bytes(body)
    return {
        "path": path.relative_to(STATIC).as_posix(),
        "sha256": hashlib.sha256(body).hexdigest(),
        "bytes": len(body),
    }


def _manifest(entries: dict[str, dict[str, object]]) -> dict[str, object]:
    return {
        "package": PACKAGE,
        "version": VERSION,
        "licence": LICENCE,
        "notices": "LICENSES/fluent-emoji.txt",
        "widths": WIDTHS,
        "pictures": entries,
    }


if __name__ == "__main__":
    sys.exit(main())
