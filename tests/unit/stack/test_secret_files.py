"""Passwords and keys as files: made where they are missing, never changed, and read by the services' own reader."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pilothouse.serving.auth import ForbiddenError, Keys, UnauthorisedError
from stack import compose_setup
from stack.secret_files import API_KEYS, NAMES, SCOPES, api_keys, completed, read, write

ROOT = Path(__file__).resolve().parents[3]


def make(folder, **environment):
    command = [sys.executable, "-m", "stack.secret_files", str(folder)]
    known = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(command, env=known, capture_output=True, text=True, timeout=30, check=False)


def test_each_is_random_and_of_192_bits():
    first, second = completed({}), completed({})
    assert {len(bytes.fromhex(v)) for v in first.values()} == {24}
    assert not {*first.values()} & {*second.values()}


def test_what_is_known_stays():
    assert completed({"drift_key": "kept"})["drift_key"] == "kept"


@pytest.mark.parametrize(("access", "may"), [("open", {"predict", "read"}), ("keys", set())])
def test_the_file_of_keys_lets_each_do_what_it_needs_and_nobody_more(tmp_path, access, may):
    values = completed({})
    (tmp_path / API_KEYS).write_text(api_keys(values, access))
    keys = Keys.read(tmp_path / API_KEYS)
    for scope in ("predict", "ingest", "read", "admin"):
        assert allowed(keys, None, scope) == (scope in may)
        for name, scopes in SCOPES.items():
            assert allowed(keys, values[name], scope) == (scope in scopes.split(",") or scopes == "admin")


def allowed(keys, key, scope):
    try:
        keys.check(f"Bearer {key}".encode() if key else None, scope)
    except (UnauthorisedError, ForbiddenError):
        return False
    return True


def test_the_command_makes_what_is_missing_for_its_owner_alone_and_shows_none_of_it(tmp_path):
    folder = tmp_path / "secrets"
    done = make(folder)
    assert {p.name for p in folder.iterdir()} == {*NAMES, API_KEYS}
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}
    assert not [v for v in read(folder).values() if v in done.stdout]
    before = read(folder)
    (folder / "drift_key").unlink()
    assert make(folder).stdout == f"{folder / 'drift_key'} made\n"
    assert {n for n, v in read(folder).items() if v != before[n]} == {"drift_key"}


def test_a_misspelt_access_is_refused(tmp_path):
    done = make(tmp_path / "secrets", PILOTHOUSE_ACCESS="key")
    assert done.returncode == 1
    assert "PILOTHOUSE_ACCESS=open|keys" in done.stderr
    assert not (tmp_path / "secrets").exists()


def test_a_container_gets_its_own_and_what_one_lost_is_taken_from_another(tmp_path):
    values = completed({})
    compose_setup.fill(tmp_path, {**values, API_KEYS: api_keys(values, "open")})
    assert {p.name for p in (tmp_path / "drift").iterdir()} == {API_KEYS, "drift_key"}
    (tmp_path / "postgres/database_password").unlink()
    found = compose_setup.kept(tmp_path)
    assert {name: found[name] for name in NAMES} == values


def test_a_volume_without_a_key_for_readers_gets_one_that_is_not_the_admins(tmp_path):
    values = completed({})
    compose_setup.fill(tmp_path, {**values, API_KEYS: ""})
    (tmp_path / "admin/reader_key").unlink()
    assert completed(compose_setup.kept(tmp_path))["reader_key"] not in values.values()


def test_a_file_that_says_so_already_is_left_alone(tmp_path):
    write(tmp_path, {"drift_key": "a"}, 0o444)
    before = (tmp_path / "drift_key").stat().st_mtime_ns
    write(tmp_path, {"drift_key": "a"}, 0o444)
    assert (tmp_path / "drift_key").stat().st_mtime_ns == before
    write(tmp_path, {"drift_key": "b"}, 0o444)
    assert (tmp_path / "drift_key").read_text() == "b"
