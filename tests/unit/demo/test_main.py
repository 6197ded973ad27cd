"""`python -m demo` where it cannot do its work: a sentence that says why, and status 1."""

import pytest
import typer

from demo.__main__ import closing, main
from testkit.ports import closed_address

HINT = "Is the stack running? `make run` starts it, in another terminal.\n"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    address = closed_address()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PILOTHOUSE_API_KEY", raising=False)
    for name in ("INFERENCE", "COLLECTOR", "DRIFT", "PROMETHEUS"):
        monkeypatch.setenv(f"PILOTHOUSE_{name}_URL", address)
    return address


def ended():
    with pytest.raises(typer.Exit) as raised:
        main(rows=100, labels=0)
    return raised.value.exit_code


def test_a_stack_that_is_not_there_is_named_and_how_to_start_one(nowhere, capsys):
    assert ended() == 1
    said = capsys.readouterr()
    assert said.out == HINT and nowhere in said.err


def test_a_key_that_cannot_be_read_is_not_taken_for_a_stack_that_is_away(monkeypatch, capsys):
    monkeypatch.setenv("PILOTHOUSE_API_KEY_FILE", "missing")
    assert ended() == 1
    said = capsys.readouterr()
    assert said.out == "" and "PILOTHOUSE_API_KEY_FILE=missing cannot be read" in said.err


def test_unexpected_verdicts_are_said_before_the_addresses():
    first, second, *places = closing("http://page", ["houses"], 2)
    assert first == "[red]2 verdicts are not the expected ones.[/]" and second == "The page: http://page"
    assert [place.split()[0] for place in places] == [
        "http://page/alerts", "http://page/drift?model=houses", "http://page/drift-report?model=houses",
    ]  # fmt: skip
