"""The ordinary user that PostgreSQL runs as when the shop is started by root: PostgreSQL refuses to be root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quickshop.runtime.failures import CannotStart

NAME = "quickshop-postgres"


@dataclass(frozen=True)
class SystemUser:
    """A system account by number; `run` and `may` act with its rights."""

    name: str
    uid: int
    gid: int

    def credentials(self) -> dict[str, Any]:
        """The keyword arguments with which subprocess starts a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may(self, right: str, path: Path) -> bool:
        """Whether this user can read (`r`), write (`w`) or enter (`x`) `path`, all folders above included."""
        test = subprocess.run(  # noqa: S603
            ["/usr/bin/test", f"-{right}", str(path)], cwd="/", check=False, **self.credentials()
        )
        return test.returncode == 0


def for_postgres() -> SystemUser | None:
    """The account for PostgreSQL: None (ourselves) unless we are root; made once where it is missing."""
    if os.geteuid() != 0:
        return None
    try:
        account = pwd.getpwnam(NAME)
    except KeyError:
        account = _create()
    return SystemUser(account.pw_name, account.pw_uid, account.pw_gid)


def private_ancestor(path: Path, user: SystemUser) -> Path | None:
    """The first folder from `/` down to `path`, itself included, that `user` may not enter, if any."""
    for folder in [*reversed(path.parents), path]:
        if folder.is_dir() and not user.may("x", folder):
            return folder
    return None


def _create() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    made = useradd and subprocess.run(  # noqa: S603
        [
            useradd,
            "--system",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/usr/sbin/nologin",
            NAME,
        ],
        capture_output=True,
        check=False,
    )
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        reason = made.stderr.decode(errors="replace").strip() if made else "no useradd program"
        raise CannotStart(
            f"PostgreSQL cannot run as root and the system user '{NAME}' could not be made ({reason}); "
            "start the shop as an ordinary user or set DATABASE_URL."
        ) from None
