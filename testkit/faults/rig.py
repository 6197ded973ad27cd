"""Inference, collector and PostgreSQL as real processes, a load on them, and the reconciliation at the end.

A record counts as acknowledged when its prediction was answered with `logged: true`. At the end every acknowledged id
must be in the database exactly once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psutil

from pilothouse.package import open_package
from testkit.faults.proxy import FaultyProxy
from testkit.ports import free_ports
from testkit.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "models" / "house-prices" / "1"
TABLE_LIKE = "records_house_prices%"
FULL = os.environ.get("PILOTHOUSE_CHAOS") == "full"


class Service:
    """One of our processes, which a test may kill and start again."""

    def __init__(self, name: str, port: int, folder: Path, environment: dict[str, str]) -> None:
        self.name, self.port = name, port
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / f"{name}.log"
        self.environment = {**os.environ, **environment, f"{name.upper()}_PORT": str(port)}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", f"services.{self.name}"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        if wait:
            self.await_ready()

    def await_ready(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if httpx2.get(f"{self.url}/health/ready", timeout=2).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{self.name} is not ready after {seconds} s:\n{self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        self._end(signal.SIGKILL, 10)

    def terminate(self, seconds: float = 15) -> float:
        """SIGTERM; how many seconds it took to end."""
        begun = time.monotonic()
        self._end(signal.SIGTERM, seconds)
        return time.monotonic() - begun

    def metric(self, name: str, **labels: str) -> float:
        """Sum of the samples of a metric that have these labels."""
        text = httpx2.get(f"{self.url}/metrics", timeout=5).text
        wanted = [f'{k}="{v}"' for k, v in labels.items()]
        lines = [t for t in text.splitlines() if t.startswith((f"{name}{{", f"{name} "))]
        return sum(float(t.rsplit(" ", 1)[1]) for t in lines if all(w in t for w in wanted))

    @property
    def log(self) -> str:
        return self._log.read_text()

    def _end(self, how: signal.Signals, seconds: float) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(seconds)
        self.process = None


@dataclass
class Load:
    """Clients that predict house prices all the time, one request after the other, a few instances each."""

    url: str
    instances: int = 4
    clients: int = 2
    pause_seconds: float = 0.002
    acknowledged: list[str] = field(default_factory=list)
    unlogged: int = 0
    failures: list[tuple[float, str]] = field(default_factory=list)
    slowest_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._body = {"instances": [dict(open_package(HOUSE).manifest.examples[0])] * self.instances}
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(self.clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def wait_for(self, acknowledged: int, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < acknowledged and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.acknowledged) >= acknowledged, self.failures[-3:]

    def _run(self) -> None:
        with httpx2.Client(base_url=self.url, timeout=10) as http:
            while not self._stop.is_set():
                begun = time.monotonic()
                try:
                    answer = http.post("/models/house-prices/predict", json=self._body)
                    answer.raise_for_status()
                    predictions = answer.json()["predictions"]
                except Exception as error:  # whatever a client sees when its server is killed
                    self.failures.append((begun, f"{type(error).__name__}: {error}"))
                    time.sleep(0.02)
                    continue
                self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - begun)
                logged = [p["id"] for p in predictions if p["logged"]]
                self.acknowledged += logged
                self.unlogged += len(predictions) - len(logged)
                time.sleep(self.pause_seconds)


class Rig:
    """The three parts with a proxy between inference and the collector, and one before the database."""

    def __init__(self, folder: Path, database: PostgresServer, **settings: str) -> None:
        self.folder, self.database = folder, database
        self.state = Path(settings.pop("PILOTHOUSE_STATE", str(folder / "state")))
        self.state.mkdir(parents=True, exist_ok=True)
        self.url = database.create_database()
        self._name = self.url.rsplit("/", 1)[1]
        ports = free_ports(2)
        self.before_database = FaultyProxy(database.port)
        self.before_collector = FaultyProxy(ports[1])
        common = {"PILOTHOUSE_LOG_FORMAT": "text", "PILOTHOUSE_HOST": "127.0.0.1", **settings}
        address = self.url.replace(f":{database.port}/", f":{self.before_database.port}/")
        self.collector = Service("collector", ports[1], folder, {**common, "PILOTHOUSE_DATABASE_URL": address})
        self.inference = Service(
            "inference",
            ports[0],
            folder,
            {
                **common,
                "PILOTHOUSE_MODELS": str(ROOT / "models"),
                "PILOTHOUSE_STATE": str(self.state),
                "PILOTHOUSE_COLLECTOR_URL": f"http://127.0.0.1:{self.before_collector.port}",
            },
        )

    def __enter__(self) -> Rig:
        self.collector.start()
        self.inference.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.inference.kill()
        self.collector.kill()
        self.before_collector.close()
        self.before_database.close()

    def load(self, **options: float) -> Load:
        return Load(self.inference.url, **options)  # type: ignore[arg-type]

    def sql(self, statement: str) -> str:
        return self.database.sql(statement, self._name)

    @property
    def table(self) -> str:
        return self.sql(
            f"SELECT relname FROM pg_class WHERE relkind = 'p' AND relname LIKE '{TABLE_LIKE}' ORDER BY relname LIMIT 1"
        )

    def stored(self) -> list[str]:
        """Every id of the model's table, as often as it is in it."""
        return self.sql(f'SELECT id FROM "{self.table}"').split()

    def drain(self, seconds: float = 60) -> None:
        """Wait until the spool says that nothing waits."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.inference.metric("pilothouse_spool_oldest_seconds") == 0 and not self._segments():
                return
            time.sleep(0.1)
        raise AssertionError(f"the spool is not empty after {seconds} s: {self.inference.log[-1500:]}")

    def _segments(self) -> list[Path]:
        return list(self.state.glob("spool/workers/*/*.seg"))

    def reconcile(self, load: Load) -> Figures:
        """Compare what was acknowledged with what is stored."""
        stored = self.stored()
        once = set(stored)
        figures = Figures(
            acknowledged=len(load.acknowledged),
            lost=len(set(load.acknowledged) - once),
            twice=len(stored) - len(once),
            failed=len(load.failures),
            unlogged=load.unlogged,
        )
        figures.report()
        return figures


@dataclass(frozen=True)
class Figures:
    """What a scenario came to; `report` adds it to the table that `make chaos` prints."""

    acknowledged: int
    lost: int
    twice: int
    failed: int
    unlogged: int

    def report(self) -> None:
        path = os.environ.get("PILOTHOUSE_CHAOS_REPORT")
        if path:
            name = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[-1].split(" ")[0].removeprefix("test_")
            with Path(path).open("a", encoding="utf-8") as report:
                row = (name, self.acknowledged, self.lost, self.twice, self.failed, self.unlogged)
                report.write("| " + " | ".join(str(v).replace("_", " ") for v in row) + " |\n")

    @property
    def sound(self) -> bool:
        return self.acknowledged > 0 and self.lost == 0 and self.twice == 0


def memory_bytes(service: Service) -> int:
    """Resident memory of a service."""
    assert service.process is not None
    return psutil.Process(service.process.pid).memory_info().rss
