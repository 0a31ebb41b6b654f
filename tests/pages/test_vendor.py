"""The vendored browser files are the ones the manifest names, each with its licence, and only what is used."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
MANIFEST = json.loads((STATIC / "vendor" / "manifest.json").read_text())
PACKAGES = MANIFEST["packages"]
TEMPLATES = sorted((ROOT / "blueprints").glob("*/templates/**/*.html"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p["package"])
def test_files_have_the_recorded_hash(package: dict) -> None:
    for file in package["files"]:
        assert sha256(ROOT / file["path"]) == file["sha256"], file["path"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p["package"])
def test_each_package_carries_its_licence(package: dict) -> None:
    licences = [f["path"] for f in package["files"] if f["path"].endswith("/LICENSE")]
    assert len(licences) == 1
    assert len((ROOT / licences[0]).read_text()) > 400
    assert package["licence"] in {"0BSD", "MIT", "ISC", "OFL-1.1", "MPL-2.0"}


def test_versions_are_the_pinned_ones() -> None:
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert {p["package"]: p["version"] for p in PACKAGES} == pinned
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pinned.values())


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    entries = [entry for name, entry in lock["packages"].items() if name]
    assert all("resolved" not in entry and "integrity" in entry for entry in entries)


def test_nothing_unlisted_lies_in_the_folders() -> None:
    listed = {f["path"] for p in PACKAGES for f in p["files"]}
    folders = {(ROOT / path).parent for path in listed}
    found = {p.relative_to(ROOT).as_posix() for folder in folders for p in folder.rglob("*") if p.is_file()}
    assert found == listed


def test_the_sprite_holds_the_icons_that_are_drawn_and_no_more() -> None:
    sprite = ROOT / MANIFEST["sprite"]["path"]
    assert sha256(sprite) == MANIFEST["sprite"]["sha256"]
    held = set(re.findall(r'<symbol id="([a-z0-9-]+)"', sprite.read_text()))
    sources = [*TEMPLATES, *(ROOT / "blueprints").glob("*/*.py"), *(ROOT / "blueprints").glob("*/static/*.js")]
    text = "\n".join(path.read_text() for path in sources)
    drawn = {name for name in held if re.search(rf"""['"]#?{name}['"]""", text)}
    named = set(re.findall(r"""icon\('([a-z0-9-]+)'""", text))
    assert named <= held
    assert drawn == held
