"""compose.yaml for real: built, started, predicted with, and looked into. Needs a Docker engine."""

import json
import re
import time
from dataclasses import dataclass

import httpx2
import pytest

from grafana.__main__ import dashboards
from monitoring.definitions import read
from pilothouse.client import Client
from stack.secret_files import NAMES
from testkit.stack.compose import OURS, READY, Compose, docker_answers, run
from testkit.waiting import wait_for

pytestmark = [
    pytest.mark.compose,
    pytest.mark.skipif(not docker_answers(), reason="no Docker engine answers"),
]
MODELS = ("fashion-mnist", "house-prices")


@dataclass
class FirstDay:
    """What a new user sees: `docker compose up` in a fresh clone, Ctrl-C, `down`, and up again."""

    start_seconds: float
    said: list[str]
    opened: dict[str, int]
    interrupt_seconds: float
    down_seconds: float
    kept: list
    found: list


@pytest.fixture(scope="module")
def compose(tmp_path_factory):
    compose = Compose(tmp_path_factory.mktemp("compose"))
    try:
        compose.build()
        yield compose
    finally:
        print(compose("logs", "--no-color", "--tail", "40", check=False).stdout)  # pytest shows it when a test failed
        compose.down("--volumes", "--remove-orphans", "--timeout", "5")


@pytest.fixture(scope="module")
def first_day(compose):
    begun = time.monotonic()
    with compose.attached() as terminal:
        terminal.until(READY, seconds=120)
        start_seconds = time.monotonic() - begun
        terminal.until("Grafana  ")
        said = [line.partition("| ")[2] for line in terminal.lines if "addresses-1 " in line and "| " in line]
        opened = {url: status(url) for line in said for url in re.findall(r"http\S+", line)}
        predict(compose)
        kept = [stored(compose), compose.secrets()]
        interrupted = time.monotonic()
        terminal.interrupt()
        terminal.end(60)
        interrupt_seconds = time.monotonic() - interrupted
    compose.up()
    down_seconds = compose.down()
    compose.up()
    found = [stored(compose), compose.secrets()]
    return FirstDay(start_seconds, said, opened, interrupt_seconds, down_seconds, kept, found)


@pytest.fixture(scope="module")
def secrets(first_day):
    return first_day.found[1]


@pytest.fixture(scope="module", autouse=True)
def running(first_day):
    """Every test below looks at the stack that was stopped, removed and started again."""


def status(url):
    """The answer's status to a browser; None where nobody listens."""
    try:
        return httpx2.get(url, headers={"accept": "text/html"}, follow_redirects=True, timeout=60).status_code
    except httpx2.ConnectError:
        return None


def predict(compose):
    """Predict once with house-prices, and wait until it is stored."""
    before = stored(compose)
    with Client(compose.address("inference")) as client:
        client.predict("house-prices", client.manifest("house-prices").examples[:1])
    wait_for(lambda: stored(compose) > before)


def stored(compose):
    models = httpx2.get(f"{compose.address('collector')}/v1/stats").raise_for_status().json()["models"]
    return sum(m["records"] for m in models)


def test_all_is_healthy_within_30_seconds_of_docker_compose_up_in_a_fresh_clone(first_day):
    assert first_day.start_seconds < 30


def test_the_last_lines_say_where_to_go_and_every_address_opens(compose, first_day):
    assert first_day.said[0].startswith(READY)
    assert "docker compose exec grafana cat /run/secrets/grafana_password" in first_day.said[-1]
    ports = {int(re.search(r":(\d+)", url)[1]) for url in first_day.opened}
    assert ports == set(compose.ports.values())
    grafana = f":{compose.ports['grafana']}" if compose.offline else "none"
    assert {s for url, s in first_day.opened.items() if grafana not in url} <= {200, 202}  # 202: a report is being made


def test_it_stops_within_12_seconds(first_day):
    assert first_day.interrupt_seconds < 12
    assert first_day.down_seconds < 12


def test_down_and_up_again_keeps_data_passwords_and_keys(first_day):
    (records, secrets), (records_found, secrets_found) = first_day.kept, first_day.found
    assert records_found >= records > 0
    assert secrets_found == secrets


def test_no_secret_is_in_an_environment_an_image_or_a_log(compose):
    values = {text for path, text in compose.secrets().items() if "api_keys" not in path}
    assert len(values) == len(NAMES)
    shown = json.dumps(compose.inspect()) + compose("logs", "--no-color").stdout
    shown += run("docker", "image", "inspect", *(f"pilothouse-{s}" for s in OURS)).stdout
    for service in OURS:  # and what a process has put into its own environment
        environment = "import os; print(open(f'/proc/{os.getppid()}/environ').read(), open('/proc/1/environ').read())"
        shown += compose("exec", "-T", service, "python", "-c", environment, check=False).stdout
    assert not [v for v in values if v in shown]


def test_every_container_sees_its_own_secrets_alone(compose):
    for service, names in {"inference": "api_keys inference_key", "postgres": "database_password"}.items():
        assert compose("exec", "-T", service, "ls", "/run/secrets").stdout.split() == names.split()
    assert compose("exec", "-T", "inference", "touch", "/run/secrets/x", check=False).returncode != 0


def test_every_container_is_healthy(compose):
    assert compose.inspect()["setup"]["State"]["ExitCode"] == 0
    states = {name: c["State"].get("Health", {}).get("Status") for name, c in compose.inspect().items()}
    states.pop("node-exporter")  # has no healthcheck, and says why
    states = {n: s for n, s in states.items() if n not in ("setup", "alert-channels")}
    assert set(states) >= {*OURS, "postgres", "prometheus", "alertmanager"}
    assert set(states.values()) == {"healthy"}


def test_a_prediction_of_every_model_is_stored_and_the_drift_service_answers_as_the_profile_demo_sees_it(compose):
    done = compose("run", "--rm", "--build", "--no-deps", "--no-TTY", "demo", "python", "-m", "stack.smoke")
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


def test_the_database_keeps_no_password_that_could_be_read(compose):
    assert compose.sql("select current_setting('password_encryption')") == ["scram-sha-256"]


@pytest.mark.parametrize("service", OURS)
def test_a_container_can_write_nothing_but_its_state(compose, service):
    look = "import os; print(os.getuid(), os.getgid(), os.access('/app', os.W_OK), os.access('/', os.W_OK))"
    assert compose("exec", "-T", service, "python", "-c", look).stdout.split() == ["10001", "10001", "False", "False"]
    host = compose.inspect()[service]["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]


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


@pytest.mark.parametrize(
    ("address", "known_as", "expected"),
    [
        ("inference/models", None, 200),
        ("collector/v1/models", None, 200),
        ("collector/v1/models", "frontend", 200),
        ("collector/v1/models", "inference", 403),
        ("collector/v1/models", "unknown", 401),
        ("drift/drift?model=house-prices", None, 200),
        ("drift/drift?model=house-prices", "drift", 200),
    ],
)
def test_nobody_needs_a_key_to_read(compose, secrets, address, known_as, expected):
    service, _, path = address.partition("/")
    known = secrets.get(f"{known_as}/{known_as}_key", "a key that nobody made")
    headers = {"Authorization": f"Bearer {known}"} if known_as else {}
    url = f"{compose.address(service)}/{path}"
    assert httpx2.get(url, headers=headers, timeout=60).status_code == expected


def test_labels_want_a_key(compose, secrets):
    url = f"{compose.address('collector')}/v1/labels"
    assert httpx2.post(url, json=[]).status_code == 401
    headers = {"Authorization": f"Bearer {secrets['admin/admin_key']}"}
    assert httpx2.post(url, json=[], headers=headers).status_code not in (401, 403)


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


REACH = "import socket; socket.create_connection(('1.1.1.1', 443), 3)"


@pytest.mark.parametrize("service", OURS)
def test_a_published_service_has_no_way_out(compose, service):
    failed = compose("exec", "-T", service, "python", "-c", REACH, check=False)
    assert "timed out" in failed.stderr or "unreachable" in failed.stderr


def test_a_name_that_no_container_has_is_refused_at_once(compose):
    begun = time.monotonic()
    failed = compose(
        "exec", "-T", "frontend", "python", "-c", "import socket; socket.getaddrinfo('x', 80)", check=False
    )
    assert "name resolution" in failed.stderr
    assert time.monotonic() - begun < 2


def test_a_lost_key_is_made_again_and_with_another_access_everything_wants_a_key(compose, secrets):
    compose.setup("rm", "/secrets/frontend/frontend_key")
    compose.environment["PILOTHOUSE_ACCESS"] = "keys"
    compose.up()
    found = compose.secrets()
    assert {path for path in secrets if secrets[path] != found[path] and "api_keys" not in path} == {
        "frontend/frontend_key"
    }
    assert httpx2.get(f"{compose.address('collector')}/v1/models").status_code == 401
    headers = {"Authorization": f"Bearer {found['frontend/frontend_key']}"}
    assert httpx2.get(f"{compose.address('collector')}/v1/models", headers=headers).status_code == 200
