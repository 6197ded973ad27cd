"""`pilothouse performance` and the exit codes of both commands, against the real service."""

import threading
from contextlib import contextmanager

import pytest
import uvicorn
from prometheus_client import CollectorRegistry
from rich.console import Console
from typer.testing import CliRunner

from pilothouse.cli import app
from pilothouse.commands.verdicts import appraise, performance_line, performance_table, segment_table
from pilothouse.errors import PilothouseError
from services.drift.app import create_app
from services.drift.settings import DriftSettings
from testkit.drift.frames import flips, houses, manifest
from testkit.drift.stack import running_collector, write_package
from testkit.waiting import wait_for
from tests.service.drift.test_performance import PARITY, log


@contextmanager
def served(models, state, collector_url):
    """The drift service at an address."""
    settings = DriftSettings(port=0, models=models, state=state, collector_url=collector_url, log_level="warning")
    service = create_app(settings, CollectorRegistry())
    server = uvicorn.Server(uvicorn.Config(service, port=0, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command")
    write_package(folder / "models", PARITY, flips(1000, seed=1))
    with (
        running_collector(folder / "collector") as collector,
        served(folder / "models", folder / "state", collector.url) as url,
    ):
        collector.announce(PARITY)
        log(collector, PARITY, flips(600, seed=2), 300)
        yield appraise(url, "parity", segment="a")


def text_of(table):
    console = Console(width=160)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_the_table_has_both_sides_the_reference_and_the_floor(said):
    shown = text_of(performance_table(said))
    line = next(line for line in shown.splitlines() if "accuracy" in line and "(" in line and "0.7000" in line)
    for side in ("measured", "estimated"):
        assert f"{said[side]['metrics']['accuracy']['value']:.4g}" in line
    assert "parity 1: ok" in shown
    assert "on 300 labelled rows" in shown
    assert "estimated: by CBPE on 600 rows" in shown


def test_segments_have_a_table_of_their_own(said):
    shown = text_of(segment_table(said))
    assert "accuracy by segment" in shown
    assert "below" in shown
    assert "and more" in shown


def test_one_line_says_what_was_measured_and_what_was_estimated(said):
    value, guess = (said[s]["metrics"]["accuracy"]["value"] for s in ("measured", "estimated"))
    assert performance_line(said) == (
        f"accuracy {value:.4g} measured on 300 labels, {guess:.4g} estimated without labels"
    )


def test_one_line_says_that_there_is_no_estimate(said):
    broken = {**said, "estimated": {"status": "assumption broken", "metrics": {}}}
    assert performance_line(broken).endswith("no estimate: its assumption is broken")


def test_a_service_that_is_away_is_an_error():
    with pytest.raises(PilothouseError, match=r"127\.0\.0\.1:9"):
        appraise("http://127.0.0.1:9", "parity")


def run(url, *arguments):
    return CliRunner().invoke(app, [*arguments, "--url", url])


def test_drift_ends_with_what_was_found(tmp_path, fresh_collector):
    spec = manifest()
    newer = spec.model_copy(update={"version": "2"})
    for one in (spec, newer):
        write_package(tmp_path / "models", one, houses(1000, seed=1))
        fresh_collector.announce(one)
    with served(tmp_path / "models", tmp_path / "state", fresh_collector.url) as url:
        said = run(url, "drift", "houses")
        assert said.exit_code == 3 and "houses 2: unknown" in said.output
        fresh_collector.log_table(spec, houses(300, seed=3))
        said = run(url, "drift", "houses")
        assert said.exit_code == 0 and "houses 1: no drift" in said.output
        assert "version 1: newest records" in " ".join(said.output.split())
        fresh_collector.log_table(newer, houses(300, shift=1))
        assert run(url, "drift", "houses").exit_code == 2
        assert run(url, "drift", "houses", "--version", "1").exit_code == 0
    assert run(url, "drift", "houses").exit_code == 1


def test_performance_ends_with_what_was_found(tmp_path, fresh_collector):
    write_package(tmp_path / "models", PARITY, flips(1000, seed=1))
    fresh_collector.announce(PARITY)
    with served(tmp_path / "models", tmp_path / "state", fresh_collector.url) as url:
        assert run(url, "performance", "parity").exit_code == 3
        log(fresh_collector, PARITY, flips(600, seed=2), 600)
        assert run(url, "performance", "parity", "--version", "1").exit_code == 0
        log(fresh_collector, PARITY, flips(2000, seed=3, right=0.5), 2000)
        assert run(url, "performance", "parity").exit_code == 2
        assert run(url, "performance", "parity", "--version", "7").exit_code == 1


@pytest.mark.parametrize("arguments", [["drift"], ["drift", "houses", "--often"], ["performance", "a", "b"]])
def test_a_command_that_is_called_wrongly_does_not_end_like_drift(arguments):
    assert CliRunner().invoke(app, arguments).exit_code == 1
