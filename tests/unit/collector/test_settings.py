"""The database's address: what people write, as the drivers want it; the password is never said."""

import pytest
from pydantic import ValidationError

from services.collector.errors import DatabaseAddressError
from services.collector.settings import CollectorSettings


def address(url, **more):
    return CollectorSettings(database_url=url, **more).database()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://u:p@h:5/d", "postgresql+asyncpg://u:p@h:5/d"),
        ("postgres://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql://u@h/d?sslmode=require", "postgresql+asyncpg://u@h/d?ssl=require"),
        ("postgresql://u@/d?host=/cloudsql/x:y:z", "postgresql+asyncpg://u@/d?host=%2Fcloudsql%2Fx%3Ay%3Az"),
        ("sqlite:////var/lib/x.db", "sqlite+aiosqlite:////var/lib/x.db"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:///x.db"),
    ],
)
def test_urls_get_the_driver_that_is_spoken_here(given, expected):
    assert address(given).render_as_string(hide_password=False) == expected


def test_without_a_url_it_is_a_file_in_the_state_folder(tmp_path):
    assert CollectorSettings(state=tmp_path).database().database == str(tmp_path / "collector.sqlite")


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "nonsense secret", ""])
def test_what_is_no_address_is_refused_without_its_password(url):
    with pytest.raises(DatabaseAddressError, match="PILOTHOUSE_DATABASE_URL") as caught:
        address(url)
    assert "secret" not in str(caught.value)


def test_the_password_file_wins_over_the_url(tmp_path):
    (tmp_path / "p").write_text("p@ss/word\n")
    url = address("postgresql://u:old@h/d", database_password_file=tmp_path / "p")
    assert url.password == "p@ss/word"


def test_a_password_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValidationError, match="nofile"):
        address("postgresql://u@h/d", database_password_file=tmp_path / "nofile")


def test_the_password_is_not_in_what_settings_print():
    assert "secret" not in repr(CollectorSettings(database_url="postgresql://u:secret@h/d"))


def test_the_port_is_the_collectors_then_the_platforms(monkeypatch):
    monkeypatch.setenv("PORT", "8080")
    assert CollectorSettings().port == 8080
    monkeypatch.setenv("COLLECTOR_PORT", "8001")
    assert CollectorSettings().port == 8001
