"""k8s/ rendered by kustomize: valid, of one piece, closed, and told only what the services read."""

import copy
import re
from collections import Counter

import kubernetes_validate
import pytest

from pilothouse.commands.connection import PORTS
from scripts.settings import CLASSES, variables
from stack import secret_files
from tests.unit.k8s import restricted
from tests.unit.k8s.rendered import (
    K8S,
    OPERATORS,
    OVERLAYS,
    amount,
    containers,
    labels,
    may_reach,
    named,
    of_kind,
    pod,
    render,
    selects,
    workloads,
)

ROOT = K8S.parent
SECRET = "pilothouse-secrets"


@pytest.fixture(params=OVERLAYS)
def overlay(request):
    return request.param


@pytest.fixture
def objects(overlay):
    return render(overlay)


def ours(objects):
    """Workloads of our own images, and the container of each."""
    return [(w, c) for w in workloads(objects) for c in containers(w) if service_of(c)]


def service_of(container):
    found = re.search(r"(?:^|[-/])(inference|collector|drift|frontend):", container["image"])
    return found[1] if found else None


def test_every_object_is_valid_in_strict_mode(objects):
    version = kubernetes_validate.latest_version()
    for found in objects:
        if found["apiVersion"] not in OPERATORS:
            kubernetes_validate.validate(found, version, strict=True)


def test_the_strict_mode_finds_what_is_misspelt():
    broken = named(render("local"), "Deployment", "collector")
    pod(broken)["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_no_two_objects_have_one_name_and_all_are_in_the_namespace(objects):
    names = Counter((o["kind"], o["metadata"]["name"]) for o in objects)
    assert [n for n, count in names.items() if count > 1] == []
    assert {o["metadata"].get("namespace") for o in objects if o["kind"] != "Namespace"} == {"pilothouse"}


def test_every_pod_keeps_the_restricted_profile_on_a_read_only_root(objects):
    for workload in workloads(objects):
        assert list(restricted.faults(pod(workload)["spec"])) == []
        assert all(c["securityContext"]["readOnlyRootFilesystem"] for c in containers(workload))
        assert pod(workload)["spec"]["automountServiceAccountToken"] is False
    assert named(objects, "Namespace", "pilothouse")["metadata"]["labels"][
        "pod-security.kubernetes.io/enforce"
    ] == "restricted"  # fmt: skip


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda spec: spec.update(hostNetwork=True), "hostNetwork is set"),
        (lambda spec: spec["volumes"].append({"name": "v", "hostPath": {"path": "/"}}), "volume v: hostPath"),
        (lambda spec: spec["securityContext"].pop("runAsNonRoot"), "collector: runAsNonRoot must be true"),
        (lambda spec: spec["securityContext"].update(runAsUser=0), "collector: runAsUser must not be 0"),
        (lambda spec: spec["securityContext"].pop("seccompProfile"), "seccompProfile must be RuntimeDefault"),
        (lambda spec: spec["containers"][0].pop("securityContext"), "allowPrivilegeEscalation must be false"),
        (
            lambda spec: spec["containers"][0]["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]),
            "all capabilities must be dropped",
        ),
        (lambda spec: spec["containers"][0]["securityContext"].update(privileged=True), "collector: privileged"),
        (lambda spec: spec["containers"][0]["ports"][0].update(hostPort=80), "collector: hostPort 80"),
    ],
)
def test_a_pod_that_breaks_the_profile_is_found(change, sentence):
    spec = copy.deepcopy(pod(named(render("local"), "Deployment", "collector"))["spec"])
    change(spec)
    assert any(sentence in fault for fault in restricted.faults(spec))


def test_every_container_says_what_it_needs_and_when_it_works(objects):
    for workload in workloads(objects):
        for container in containers(workload):
            needs = container["resources"]
            for what in ("cpu", "memory", "ephemeral-storage"):
                assert amount(needs["requests"][what]) <= amount(needs["limits"][what])
            if workload["kind"] != "Job" and container in pod(workload)["spec"]["containers"]:
                assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def test_what_a_container_is_told_it_reads(objects, monkeypatch, tmp_path):
    """In place of the files that are mounted there, one that is here."""
    here = tmp_path / "secret"
    here.write_text("a-secret-of-some-length read")
    settings = {o["metadata"]["name"]: o["data"] for o in of_kind(objects, "ConfigMap")}
    known = {s: set(variables(CLASSES[s])) for s in PORTS}
    everywhere = set().union(*known.values()) | {"INSTANCE"}
    for _, container in ours(objects):
        service = service_of(container)
        own = {e["name"]: e["value"] for e in container["env"]}
        assert set(own) <= known[service]
        told = {k: v for ref in container["envFrom"] for k, v in settings[ref["configMapRef"]["name"]].items()}
        assert set(told) <= everywhere
        with monkeypatch.context() as environment:
            for name, value in (told | own).items():
                environment.setenv(name, str(here) if name.endswith("_FILE") else value)
            environment.setenv("PILOTHOUSE_STATE", str(tmp_path))
            environment.setenv("PILOTHOUSE_MODELS", str(ROOT / "models"))
            CLASSES[service]()


def test_every_file_that_a_setting_names_is_mounted_from_a_secret_that_is_made(objects):
    made = {*secret_files.NAMES, secret_files.API_KEYS}
    settings = {o["metadata"]["name"]: o["data"] for o in of_kind(objects, "ConfigMap")}
    for workload, container in ours(objects):
        known = {v["name"]: v for v in pod(workload)["spec"]["volumes"]}
        files = {
            f"{m['mountPath']}/{i['path']}": i["key"]
            for m in container["volumeMounts"]
            for i in known.get(m["name"], {}).get("secret", {}).get("items", [])
        }
        told = {e["name"]: e["value"] for e in container["env"]}
        told |= {k: v for ref in container["envFrom"] for k, v in settings[ref["configMapRef"]["name"]].items()}
        assert {v for n, v in told.items() if n.endswith("_FILE")} <= set(files)
        assert set(files.values()) <= made
        assert {v["secret"]["secretName"] for v in known.values() if "secret" in v} == {SECRET}


def test_every_service_finds_pods_and_a_port_of_theirs(objects):
    for service in of_kind(objects, "Service"):
        found = [w for w in workloads(objects) if selects({"matchLabels": service["spec"]["selector"]}, labels(w))]
        assert len(found) == 1, service["metadata"]["name"]
        ports = {p["name"]: p["containerPort"] for c in containers(found[0]) for p in c.get("ports", [])}
        for port in service["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]


def test_every_address_in_the_settings_is_a_service(objects):
    services = {s["metadata"]["name"]: s["spec"]["ports"][0]["port"] for s in of_kind(objects, "Service")}
    (settings,) = [o["data"] for o in of_kind(objects, "ConfigMap") if "PILOTHOUSE_COLLECTOR_URL" in o["data"]]
    for value in settings.values():
        if found := re.fullmatch(r"http://(\w+):(\d+)", value):
            assert services[found[1]] == int(found[2]) == PORTS[found[1]]


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor", "PodMonitoring"])
def test_every_selector_finds_something(objects, kind):
    known = [labels(w) for w in workloads(objects)]
    if kind == "ServiceMonitor":
        known = [s["metadata"]["labels"] for s in of_kind(objects, "Service")]
    for found in of_kind(objects, kind):
        selector = found["spec"].get("selector") or found["spec"].get("podSelector")
        assert any(selects(selector, k) for k in known), found["metadata"]["name"]


def test_what_has_more_than_one_replica_is_scaled_and_never_all_away(objects):
    many = {w["metadata"]["name"] for w in workloads(objects) if w["spec"].get("replicas", 1) > 1}
    scaled = {h["spec"]["scaleTargetRef"]["name"]: h["spec"] for h in of_kind(objects, "HorizontalPodAutoscaler")}
    assert many == set(scaled) == {p["metadata"]["name"] for p in of_kind(objects, "PodDisruptionBudget")}
    for name, spec in scaled.items():
        target = named(objects, spec["scaleTargetRef"]["kind"], name)
        assert target["spec"]["replicas"] == spec["minReplicas"] < spec["maxReplicas"]
        cpu, in_flight = spec["metrics"]
        assert cpu["resource"]["name"] == "cpu"
        assert "pilothouse_http_requests_in_flight" in in_flight["pods"]["metric"]["name"]


def test_the_metric_that_scales_is_one_that_the_services_have():
    from prometheus_client import CollectorRegistry

    from pilothouse.serving.metrics import HttpMetrics

    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    metrics.begun()
    assert registry.get_sample_value("pilothouse_http_requests_in_flight") == 1
    metrics.answered("GET", "/", 200, 0.1)
    assert registry.get_sample_value("pilothouse_http_requests_in_flight") == 0


def test_a_stopping_pod_is_given_the_time_that_it_takes(objects):
    for workload, container in ours(objects):
        told = {e["name"]: e["value"] for e in container.get("env", [])}
        wait = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        stop = float(told.get("PILOTHOUSE_STOP_SECONDS", 9))
        assert pod(workload)["spec"]["terminationGracePeriodSeconds"] > wait + stop


def test_a_spool_outlives_its_pod_and_fits_its_disk(objects):
    inference = named(objects, "StatefulSet", "inference")["spec"]
    assert inference["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    (claim,) = inference["volumeClaimTemplates"]
    (container,) = inference["template"]["spec"]["containers"]
    assert {"name": claim["metadata"]["name"], "mountPath": "/state"} in container["volumeMounts"]
    (bound,) = [int(e["value"]) for e in container["env"] if e["name"] == "PILOTHOUSE_SPOOL_MAX_BYTES"]
    assert bound < amount(claim["spec"]["resources"]["requests"]["storage"])


def test_there_is_one_drift_service_and_nobody_scales_it(objects):
    assert named(objects, "Deployment", "drift")["spec"]["replicas"] == 1
    assert named(objects, "Deployment", "drift")["spec"]["strategy"] == {"type": "Recreate"}


NAMES = ("inference", "collector", "drift", "frontend", "migrations")
WAYS = {
    ("inference", "collector"), ("drift", "collector"), ("frontend", "inference"), ("frontend", "collector"),
    ("frontend", "drift"),
}  # fmt: skip


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", PORTS)
def test_the_network_lets_pass_what_a_prediction_needs_and_nothing_else(objects, source, target):
    policies = of_kind(objects, "NetworkPolicy")
    name = "app.kubernetes.io/name"
    passes = may_reach(policies, {name: source}, {name: target}, PORTS[target])
    assert passes == ((source, target) in WAYS)
    assert not may_reach(policies, {name: source}, {name: target}, 22)


def test_the_database_is_reached_by_the_collector_and_the_migrations_alone():
    policies, name = of_kind(render("local"), "NetworkPolicy"), "app.kubernetes.io/name"
    allowed = {n for n in (*NAMES, "postgres") if may_reach(policies, {name: n}, {name: "postgres"}, 5432)}
    assert allowed == {"collector", "migrations"}


@pytest.mark.parametrize(("overlay", "namespace"), [("local", "monitoring"), ("gke", "gmp-system")])
def test_whoever_scrapes_reaches_every_service_and_a_strange_namespace_only_the_open_ones(overlay, namespace):
    policies, name = of_kind(render(overlay), "NetworkPolicy"), "app.kubernetes.io/name"

    def reached(who):
        return {t for t in PORTS if may_reach(policies, {}, {name: t}, PORTS[t], namespace=who)}

    assert reached(namespace) == set(PORTS)
    assert reached("elsewhere") == {"inference", "frontend"}


def test_everybody_may_ask_for_names(objects):
    policies = [p["spec"] for p in of_kind(objects, "NetworkPolicy") if p["metadata"]["name"] == "names"]
    (rule,) = policies[0]["egress"]
    assert {(p["port"], p["protocol"]) for p in rule["ports"]} == {(53, "UDP"), (53, "TCP")}


def test_scraping_asks_a_port_that_every_service_has_at_a_path_that_answers():
    (monitor,) = of_kind(render("local"), "ServiceMonitor")
    (monitoring,) = of_kind(render("gke"), "PodMonitoring")
    assert set(monitor["spec"]) == {"selector", "jobLabel", "endpoints"}
    assert set(monitoring["spec"]) == {"selector", "endpoints", "targetLabels"}
    for endpoint in (*monitor["spec"]["endpoints"], *monitoring["spec"]["endpoints"]):
        assert (endpoint["port"], endpoint["path"]) == ("http", "/metrics")
        assert re.fullmatch(r"\d+s", endpoint["interval"])
    assert set(monitoring["spec"]["targetLabels"]["metadata"]) <= {"pod", "container", "node"}


def test_only_the_local_overlay_brings_a_database_and_only_gke_a_proxy():
    assert named(render("local"), "StatefulSet", "postgres")
    assert not [w for w in workloads(render("gke")) if w["metadata"]["name"] == "postgres"]
    for workload in workloads(render("gke")):
        proxied = any(c["name"] == "cloud-sql-proxy" for c in containers(workload))
        assert proxied == (workload["metadata"]["name"] in ("collector", "migrations"))


def test_the_proxy_runs_beside_and_not_before():
    proxy = containers(named(render("gke"), "Job", "migrations"))[0]
    assert (proxy["name"], proxy["restartPolicy"]) == ("cloud-sql-proxy", "Always")
    assert "startupProbe" in proxy


def test_what_is_to_be_filled_in_is_in_the_gke_overlay_alone():
    assert "PROJECT_ID" not in str(render("local"))
    assert "REGION-docker.pkg.dev/PROJECT_ID/pilothouse/drift:TAG" in str(render("gke"))
