"""The services of k8s/cloudrun/ against Google's schema, against what it does not say, and against our settings."""

import json
import re
import subprocess

import pytest
import yaml

from scripts.settings import CLASSES
from scripts.settings import variables as setting_names
from stack.settings import PORTS
from testkit.cloudrun import rules, schema
from testkit.cloudrun.manifests import (
    EXAMPLE,
    FOLDER,
    SERVICES,
    annotated,
    containers,
    read_monitoring,
    read_service,
    template,
    variables,
    volumes,
)

ROOT = FOLDER.parents[1]
SIDECAR = "metrics"
CONNECTIONS = 50 - 3  # of a db-g1-small, less those that Cloud SQL keeps for its superusers


@pytest.fixture(scope="module")
def schemas():
    return schema.discovery()


@pytest.fixture(params=SERVICES)
def name(request):
    return request.param


def ours(document):
    """Containers of our own images, with the service that each is."""
    return {n: c for n, c in containers(document).items() if n in PORTS}


def test_every_file_is_a_service_of_the_list():
    found = {p.stem for p in FOLDER.glob("*.yaml")}
    assert found == set(SERVICES) == {p.stem for p in (FOLDER / "monitoring").glob("*.yaml")}


def test_is_what_googles_schema_says(name, schemas):
    document = read_service(name)
    assert list(schema.faults(document, schemas)) == []
    assert list(schema.annotation_faults(document, schemas)) == []


def test_keeps_the_rules_that_the_schema_does_not_say(name):
    assert rules.faults(read_service(name)) == []


def test_sets_only_what_the_service_in_the_container_reads(name):
    for service, container in ours(read_service(name)).items():
        assert set(variables(container)) <= set(setting_names(CLASSES[service])), service


def test_every_setting_is_one_that_the_service_takes(name, monkeypatch, tmp_path):
    """In place of the files that are mounted there, one that is here."""
    here = tmp_path / "secret"
    here.write_text("a-secret-of-some-length read")
    for service, container in ours(read_service(name)).items():
        with monkeypatch.context() as environment:
            for variable in variables(container).values():
                mounted = variable["name"].endswith("_FILE")
                environment.setenv(variable["name"], str(here) if mounted else variable["value"])
            environment.setenv("PILOTHOUSE_STATE", str(tmp_path))
            environment.setenv("PILOTHOUSE_MODELS", str(ROOT / "models"))
            CLASSES[service]()


def test_listens_where_its_probes_its_neighbours_and_the_monitoring_look(name):
    document = read_service(name)
    for service, container in ours(document).items():
        port = container["ports"][0]["containerPort"] if "ports" in container else PORTS[service]
        assert port == PORTS[service]
        assert {container[k]["httpGet"]["port"] for k in ("startupProbe", "livenessProbe")} == {port}
        if "ports" not in container:
            assert variables(container)[f"{service.upper()}_PORT"]["value"] == str(port)
    assert {int(e["port"]) for e in read_monitoring(name)["spec"]["endpoints"]} == {PORTS[s] for s in ours(document)}


def test_calls_its_neighbours_on_localhost_and_the_other_services_at_their_addresses(name):
    document = read_service(name)
    for container in ours(document).values():
        for variable in variables(container).values():
            if found := re.fullmatch(r"PILOTHOUSE_(\w+)_URL", variable["name"]):
                service = found[1].lower()
                if service in containers(document):
                    assert variable["value"] == f"http://127.0.0.1:{PORTS[service]}"
                elif service in PORTS:
                    assert variable["value"] == "https://pilothouse-predict-123456789.europe-west1.run.app"


def test_a_service_that_is_called_takes_tokens_for_the_address_that_it_is_called_at():
    page = variables(containers(read_service("watch"))["frontend"])["PILOTHOUSE_INFERENCE_URL"]["value"]
    assert json.loads(annotated(read_service("predict"))["run.googleapis.com/custom-audiences"]) == [page]


def test_no_container_is_open_to_whoever_reaches_it(name):
    for service, container in ours(read_service(name)).items():
        asks = {"frontend": "PILOTHOUSE_API_KEY_FILE"}.get(service, "PILOTHOUSE_API_KEYS_FILE")
        assert asks in variables(container)


def test_every_file_that_a_setting_names_is_mounted(name):
    document = read_service(name)
    for container in ours(document).values():
        places = {m["mountPath"]: volumes(document)[m["name"]] for m in container["volumeMounts"]}
        for variable in variables(container).values():
            if variable["name"].endswith("_FILE"):
                folder, _, file = variable["value"].rpartition("/")
                assert [i["path"] for i in places[folder]["secret"]["items"]] == [file]


def test_monitoring_is_what_the_sidecar_reads_strictly(name):
    config = read_monitoring(name)
    assert set(config) == {"apiVersion", "kind", "metadata", "spec"}
    assert (config["apiVersion"], config["kind"]) == ("monitoring.googleapis.com/v1beta", "RunMonitoring")
    assert set(config["spec"]) <= {"endpoints", "targetLabels", "limits"}
    for endpoint in config["spec"]["endpoints"]:
        assert set(endpoint) <= {"port", "scheme", "path", "params", "interval", "timeout", "metricRelabeling"}
        assert int(endpoint["timeout"][:-1]) <= int(endpoint["interval"][:-1])
    # without the instance, two of them write one series, and "Points must be written in order"
    assert "instance" in config["spec"]["targetLabels"]["metadata"]


def test_the_sidecar_reads_its_config_from_a_secret(name):
    document = read_service(name)
    (mount,) = containers(document)[SIDECAR]["volumeMounts"]
    assert mount["mountPath"] == "/etc/rungmp"
    secret = volumes(document)[mount["name"]]["secret"]
    assert (secret["secretName"], secret["items"][0]["path"]) == (f"pilothouse-{name}-monitoring", "config.yaml")


def test_a_collector_outlives_the_inference_service_beside_it():
    settings = {n: variables(c) for n, c in containers(read_service("predict")).items()}
    stop, linger = "PILOTHOUSE_STOP_SECONDS", "PILOTHOUSE_LINGER_SECONDS"
    inference = float(settings["inference"][stop]["value"])
    assert inference < float(settings["collector"][linger]["value"]) < float(settings["collector"][stop]["value"]) < 10


def test_everything_stops_within_the_ten_seconds_of_cloud_run(name):
    for service, container in ours(read_service(name)).items():
        default = CLASSES[service].model_fields["stop_seconds"].default
        assert float(variables(container).get("PILOTHOUSE_STOP_SECONDS", {"value": default})["value"]) < 10


def test_the_spool_is_smaller_than_the_memory_that_it_lies_in():
    document = read_service("predict")
    limit = volumes(document)["spool"]["emptyDir"]["sizeLimit"]
    bound = int(variables(containers(document)["inference"])["PILOTHOUSE_SPOOL_MAX_BYTES"]["value"])
    assert bound < int(limit.removesuffix("Mi")) * 2**20


def test_all_instances_together_have_connections_enough_also_while_one_revision_replaces_another():
    wanted = 0
    for name in SERVICES:
        document = read_service(name)
        most = int(annotated(template(document))["autoscaling.knative.dev/maxScale"])
        wanted += most * int(variables(containers(document)["collector"])["PILOTHOUSE_DATABASE_POOL"]["value"])
    assert 2 * wanted <= CONNECTIONS


def test_the_scheduler_always_runs_and_is_alone():
    said = annotated(template(read_service("watch")))
    assert {said[f"autoscaling.knative.dev/{k}Scale"] for k in ("min", "max")} == {"1"}


def test_cloud_build_is_what_googles_schema_says():
    build = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
    assert list(schema.faults(build, schema.discovery("cloudbuild.v1"), "Build")) == []
    steps = [s["id"] for s in build["steps"]]
    assert all(set(s["waitFor"]) - {"-"} <= set(steps[:place]) for place, s in enumerate(build["steps"]))


def test_cloud_build_uses_only_what_it_is_given():
    """An unescaped shell variable would be taken for a substitution, and refused."""
    build = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
    given = {"PROJECT_ID", "PROJECT_NUMBER", "SHORT_SHA", *build["substitutions"]}
    for step in build["steps"]:
        text = "\n".join([*step["args"], *step.get("env", ())]).replace("$$", "")
        assert set(re.findall(r"\$\{?(\w+)", text)) <= given, step["id"]


@pytest.mark.parametrize("field", ["inference", "frontend", "drift", "collector"])
def test_every_image_is_one_that_cloud_build_pushes(field):
    images = {c["image"] for name in SERVICES for n, c in ours(read_service(name)).items() if n == field}
    pushed = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())["images"]
    known = {"$PROJECT_ID": "example", "${_REGION}": "europe-west1", "$_TAG": "local", "${_TAG}": "local"}
    for placeholder, value in known.items():
        pushed = [p.replace(placeholder, value) for p in pushed]
    assert images <= set(pushed)


def test_deploy_fills_in_everything(name):
    done = subprocess.run(
        [FOLDER / "deploy.sh", name], env={"PATH": "/usr/bin:/bin", "SHOW": "1", **EXAMPLE}, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    (document,) = (d for d in yaml.safe_load_all(done.stdout) if d)
    assert document == read_service(name)
    assert "${" not in done.stdout.split("\nspec:")[1]


def test_deploy_says_what_is_missing():
    done = subprocess.run(
        [FOLDER / "deploy.sh"], env={"PATH": "/usr/bin:/bin"}, text=True, capture_output=True, check=False
    )
    assert done.returncode != 0
    assert "PROJECT_ID: the project" in done.stderr
