"""One embedded PostgreSQL cluster in a folder: made once, configured at each start, addressed by URL.

Who starts, watches and stops its process is decided elsewhere (`servers`, `supervisor`)."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from quickshop.runtime import ports, postgres_programs, system_user
from quickshop.runtime.failures import CannotStart

ROLE = "quickshop"
DATABASE = "quickshop"
STOP_SIGNAL = signal.SIGINT  # fast shutdown: ends sessions, writes a checkpoint
_SUPERUSER = "postgres"
_SOCKET_NAME = "/.s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 103
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",  # a test process holds several applications
}
_SETTINGS = {
    "port": "5432",
    "unix_socket_permissions": "0777",  # the folder around the socket is private
    "max_connections": "120",
    "shared_buffers": "256MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "1GB",
    "shared_preload_libraries": "'pg_stat_statements'",
    "random_page_cost": "1.1",
    "jit": "off",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "max_wal_size": "1GB",
    "min_wal_size": "80MB",
    "wal_buffers": "16MB",
    "wal_compression": "on",
    "autovacuum_naptime": "15s",
    # Statements hold the values they are given, and details of errors whole rows: neither belongs into a log.
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_lock_waits": "on",
    "log_checkpoints": "off",
    "log_line_prefix": "'%m [%p] %a '",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "password_encryption": "scram-sha-256",
}


class Postgres:
    """A cluster in `folder` (a folder that exists). `durable=False` trades safety for speed: tests only.

    It is reached over a Unix socket in a private folder; `tcp=True` adds a loopback port with a password
    (for programs that put a proxy in between).
    """

    stop_signal = STOP_SIGNAL

    def __init__(self, folder: Path, *, durable: bool = True, tcp: bool = False) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.user = system_user.for_postgres()
        self.port = ports.free_port() if tcp else None
        self._durable = durable
        self._bin = postgres_programs.programs(self.user, folder)
        self._socket_folder: Path | None = None

    # --- before the process ---

    def prepare(self) -> None:
        """Make the cluster where there is none, and write this start's configuration.

        Raises CannotStart when the cluster cannot be made, for instance on a full disk.
        """
        self._refuse_other_version()
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        self._socket_folder = self._make_socket_folder()
        try:
            (self.data / "postgresql.conf").write_text(self._configuration())
            (self.data / "pg_hba.conf").write_text(_ACCESS)
        except OSError as error:
            raise CannotStart(f"The database's configuration in {self.data} cannot be written: {error}.") from error

    def command(self) -> list[str]:
        """The server's command line; it runs in the foreground and logs to its standard error."""
        return [str(self._bin / "postgres"), "-D", str(self.data)]

    # --- while it runs ---

    def wait_until_ready(self, has_ended: Callable[[], bool], *, seconds: float = 60) -> bool:
        """Wait until the server takes connections; False when it ended or did not within `seconds`.

        Recovery after a crash is part of the wait.
        """
        deadline = time.monotonic() + seconds
        while not has_ended() and time.monotonic() < deadline:
            if self.answers():
                return True
            time.sleep(0.05)
        return False

    def answers(self) -> bool:
        """Whether the server takes a connection now."""
        try:
            psycopg2.connect(self._superuser_dsn(_SUPERUSER), connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    def set_up(self) -> None:
        """Make the shop's role, database and statistics extension where they are missing."""
        self._as_superuser(_SUPERUSER, self._make_role_and_database)
        self._as_superuser(DATABASE, self._make_extension)

    def url(self, database: str = DATABASE) -> str:
        """The shop's connection URL: by socket, or by TCP when a port was asked for."""
        if self.port:
            return f"postgresql://{ROLE}:{self._password()}@127.0.0.1:{self.port}/{database}"
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self._socket()), safe='')}"

    def close(self) -> None:
        """Remove the socket's folder where it lies outside the cluster's. The process must have ended."""
        if self._socket_folder and self._socket_folder.parent != self.folder:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    # --- inside ---

    def _refuse_other_version(self) -> None:
        try:
            found = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return
        if found != "18":
            raise CannotStart(
                f"{self.data} was made by PostgreSQL {found} and this shop brings 18; "
                "move the data by pg_dump or choose another QUICKSHOP_HOME."
            )

    def _make_cluster(self) -> None:
        # Made under another name and renamed, so that a start cut off here begins again.
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        credentials = {}
        if self.user:
            os.chown(fresh, self.user.uid, self.user.gid)
            credentials = self.user.credentials()
        made = subprocess.run(  # noqa: S603
            [
                self._bin / "initdb",
                "-D",
                fresh,
                "-U",
                _SUPERUSER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                *([] if self._durable else ["--no-sync"]),
            ],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            capture_output=True,
            check=False,
            **credentials,
        )
        if made.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            lines = made.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
            said = next((line for line in lines if "error" in line.lower() or "fatal" in line.lower()), lines[-1])
            raise CannotStart(f"A new database cluster could not be made in {self.folder}: {said}.")
        fresh.rename(self.data)

    def _make_socket_folder(self) -> Path:
        if self._socket_folder and self._socket_folder.is_dir():
            return self._socket_folder
        beside = self.folder / "socket"
        plain = str(beside).isascii() and not set(str(beside)) & set("\"',\\")
        if plain and len(str(beside)) + len(_SOCKET_NAME) <= _LONGEST_SOCKET_PATH:
            beside.mkdir(mode=0o700, exist_ok=True)
            chosen = beside
        else:
            chosen = Path(tempfile.mkdtemp(prefix="quickshop-", dir="/tmp"))
        if self.user:
            os.chown(chosen, self.user.uid, self.user.gid)
        return chosen

    def _configuration(self) -> str:
        settings = {
            **_SETTINGS,
            **(_DURABLE if self._durable else _THROW_AWAY),
            "unix_socket_directories": f"'{self._socket()}'",
            "listen_addresses": "'127.0.0.1'" if self.port else "''",
        }
        if self.port:
            # The port also names the socket file, so the socket keeps its length.
            settings["port"] = str(self.port)
        lines = [f"{name} = {value}" for name, value in settings.items()]
        head = "# Written anew at every start; put changes of your own into local.conf."
        return "\n".join([head, *lines, "include_if_exists = 'local.conf'", ""])

    def _socket(self) -> Path:
        if self._socket_folder is None:
            raise RuntimeError("prepare() comes first")
        return self._socket_folder

    def _superuser_dsn(self, database: str) -> str:
        host = quote(str(self._socket()), safe="")
        return f"postgresql://{_SUPERUSER}@/{database}?host={host}&port={self.port or 5432}"

    def _as_superuser(self, database: str, work: Callable[[psycopg2.extensions.cursor], None]) -> None:
        connection = psycopg2.connect(self._superuser_dsn(database), connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                work(cursor)
        finally:
            connection.close()

    def _make_role_and_database(self, cursor: psycopg2.extensions.cursor) -> None:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
            cursor.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(ROLE)))
        # The migrations make the processes' roles. Folders of earlier versions have a role that may not yet.
        cursor.execute(sql.SQL("ALTER ROLE {} CREATEROLE").format(sql.Identifier(ROLE)))
        if self.port:
            alter = sql.SQL("ALTER ROLE {} PASSWORD {} CREATEDB")
            cursor.execute(alter.format(sql.Identifier(ROLE), sql.Literal(self._password())))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            made = sql.SQL("CREATE DATABASE {} OWNER {}")
            cursor.execute(made.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))

    def _make_extension(self, cursor: psycopg2.extensions.cursor) -> None:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'")
        if cursor.fetchone() is None:
            cursor.execute("CREATE EXTENSION pg_stat_statements")

    def _password(self) -> str:
        kept = self.folder / "password"
        if not kept.exists():
            kept.touch(mode=0o600)
            kept.write_text(secrets.token_urlsafe(24))
        return kept.read_text()


_ACCESS = """\
# The socket lies in a folder that only the server's user (and root) may enter.
local all all trust
host all all 127.0.0.1/32 scram-sha-256
"""
