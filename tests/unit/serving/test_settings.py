"""A wrong setting ends a service at its start with one line that names it; a misspelt one is named in a warning."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pilothouse.serving.settings import warnings_about

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ("inference", "collector", "drift", "frontend")


def started(service, folder, **environment):
    """Status and standard error of a service that should not start; it is stopped after a minute when it does."""
    ports = {f"{s.upper()}_PORT": "0" for s in SERVICES}
    own = {"PATH": os.environ["PATH"], "PILOTHOUSE_STATE": str(folder / "state")}
    command = [sys.executable, "-m", f"services.{service}"]
    done = subprocess.run(
        command, cwd=ROOT, env=own | ports | environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stderr


EVERYWHERE = [
    ("PILOTHOUSE_LOG_LEVEL", "loud", "Input should be 'debug', 'info', 'warning' or 'error'"),
    ("PILOTHOUSE_API_KEYS_FILE", "/nonexistent/keys", "must be a file that can be read: No such file or directory"),
    ("PILOTHOUSE_API_KEY_FILE", "/nonexistent/key", "must be a file that can be read: No such file or directory"),
]
HERE = [
    ("collector", "COLLECTOR_PORT", "80000", "less than or equal to 65535"),
    ("collector", "COLLECTOR_PORT", "tcp://10.0.0.1:8001", "enableServiceLinks: false"),
    ("collector", "PILOTHOUSE_HEAD_TIMEOUT_SECONDS", "inf", "less than or equal to 86400"),
    ("collector", "PILOTHOUSE_MAX_HEAD_BYTES", "99999999999999999999", "less than or equal to 16777216"),
    ("collector", "PILOTHOUSE_DATABASE_POOL", "many", "should be a valid integer"),
    ("collector", "PILOTHOUSE_DATABASE_URL", "mysql://host/x", "neither postgresql://host/name nor sqlite:///path"),
    ("collector", "PILOTHOUSE_DATABASE_URL", "nonsense", "not a database URL"),
    ("collector", "PILOTHOUSE_DATABASE_PASSWORD_FILE", "/nonexistent", "must be a file that can be read"),
    ("collector", "PILOTHOUSE_DATABASE_PARTITIONS", "maybe", "'on' or 'off'"),
    ("collector", "PILOTHOUSE_ARCHIVE_URL", "bucket", "gs://BUCKET/PREFIX, s3://BUCKET/PREFIX or file:///FOLDER"),
    ("collector", "PILOTHOUSE_STATE", "/proc/1/nowhere", "nothing can be written there"),
    ("inference", "PILOTHOUSE_MODELS", "/nonexistent", "must be a folder that is there"),
    ("inference", "PILOTHOUSE_DEFAULT_MODEL", "mouse-prices", "there are fashion-mnist, house-prices"),
    ("inference", "PILOTHOUSE_COLLECTOR_URL", "collector:8001", "must be an address as http://127.0.0.1:8001"),
    ("inference", "PILOTHOUSE_STATE", "/proc/1/nowhere", "nothing can be written there"),
    ("drift", "PILOTHOUSE_ARCHIVE_URL", "/archive", "file:///FOLDER"),
    ("drift", "PILOTHOUSE_COLLECTOR_URL", "nonsense", "must be an address"),
    ("frontend", "PILOTHOUSE_DRIFT_URL", "nonsense", "must be an address"),
]


@pytest.mark.parametrize(
    ("service", "name", "value", "said"), [*((s, *fault) for s in SERVICES for fault in EVERYWHERE), *HERE]
)
def test_a_wrong_setting_ends_the_service_with_a_line(service, name, value, said, tmp_path):
    status, output = started(service, tmp_path, **{name: value})
    assert status == 2, output
    (line,) = output.splitlines()
    assert line.startswith(name)
    assert said in line


def test_the_password_in_a_database_url_is_not_shown(tmp_path):
    _, output = started("collector", tmp_path, PILOTHOUSE_DATABASE_URL="mysql://me:hunter2@host/x")
    assert "hunter2" not in output


def test_keys_that_are_malformed_are_said_with_their_line(tmp_path):
    (tmp_path / "keys").write_text("short read\n")
    status, output = started("drift", tmp_path, PILOTHOUSE_API_KEYS_FILE=str(tmp_path / "keys"))
    assert status == 2
    assert output.startswith(f"{tmp_path}/keys:1: expected KEY")


def test_an_empty_value_is_one_that_is_not_set(monkeypatch):
    from services.collector.settings import CollectorSettings

    monkeypatch.setenv("PILOTHOUSE_RETENTION_DAYS", "")
    monkeypatch.setenv("PILOTHOUSE_ARCHIVE_URL", "")
    assert (CollectorSettings().retention_days, CollectorSettings().archive_url) == (0, None)


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("PILOTHOUSE_RETENTION_DAY", "PILOTHOUSE_RETENTION_DAYS"),
        ("PILOTHOUSE_DATABSE_URL", "PILOTHOUSE_DATABASE_URL"),
        ("PILOTHOUSE_COLLECTORURL", "PILOTHOUSE_COLLECTOR_URL"),
    ],
)
def test_a_misspelt_setting_is_named_with_the_right_one(misspelt, meant):
    assert list(warnings_about([misspelt])) == [f"{misspelt}: there is no such setting; did you mean {meant}?"]


def test_what_is_like_no_setting_is_named_too():
    assert list(warnings_about(["PILOTHOUSE_COFFEE"])) == ["PILOTHOUSE_COFFEE: there is no such setting"]


def test_settings_of_another_service_and_what_kubernetes_sets_are_no_mistakes():
    names = ["PILOTHOUSE_REPORT_TIMEOUT_SECONDS", "PILOTHOUSE_COLLECTOR_SERVICE_HOST", "PILOTHOUSE_COLLECTOR_PORT",
             "PILOTHOUSE_COLLECTOR_PORT_8001_TCP_ADDR", "PILOTHOUSE_REQUIRE_POSTGRES", "HOME", "PORT"]  # fmt: skip
    assert list(warnings_about(names)) == []


def test_a_service_warns_at_its_start_and_goes_on(tmp_path):
    status, output = started("collector", tmp_path, PILOTHOUSE_RETENTION_DAY="3", PILOTHOUSE_LOG_LEVEL="loud")
    assert status == 2
    assert output.splitlines()[0].endswith("did you mean PILOTHOUSE_RETENTION_DAYS?")
