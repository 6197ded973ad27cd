"""A private PostgreSQL server for tests: real, on a free port, gone afterwards.

The binaries are found by pg_config or in Debian's folders. The server refuses to run as root, so root starts it as the
user `postgres`. Where there is no PostgreSQL the tests that need it are skipped and say so; with
PILOTHOUSE_REQUIRE_POSTGRES=1 they fail instead.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testkit.ports import free_port

_ACCOUNTS = ("postgres", "nobody")


class PostgresServer:
    """One cluster in a folder of its own. `durable=False` leaves fsync out: a kill loses nothing, a power cut would."""

    def __init__(self, binaries: Path, folder: Path, *, durable: bool = False) -> None:
        self._binaries, self._folder, self._durable = binaries, folder, durable
        self._process: subprocess.Popen[bytes] | None = None
        self._has_clean = False
        self.port = free_port()
        self.password = secrets.token_urlsafe(12)

    def create(self) -> None:
        """Make the cluster. Its superuser is `pilothouse`, with a password."""
        password = self._folder / "password"
        password.write_text(self.password)
        _give_away(self._folder)
        self._run("initdb", "-D", str(self._data), "-U", "pilothouse", "-A", "scram-sha-256", f"--pwfile={password}",
                  "--no-sync", "-E", "UTF8", "--locale=C")  # fmt: skip

    def start(self) -> None:
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self._folder),
                   "max_connections": 60, "max_wal_size": "2GB"}  # fmt: skip
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        arguments = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        with (self._folder / "log").open("ab") as log:
            command = [*_as_account(), str(self._binaries / "postgres"), "-D", str(self._data), *arguments]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        self._wait_until_ready()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is a fast shutdown, SIGQUIT an immediate one."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(timeout=30)
        self._process = None

    def kill(self) -> None:
        """`kill -9` of the server and of all its backends, as the kernel does when memory is out."""
        if self._process is None:
            return
        children = _children(self._process.pid)
        self._process.kill()
        for child in children:
            _signal(child, signal.SIGKILL)
        self._process.wait(timeout=30)
        self._process = None
        while any(_runs(child) for child in children):
            time.sleep(0.01)

    def freeze(self) -> None:
        """Stop answering without closing a connection, as a machine does that has hung."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        return f"postgresql://pilothouse:{self.password}@127.0.0.1:{port or self.port}/{database}"

    def create_database(self) -> str:
        """A new, empty database; its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def clean_database(self) -> str:
        """One database, emptied each time: a new one for every test would be 8 MB of files each. Its URL."""
        if not self._has_clean:
            self.sql("CREATE DATABASE clean TEMPLATE template0")
            self._has_clean = True
        self.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public", "clean")
        return self.url("clean")

    @contextmanager
    def holding(self, lock: str, database: str) -> Iterator[Callable[[], object]]:
        """Somebody else's transaction, which holds a lock until the block ends or what it yields is called."""
        command = self._psql(database)
        session = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment, text=True
        )
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write(f"BEGIN;\n{lock};\nSELECT 'held';\n")
        session.stdin.flush()
        while "held" not in session.stdout.readline():
            assert session.poll() is None, "psql has ended"
        try:
            yield lambda: session.communicate("ROLLBACK;\n")
        finally:
            if session.poll() is None:
                session.communicate("ROLLBACK;\n")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement by psql, around everything that is tested; what it printed."""
        command = [*self._psql(database), "-c", statement]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def folder(self) -> Path:
        """Where its Unix socket is too: `.s.PGSQL.PORT`."""
        return self._folder

    @property
    def _environment(self) -> dict[str, str]:
        return os.environ | {"PGPASSWORD": self.password}

    def _psql(self, database: str) -> list[str]:
        return [str(self._binaries / "psql"), "-XAtq", "-h", "127.0.0.1", "-p", str(self.port), "-U", "pilothouse",
                "-v", "ON_ERROR_STOP=1", "-d", database]  # fmt: skip

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*_as_account(), str(self._binaries / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self._folder, check=False)
        assert done.returncode == 0, done.stderr

    def _wait_until_ready(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        command = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(command, check=False).returncode != 0:
            assert self._process is not None
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.05)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        for process in (self._process.pid, *_children(self._process.pid)):
            _signal(process, number)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for the whole session; tests that stop it use `own_postgres`."""
    yield from _serve()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server of the test's own, which it may stop, kill or freeze."""
    yield from _serve()


def _serve() -> Iterator[PostgresServer]:
    binaries = find_binaries()
    if binaries is None:
        reason = "no PostgreSQL server here (Debian: apt-get install postgresql)"
        if os.environ.get("PILOTHOUSE_REQUIRE_POSTGRES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="pilothouse-pg-"))
    server = PostgresServer(binaries, folder)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path | None:
    """The folder with `postgres` and `initdb`: pg_config's, else the newest of Debian's."""
    candidates: list[Path] = []
    if shutil.which("pg_config"):
        said = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(Path(said.stdout.strip() or "/nonexistent"))
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(debian, key=lambda p: int(p.parent.name) if p.parent.name.isdecimal() else 0, reverse=True)
    return next((p for p in candidates if (p / "postgres").exists() and (p / "initdb").exists()), None)


def _as_account() -> list[str]:
    if os.geteuid() != 0:
        return []
    name = _account().pw_name
    return ["setpriv", f"--reuid={name}", f"--regid={_account().pw_gid}", "--clear-groups", "--"]


def _account() -> pwd.struct_passwd:
    known = {account.pw_name: account for account in pwd.getpwall()}
    return next(known[name] for name in _ACCOUNTS if name in known)


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _account().pw_uid, _account().pw_gid)


def _children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children")
    return [int(word) for word in listed.read_text().split()] if listed.exists() else []


def _runs(process: int) -> bool:
    """A zombie that nobody has waited for yet is gone as far as files and ports are concerned."""
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _signal(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
