"""The services of k8s/cloudrun/ as containers of our images: what is deployed is what is read here and run."""

import json
import os
import threading
import time
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from pilothouse.client import Client
from pilothouse.errors import PilothouseError
from testkit.cloudrun.front_end import HEADER as IDENTITY
from testkit.cloudrun.front_end import FrontEnd
from testkit.cloudrun.instance import SIDECAR_PORT, StartFailed, docker
from testkit.cloudrun.manifests import containers, read_service
from testkit.cloudrun.world import DATABASE, MODEL, World
from testkit.metadata_server import token
from testkit.postgres import _serve
from testkit.stack.compose import docker_answers, run
from testkit.waiting import wait_for

pytestmark = [
    pytest.mark.compose,
    pytest.mark.skipif(
        not docker_answers() or os.geteuid() != 0, reason="needs a Docker engine, and root for port 443"
    ),
]
BROWSER = "text/html,*/*;q=0.8"
CALL = """
from pilothouse.client import Client
from services.frontend.settings import FrontendSettings
settings = FrontendSettings()
print(len(Client(settings.inference_url, "{key}", auth=settings.identity(settings.inference_url)).models()))
"""
CALL_WITHOUT_TOKEN = """
import httpx2, os
print(httpx2.get(os.environ["PILOTHOUSE_INFERENCE_URL"] + "/models").status_code)
"""
REACH = "import socket; socket.create_connection(('1.1.1.1', 443), 3)"


def build_images():
    """Our images, and on those of inference and drift the ones with the models in them."""
    for service in ("inference", "collector", "drift", "frontend"):
        run("docker", "build", "--quiet", "-f", f"services/{service}/Dockerfile", "-t", f"pilothouse-{service}", ".")
    for service in ("inference", "drift"):
        base, tag = f"BASE=pilothouse-{service}", f"pilothouse-{service}:with-models"
        run("docker", "build", "--quiet", "-f", "k8s/with-models.Dockerfile", "--build-arg", base, "-t", tag, "models")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    build_images()
    for database in _serve():
        database.sql(f"CREATE DATABASE {DATABASE}")
        with World(tmp_path_factory.mktemp("run"), database) as world:
            yield world
    assert world.network not in docker("ps", "--all", "--format={{.Names}}") + docker("volume", "ls", "--quiet")


@pytest.fixture(scope="module")
def started(world):
    """The first instance of predict."""
    return world.start("predict")


@pytest.fixture
def predict(world, started):
    return world.running["predict"]


@pytest.fixture(scope="module")
def watch(world, started):
    return world.start("watch")


def has(world, made):
    return {p["id"] for p in made} <= set(world.stored())


def began(instance, name):
    return instance.inspect(name)["State"]["StartedAt"]


class Load:
    """Clients that predict until the block ends, and the ids that they were answered."""

    def __init__(self, client, threads=4):
        self._client = client
        self.answered, self.unlogged = [], 0
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def _run(self):
        with self._client() as client:
            example = client.manifest(MODEL).examples[0]
            while not self._stopped.is_set():
                try:
                    made = client.predict(MODEL, [example] * 5)
                except PilothouseError:
                    time.sleep(0.02)
                    continue
                self.answered += [p["id"] for p in made if p["logged"]]
                self.unlogged += sum(not p["logged"] for p in made)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()


def test_starts_in_the_order_of_the_dependencies(predict):
    assert predict.started == ["collector", "inference", "metrics"]
    assert began(predict, "collector") < began(predict, "inference") < began(predict, "metrics")


def test_runs_our_images_with_the_memory_of_the_manifest_in_one_network(predict):
    network = f"container:{predict.inspect('pause')['Id']}"
    for name in containers(predict.document):
        host = predict.inspect(name)["HostConfig"]
        assert host["NetworkMode"] == network
        assert host["Memory"] == {"inference": 2**30}.get(name, 2**29)
    assert predict.inspect("inference")["Config"]["Image"] == "pilothouse-inference:with-models"


def test_a_prediction_is_a_row_in_the_database(world, predict):
    with world.client() as client:
        made = client.predict(MODEL, client.manifest(MODEL).examples)
    wait_for(lambda: has(world, made), seconds=30)
    stored = world.stored()
    assert [stored[p["id"]] for p in made] == [1] * len(made)


def test_only_the_ingress_container_knows_a_port_and_everybody_knows_the_revision(predict):
    found = {
        name: dict(e.partition("=")[::2] for e in predict.inspect(name)["Config"]["Env"])
        for name in containers(predict.document)
    }
    assert {n: e.get("PORT") for n, e in found.items()} == {"inference": "8000", "collector": None, "metrics": None}
    for variables in found.values():
        assert variables["K_SERVICE"] == variables["K_CONFIGURATION"] == "pilothouse-predict"
        assert variables["K_REVISION"] == predict.name


def test_the_spool_lies_in_memory_and_the_user_may_write_nothing_of_ours(predict):
    mounts = [line.split() for line in predict.execute("inference", "cat", "/proc/mounts").splitlines()]
    (spool,) = [m for m in mounts if m[1] == "/state"]
    assert spool[2] == "tmpfs"
    assert "size=262144k" in spool[3]
    look = "import os; print(os.getuid(), os.access('/app', os.W_OK), os.access('/secrets/key/inference_key', os.W_OK))"
    assert predict.execute("inference", "python", "-c", look) == "10001 False False"


def test_metrics_of_every_container_are_scraped_on_localhost(world, predict):
    def query(text):
        answer = httpx2.get(f"{predict.url(SIDECAR_PORT)}/api/v1/query?query={quote(text)}").json()
        return {r["metric"]["instance"] for r in answer["data"]["result"]}

    with world.client() as client:
        made = client.predict(MODEL, client.manifest(MODEL).examples)
    wait_for(lambda: query("up == 1") == {"127.0.0.1:8000", "127.0.0.1:8001"}, seconds=60)
    # of inference what it logged, of the collector what it stored: each by its own port
    logged = f'pilothouse_spool_records_total{{outcome="appended"}} >= {len(made)}'
    stored = f'pilothouse_collector_records_ingested_total{{model="{MODEL}"}} >= {len(made)}'
    wait_for(lambda: (query(logged), query(stored)) == ({"127.0.0.1:8000"}, {"127.0.0.1:8001"}), seconds=60)


def test_nobody_comes_in_without_a_key(predict, watch):
    with Client(predict.url(), "an-unknown-key-of-24-letters") as stranger, pytest.raises(PilothouseError):
        stranger.predict(MODEL, [{}])
    assert httpx2.get(f"{watch.url(8001)}/v1/stats").status_code == 401
    assert httpx2.get(f"{watch.url(8002)}/drift").status_code == 401


@pytest.fixture(scope="module")
def outside(world, watch):
    """Asks the watch service's one address from outside: through Google's front end, with a key of ours."""
    address = containers(watch.document)["frontend"]["env"]
    public = next(e["value"] for e in address if e["name"] == "PILOTHOUSE_PUBLIC_URL")
    front = FrontEnd(watch.address, public, timeout_seconds=240)
    headers = {
        "Host": urlsplit(public).netloc,
        IDENTITY: f"Bearer {token(public, time.time() + 3600)}",
        "Authorization": f"Bearer {world.key('frontend')}",
    }
    return lambda path, accept="*/*": front.answer("GET", path, {**headers, "Accept": accept}, b"")


def test_the_one_address_gives_the_report_and_the_json(world, outside):
    with world.client() as client:
        made = client.predict(MODEL, client.manifest(MODEL).examples[:1] * 300)
    wait_for(lambda: has(world, made), seconds=30)
    status, kind, body = outside(f"/drift?model={MODEL}")
    assert (status, kind, json.loads(body)["verdict"]) == (200, "application/json", "drift")  # one house, 300 times
    assert outside(f"/performance?model={MODEL}")[:2] == (200, "application/json")
    status, kind, report = outside(f"/drift-report?model={MODEL}&wait=120", BROWSER)
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert b"<html" in report[:2000].lower()
    assert len(report) > 1_000_000


def test_a_browser_without_a_key_is_sent_to_the_login_and_a_program_gets_401(watch):
    with httpx2.Client(base_url=watch.url(), headers={"host": "pilothouse-watch.run.app"}, timeout=30) as http:
        assert http.get("/drift-report", headers={"accept": BROWSER}).headers["location"].startswith("/login?next=")
        assert http.get("/drift-report").status_code == 401


def test_the_one_address_gives_the_page_and_its_views(outside):
    assert outside("/health/ready")[::2] == (200, b'{"status":"ready"}')
    for path in ("/", f"/drift?model={MODEL}", "/performance", "/runbooks?alert=DriftDetected"):
        status, kind, page = outside(path, BROWSER)
        assert (status, kind) == (200, "text/html; charset=utf-8")
        assert b"streamlit" in page.lower()


def test_the_page_calls_the_other_service_with_an_id_token_for_its_address(world, watch):
    world.metadata.audiences.clear()
    seen = watch.execute("frontend", "python", "-c", CALL.format(key=world.key("frontend")))
    assert int(seen) >= 2
    assert world.metadata.audiences == ["https://pilothouse-predict-123456789.europe-west1.run.app"]
    assert world.front_end.answered[-1] == ("/models", 200)


def test_without_an_id_token_the_front_end_lets_nobody_in(world, watch):
    assert watch.execute("frontend", "python", "-c", CALL_WITHOUT_TOKEN) == "401"


def test_the_instance_reaches_nobody_but_its_neighbours_and_google(predict):
    with pytest.raises(AssertionError, match="unreachable"):
        predict.execute("collector", "python", "-c", REACH)


def test_liveness_probes_pass_and_predictions_go_on_while_the_database_does_not_answer(world, predict, watch):
    assert watch.unwell() == {}
    world.database.freeze()
    try:
        with world.client() as client:
            made = client.predict(MODEL, client.manifest(MODEL).examples)
        assert predict.unwell() == {}
    finally:
        world.database.thaw()
    wait_for(lambda: has(world, made), seconds=60)


def test_scaled_to_zero_under_load_no_answered_record_is_lost_and_none_is_there_twice(world, predict):
    """Its spool is memory, and goes with the instance: what is not delivered in those ten seconds is lost."""
    for _ in range(3):
        with Load(world.client) as load:
            wait_for(lambda: len(load.answered) > 200, seconds=60)
            ended = world.running["predict"].stop()
            time.sleep(0.2)
        stored = world.stored()
        assert load.unlogged == 0
        assert [i for i in load.answered if stored[i] != 1] == []
        assert "inference" not in ended.killed
        assert "collector" not in ended.killed
        assert ended.seconds < 10
        world.start("predict")


def test_a_container_that_dies_makes_the_instance_unwell(predict):
    docker("kill", predict.container("collector"))
    assert predict.unwell() == {"collector": "ended with status 137"}


def test_a_container_that_does_not_start_says_so_and_leaves_nothing(world):
    document = read_service("collect")
    containers(document)["collector"]["env"].append({"name": "PILOTHOUSE_DATABASE_TIMEOUT", "value": "soon"})
    why = r"collector ended with status 2 before .*\n.*PILOTHOUSE_DATABASE_TIMEOUT='soon'"
    with pytest.raises(StartFailed, match=why):
        world.start("collect", document)
    assert "-collect-" not in docker("ps", "--all", "--format={{.Names}}")


def test_a_collector_alone_starts_and_is_asked_for_its_key(world):
    collect = world.start("collect")
    assert collect.started == ["collector", "metrics"]
    assert httpx2.get(f"{collect.url()}/v1/stats").status_code == 401


def test_the_page_and_the_drift_service_end_in_time_too(watch):
    ended = watch.stop()
    assert (ended.killed, ended.seconds < 10) == ([], True)
