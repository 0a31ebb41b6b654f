"""Static files: one content-hashed address space for the shop's and the staff's own files, beside the vendored ones.

WhiteNoise serves them before the request reaches Flask. Pictures that staff upload do not live here.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import brotli
from flask import Flask
from whitenoise import WhiteNoise

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "": ROOT / "static",
    "storefront/": ROOT / "blueprints" / "storefront" / "static",
    "admin/": ROOT / "blueprints" / "admin" / "static",
}
# What lies in here carries a version or is named for good, so its address has no hash and may stand in the database.
FIXED = ("vendor/", "storefront/products/")
COMPRESSIBLE = {".css", ".js", ".svg", ".json"}
PREFIX = "/static/"
DAY = 24 * 3600


class StaticFiles:
    """The files by name ("storefront/shop.css") and the address that each is served under."""

    def __init__(self, sources: dict[str, Path] | None = None) -> None:
        self.files = dict(sorted(_gather(sources or SOURCES)))
        self.fingerprint = _fingerprint({n: p for n, p in self.files.items() if not n.startswith(FIXED)})

    def address(self, name: str) -> str:
        """The URL path of a file; raises KeyError for a name that does not exist, so a typo fails at once."""
        if name not in self.files:
            raise KeyError(f"no static file named {name!r}")
        return PREFIX + name if name.startswith(FIXED) else f"{PREFIX}{self.fingerprint}/{name}"

    def compress(self, cache: Path) -> Path:
        """Write compressed twins of the texts to a folder named by their content; returns that folder.

        Safe when several processes do it at once: the first complete folder wins.
        """
        texts = {name: path for name, path in self.files.items() if path.suffix in COMPRESSIBLE}
        target = cache / f"static-{_fingerprint(texts)}"
        if target.is_dir():
            return target
        cache.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".static-", dir=cache))
        for name, path in texts.items():
            _write_twins(path, scratch / name)
        try:
            scratch.rename(target)
        except OSError:
            shutil.rmtree(scratch)  # another process was first
        return target


def mount_static(app: Flask, cache: Path) -> None:
    """Serves the static files in front of the app and gives templates `static_url(name)`."""
    static = StaticFiles()
    app.jinja_env.globals["static_url"] = static.address
    server = WhiteNoise(
        app.wsgi_app,
        max_age=DAY,
        immutable_file_test=lambda _path, url: not url.startswith(f"{PREFIX}storefront/products/"),
        allow_all_origins=False,
    )
    twins = static.compress(cache)
    for name, path in static.files.items():
        compressed = twins / name
        server.add_file_to_dictionary(static.address(name), str(compressed if compressed.is_file() else path))
    app.wsgi_app = server  # type: ignore[method-assign]


def _gather(sources: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    for prefix, folder in sources.items():
        for path in folder.rglob("*"):
            if path.is_file():
                yield prefix + path.relative_to(folder).as_posix(), path


def _fingerprint(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _write_twins(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    body = source.read_bytes()
    target.write_bytes(body)
    target.with_name(target.name + ".br").write_bytes(brotli.compress(body, quality=9))
    target.with_name(target.name + ".gz").write_bytes(gzip.compress(body, 9, mtime=0))
