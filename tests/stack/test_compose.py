"""compose.yaml for real: built, started, predicted with, and looked into. Needs a Docker engine."""

import json
import os
import re
import subprocess
import sys
import time

import httpx2
import pytest

from grafana.__main__ import dashboards
from monitoring.definitions import read
from pilothouse.client import Client
from testkit.stack.compose import OURS, Compose, docker_answers, run
from testkit.waiting import wait_for

pytestmark = [
    pytest.mark.compose,
    pytest.mark.skipif(not docker_answers(), reason="no Docker engine answers"),
]
MODELS = ("fashion-mnist", "house-prices")
MOST_MEGABYTES = {"inference": 400, "collector": 300, "drift": 800, "frontend": 460}


@pytest.fixture(scope="module")
def compose(tmp_path_factory):
    compose = Compose(tmp_path_factory.mktemp("secrets"))
    try:
        compose.up()
        yield compose
    finally:
        print(compose("logs", "--no-color", "--tail", "40", check=False).stdout)  # pytest shows it when a test failed
        compose.down()


def test_without_secrets_it_says_what_to_do():
    environment = {k: v for k, v in os.environ.items() if k != "PILOTHOUSE_SECRETS"}
    done = run("docker", "compose", "--env-file", os.devnull, "up", environment=environment, check=False)
    assert done.returncode != 0
    assert "run `make secrets` first" in done.stderr


def test_every_container_is_healthy(compose):
    states = {name: c["State"].get("Health", {}).get("Status") for name, c in compose.inspect().items()}
    states.pop("node-exporter")  # has no healthcheck, and says why
    assert set(states) >= {*OURS, "postgres", "prometheus"}
    assert set(states.values()) == {"healthy"}


def test_a_prediction_of_every_model_is_stored_and_the_drift_service_answers(compose):
    urls = {f"PILOTHOUSE_{s.upper()}_URL": compose.address(s) for s in OURS}
    urls["PILOTHOUSE_API_KEY"] = compose.key("admin")
    command = [sys.executable, "-m", "stack.smoke"]
    done = subprocess.run(command, env=os.environ | urls, text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(re.search(rf"^{m}/\S+: .* stored ", done.stdout, re.MULTILINE) for m in MODELS)


def test_predictions_become_rows_in_postgresql_also_those_made_while_the_collector_was_away(compose):
    with Client(compose.address("inference")) as client:
        example = client.manifest("house-prices").examples[0]
        made = {p["id"] for p in client.predict("house-prices", [example] * 20)}
        compose("stop", "collector")
        made |= {p["id"] for p in client.predict("house-prices", [example] * 20)}
    compose("start", "collector")
    (table,) = compose.sql("select relname from pg_class where relkind = 'p' and relname like 'records_house_prices%'")
    wait_for(lambda: made <= set(compose.sql(f'select id from "{table}"')), seconds=60)
    assert compose.sql(f'select count(*) = count(distinct id) from "{table}"') == ["t"]


def test_prometheus_reaches_every_target(compose):
    def down():
        targets = compose.prometheus("targets")["activeTargets"]
        found = {t["labels"]["job"]: t["health"] for t in targets}
        return {*OURS, "node", "prometheus"} - {job for job, health in found.items() if health == "up"}

    wait_for(lambda: not down(), seconds=60)
    assert down() == set()


def test_prometheus_took_the_rules_and_every_panel_asks_what_it_understands(compose):
    groups = compose.prometheus("rules")["groups"]
    assert {r["health"] for g in groups for r in g["rules"]} <= {"ok", "unknown"}
    assert {g["name"] for g in groups} >= {"pilothouse-http", "pilothouse-models", "pilothouse-drift"}
    for dashboard in dashboards(read()).values():
        for target in (t for p in dashboard["panels"] for t in p.get("targets", ())):
            compose.prometheus("query", query=re.sub(r"\$\w+", ".*", target["expr"]))


def test_is_published_on_this_machine_alone(compose):
    for container in compose.inspect().values():
        bindings = [b for found in (container["NetworkSettings"]["Ports"] or {}).values() for b in found or ()]
        assert {b["HostIp"] for b in bindings} <= {"127.0.0.1"}


def test_no_password_is_in_an_environment(compose):
    password = compose.sql("select current_setting('password_encryption')")
    assert password == ["scram-sha-256"]
    for container in compose.inspect().values():
        assert not [e for e in container["Config"]["Env"] if re.match(r"\w*PASSWORD\w*(?<!FILE)=.", e)]


@pytest.mark.parametrize("service", OURS)
def test_an_image_is_small(compose, service):
    size = int(run("docker", "image", "inspect", f"pilothouse-{service}", "--format", "{{.Size}}").stdout)
    assert size < MOST_MEGABYTES[service] * 1_000_000


LOOK_FOR_DEBRIS = """
from importlib.util import find_spec
from pathlib import Path
from shutil import which
print([m for m in ("torch", "pytest", "pip", "tests", "stack") if find_spec(m)])
print([c for c in ("gcc", "cc", "g++", "make", "ld", "strip") if which(c)])
print([str(d) for d in map(Path, ("/root/.cache", "/tmp/.cache", "/build")) if d.exists()])
"""


@pytest.mark.parametrize("service", OURS)
def test_an_image_has_no_torch_compiler_cache_or_test_in_it(compose, service):
    # as root, who may look everywhere
    done = run("docker", "run", "--rm", "--user", "0", f"pilothouse-{service}", "python", "-c", LOOK_FOR_DEBRIS)
    assert done.stdout.split("\n") == ["[]", "[]", "[]", ""]


@pytest.mark.parametrize("service", OURS)
def test_a_container_can_write_nothing_but_its_state(compose, service):
    look = "import os; print(os.getuid(), os.getgid(), os.access('/app', os.W_OK), os.access('/', os.W_OK))"
    assert compose("exec", "-T", service, "python", "-c", look).stdout.split() == ["10001", "10001", "False", "False"]
    host = compose.inspect()[service]["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]


@pytest.mark.parametrize("service", OURS)
def test_an_image_says_what_it_is_and_what_it_runs(compose, service):
    config = compose.inspect()[service]["Config"]
    assert config["Labels"]["org.opencontainers.image.title"] == f"pilothouse-{service}"
    assert config["Cmd"] == ["python", "-m", f"services.{service}"]
    assert config["Healthcheck"]["Test"][0] == "CMD"


@pytest.mark.parametrize("service", OURS)
def test_a_container_ends_by_itself_within_ten_seconds_of_sigterm(compose, service):
    begun = time.monotonic()
    compose("stop", "--timeout", "30", service)
    seconds = time.monotonic() - begun
    state = json.loads(run("docker", "inspect", compose("ps", "--all", "-q", service).stdout.strip()).stdout)[0][
        "State"
    ]
    assert state["Status"] == "exited"
    assert state["ExitCode"] in (0, 143)  # 143: what it ends with after SIGTERM, when all is done; 137 would be SIGKILL
    assert seconds < 10
    compose("up", "--detach", "--wait", "--no-deps", *compose.offline[:2], service)


def test_the_page_opens(compose):
    assert "Streamlit" in httpx2.get(compose.address("frontend")).text


@pytest.mark.parametrize(
    ("service", "path", "known_as", "status"),
    [
        ("inference", "/models", None, 200),
        ("collector", "/v1/models", None, 401),
        ("collector", "/v1/models", "frontend", 200),
        ("collector", "/v1/models", "inference", 403),
        ("drift", "/drift?model=house-prices", None, 401),
        ("drift", "/drift?model=house-prices", "drift", 200),
    ],
)
def test_predictions_need_no_key_and_what_was_logged_does(compose, service, path, known_as, status):
    headers = {"Authorization": f"Bearer {compose.key(known_as)}"} if known_as else {}
    assert httpx2.get(compose.address(service) + path, headers=headers, timeout=60).status_code == status


def test_every_container_is_limited_in_memory_cpu_and_processes(compose):
    limits = {n: c["HostConfig"] for n, c in compose.inspect().items()}
    assert not [n for n, h in limits.items() if not (h["Memory"] and h["NanoCpus"] and h["PidsLimit"])]


def test_of_three_inference_containers_every_record_is_stored_and_every_prediction_counted(compose):
    addresses = compose.scale_inference(3)
    (table,) = compose.sql("select relname from pg_class where relkind = 'p' and relname like 'records_house_prices%'")
    made = set()
    for address in addresses:
        with Client(address) as client:
            example = client.manifest("house-prices").examples[0]
            made |= {p["id"] for _ in range(20) for p in client.predict("house-prices", [example] * 10)}
    assert len(made) == 600
    wait_for(lambda: made <= set(compose.sql(f'select id from "{table}"')), seconds=60)
    assert compose.sql(f'select count(*) = count(distinct id) from "{table}"') == ["t"]
    counted = 'sum by (instance) (pilothouse_predictions_total{model="house-prices"} >= 200)'
    wait_for(lambda: len(compose.prometheus("query", query=counted)["result"]) == 3, seconds=60)


def test_only_the_page_predictions_and_grafana_are_published_and_the_traffic_of_the_profile_load_gets_in(compose):
    compose.only_published()
    published = {n for n, c in compose.inspect().items() if any((c["NetworkSettings"]["Ports"] or {}).values())}
    assert published - {"grafana"} == {"inference", "frontend"}
    done = compose("run", "--rm", "--build", "load", "python", "-m", "stack.smoke")
    assert "what they predict is stored" in done.stdout
    reach = "import socket; socket.create_connection(('1.1.1.1', 443), 3)"
    for inside in ("collector", "drift"):
        failed = compose("exec", "-T", inside, "python", "-c", reach, check=False)
        assert "unreachable" in failed.stderr  # there is no way out of the network inside
