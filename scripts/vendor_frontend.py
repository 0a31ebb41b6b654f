"""Copies the pinned third-party browser files, with their licences, into static/vendor.

Run it after changing a version in package.json or the icon list below; it needs Node and npm.
Nothing else in the shop needs Node: the copied files are committed.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
FOR_TESTS = ROOT / "tests" / "browser" / "vendor"
MANIFEST = VENDOR / "manifest.json"
SPRITE = STATIC / "shared" / "icons.svg"

# Only the icons that a template or a script draws; tests/pages/test_vendor.py holds the two together.
ICONS = (
    "activity",
    "arrow-left",
    "badge-check",
    "bell",
    "boxes",
    "check",
    "chevron-right",
    "circle-alert",
    "circle-check",
    "circle-user-round",
    "credit-card",
    "download",
    "fingerprint",
    "heart",
    "history",
    "hourglass",
    "image",
    "info",
    "key-round",
    "laptop",
    "link",
    "lock",
    "log-out",
    "mail",
    "map-pin",
    "minus",
    "moon",
    "package",
    "package-check",
    "pause",
    "pencil",
    "play",
    "plus",
    "receipt-text",
    "scroll-text",
    "search",
    "search-x",
    "share-2",
    "shield-check",
    "shopping-bag",
    "sliders-horizontal",
    "smartphone",
    "star",
    "sun",
    "sun-moon",
    "tag",
    "timer",
    "trash-2",
    "truck",
    "upload",
    "user-round",
    "users-round",
    "x",
)


@dataclass(frozen=True)
class Wanted:
    """One package: its name, what its folder is called and lies in, and {path in the package: file name here}."""

    package: str
    folder: str
    licence: str
    files: dict[str, str]
    inside: Path = VENDOR


WANTED = (
    Wanted(
        "htmx.org",
        "htmx",
        "0BSD",
        {
            "dist/htmx.min.js": "htmx.min.js",
            "dist/ext/hx-preload.min.js": "hx-preload.min.js",
        },
    ),
    Wanted("socket.io-client", "socket.io-client", "MIT", {"dist/socket.io.min.js": "socket.io.min.js"}),
    Wanted(
        "uplot",
        "uplot",
        "MIT",
        {
            "dist/uPlot.iife.min.js": "uPlot.iife.min.js",
            "dist/uPlot.min.css": "uPlot.min.css",
        },
    ),
    Wanted(
        "@fontsource-variable/inter",
        "inter",
        "OFL-1.1",
        {
            "files/inter-latin-wght-normal.woff2": "inter-latin-wght-normal.woff2",
            "files/inter-latin-ext-wght-normal.woff2": "inter-latin-ext-wght-normal.woff2",
        },
    ),
    Wanted("lucide-static", "lucide", "ISC", {}),
    Wanted("axe-core", "axe-core", "MPL-2.0", {"axe.min.js": "axe.min.js"}, inside=FOR_TESTS),
)


def main() -> int:
    """Installs the pinned packages in a scratch folder, copies what is wanted and writes the manifest."""
    npm = shutil.which("npm")
    if npm is None:
        print("npm was not found: install Node 20 or newer to update the vendored files.", file=sys.stderr)
        return 1
    versions = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    with tempfile.TemporaryDirectory() as scratch:
        modules = _install(npm, Path(scratch))
        packages = [_copy(modules, wanted, versions[wanted.package]) for wanted in WANTED]
        SPRITE.parent.mkdir(parents=True, exist_ok=True)
        SPRITE.write_text(_sprite(modules / "lucide-static", versions["lucide-static"]))
    MANIFEST.write_text(json.dumps({"packages": packages, "sprite": _entry(SPRITE)}, indent=2) + "\n")
    print(f"{len(packages)} packages and {len(ICONS)} icons vendored under {VENDOR.relative_to(ROOT)}")
    return 0


def _install(npm: str, scratch: Path) -> Path:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / name, scratch / name)
    subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=scratch, check=True)  # noqa: S603
    return scratch / "node_modules"


def _copy(modules: Path, wanted: Wanted, version: str) -> dict[str, object]:
    source = modules / wanted.package
    target = wanted.inside / f"{wanted.folder}-{version}"
    for old in wanted.inside.glob(f"{wanted.folder}-[0-9]*"):
        shutil.rmtree(old)
    target.mkdir(parents=True)
    for inside, name in wanted.files.items():
        shutil.copyfile(source / inside, target / name)
    shutil.copyfile(source / "LICENSE", target / "LICENSE")
    files = [_entry(path) for path in sorted(target.iterdir())]
    return {"package": wanted.package, "version": version, "licence": wanted.licence, "files": files}


def _entry(path: Path) -> dict[str, str]:
    return {
        "path": path.relative_to(ROOT).as_posix(),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _sprite(package: Path, version: str) -> str:
    """One SVG whose symbols are the wanted icons; stroke settings come from the page's CSS."""
    symbols = [_symbol(name, (package / "icons" / f"{name}.svg").read_text()) for name in ICONS]
    head = f"<!-- Lucide {version}, ISC licence: see vendor/lucide-{version}/LICENSE -->"
    return "\n".join([head, '<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>", ""])


def _symbol(name: str, svg: str) -> str:
    match = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    if match is None:
        raise ValueError(f"icon {name} is not the SVG that was expected")
    body = re.sub(r"\s*\n\s*", "", match.group(1))
    return f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>'


if __name__ == "__main__":
    sys.exit(main())
