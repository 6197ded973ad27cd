"""Each rule of Cloud Run, with a service that breaks it."""

import pytest

from testkit.cloudrun import rules, schema
from testkit.cloudrun.manifests import DEPENDENCIES, read_service


@pytest.fixture
def document():
    return read_service("predict")


@pytest.fixture
def spec(document):
    return document["spec"]["template"]["spec"]


@pytest.fixture
def notes(document):
    return document["spec"]["template"]["metadata"]["annotations"]


@pytest.fixture(scope="module")
def schemas():
    return schema.discovery()


def container(spec, name):
    return next(c for c in spec["containers"] if c["name"] == name)


def test_what_we_have_breaks_none(document):
    assert rules.faults(document) == []


def refused(document, *sentences):
    faults = rules.faults(document)
    assert [s for s in sentences if not any(s in f for f in faults)] == [], faults
    return faults


def test_a_long_or_odd_name(document):
    document["metadata"]["name"] = "p" * 50
    refused(document, "at most 49")
    document["metadata"]["name"] = "Predict"
    refused(document, "lower case")


def test_containers_without_a_name_or_with_the_same(document, spec):
    spec["containers"][1]["name"] = "inference"
    refused(document, "two containers are called inference")
    del spec["containers"][1]["name"]
    refused(document, "a container's name None")


def test_no_port_and_two_ports(document, spec):
    container(spec, "collector")["ports"] = [{"containerPort": 8001}]
    refused(document, "exactly one, are ['inference', 'collector']")
    for one in spec["containers"]:
        one.pop("ports", None)
    refused(document, "exactly one, are none")


def test_an_ingress_with_two_ports_or_an_odd_name(document, spec):
    container(spec, "inference")["ports"] = [{"containerPort": 8000, "name": "grpc"}]
    refused(document, "one port, named http1 or h2c")


def test_eleven_containers(document, spec):
    spec["containers"] += [{"name": f"extra-{n}", "image": "x"} for n in range(8)]
    refused(document, "11 containers")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"httpGet": None}, "one of httpGet, tcpSocket and grpc"),
        ({"exec": {"command": ["true"]}}, "never exec"),
        ({"httpGet": {"path": "/"}}, "there is no default"),
        ({"initialDelaySeconds": 241}, "initialDelaySeconds from 0 to 240"),
        ({"periodSeconds": 241}, "periodSeconds from 1 to 240"),
        ({"timeoutSeconds": 3}, "timeoutSeconds from 1 to periodSeconds (2)"),
        ({"failureThreshold": 0}, "failureThreshold at least 1"),
        ({"successThreshold": 2}, "successThreshold 1"),
        ({"periodSeconds": 10}, "times failureThreshold at most 240"),
    ],
)
def test_a_startup_probe_beyond_its_limits(document, spec, change, sentence):
    probe = container(spec, "inference")["startupProbe"]
    probe |= change
    for name in [n for n, v in probe.items() if v is None]:
        del probe[name]
    refused(document, sentence)


def test_a_liveness_probe_beyond_its_limits(document, spec):
    container(spec, "inference")["livenessProbe"]["periodSeconds"] = 3601
    refused(document, "inference, livenessProbe: periodSeconds from 1 to 3600")


def test_waiting_for_somebody_without_a_startup_probe(document, spec):
    del container(spec, "collector")["startupProbe"]
    refused(document, "collector needs a startupProbe, because inference waits for it")


def test_waiting_for_nobody_in_a_circle_or_in_no_json(document, notes):
    notes[DEPENDENCIES] = '{"inference": ["colector"]}'
    refused(document, "there is no container colector")
    notes[DEPENDENCIES] = '{"inference": ["collector"], "collector": ["inference"]}'
    refused(document, "a cycle")
    notes[DEPENDENCIES] = "{inference: [collector]}"
    refused(document, "container-dependencies: Expecting property name")
    notes[DEPENDENCIES] = '{"inference": "collector"}'
    refused(document, "an object of lists")


@pytest.mark.parametrize("field", ["envFrom", "securityContext", "imagePullPolicy"])
def test_fields_that_kubernetes_has_and_cloud_run_has_not(document, spec, field):
    container(spec, "inference")[field] = {}
    refused(document, f"inference: {field} is not supported")


def test_config_maps(document, spec):
    container(spec, "inference")["env"][0] = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}
    spec["volumes"][0] = {"name": "spool", "configMap": {"name": "a"}}
    refused(document, "configMapKeyRef is not supported", "volume spool: configMap is not supported")


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ({"name": "PORT", "value": "8000"}, "PORT is set by Cloud Run"),
        ({"name": "K_SERVICE", "value": "me"}, "K_SERVICE is set by Cloud Run"),
        ({"name": "A"}, "A: a value or a valueFrom"),
        ({"name": "A", "value": "$(HOST):1"}, "is not expanded"),
        ({"name": "A", "valueFrom": {"secretKeyRef": {"name": "a"}}}, "and its version as key"),
    ],
)
def test_a_variable_that_cloud_run_would_not_take(document, spec, variable, sentence):
    container(spec, "inference")["env"].append(variable)
    refused(document, sentence)


def test_volumes_that_are_missing_unused_or_on_top_of_each_other(document, spec):
    mounts = container(spec, "inference")["volumeMounts"]
    mounts[0]["name"] = "spol"
    mounts[1]["mountPath"] = mounts[2]["mountPath"]
    refused(document, "there is no volume spol", "volume spool is mounted nowhere", "two volumes at /secrets/key")


@pytest.mark.parametrize(
    ("volume", "sentence"),
    [
        ({}, "one source"),
        ({"emptyDir": {"medium": "RAM"}}, "emptyDir has the medium"),
        ({"secret": {"items": [{"key": "latest", "path": "a"}]}}, "a secret has a secretName"),
        ({"secret": {"secretName": "a", "items": [{"path": "a"}]}}, "an item has a key"),
        ({"emptyDir": {"medium": "Memory"}}, "a sizeLimit of at most half of the memory of inference"),
        ({"emptyDir": {"medium": "Memory", "sizeLimit": "768Mi"}}, "a sizeLimit of at most half"),
    ],
)
def test_a_volume_that_cloud_run_would_not_take_or_that_would_fill_the_memory(document, spec, volume, sentence):
    spec["volumes"][0] = {"name": "spool", **volume}
    refused(document, f"volume spool: {sentence}")


def test_a_sidecar_that_would_starve_and_a_service_that_may_do_anything(document, spec, notes):
    notes["run.googleapis.com/cpu-throttling"] = "true"
    notes["run.googleapis.com/execution-environment"] = "gen1"
    notes["autoscaling.knative.dev/minScale"] = "9"
    spec["timeoutSeconds"] = 3601
    del spec["serviceAccountName"]
    refused(document, "cpu-throttling", "gen2", "minScale and maxScale", "timeoutSeconds", "serviceAccountName")


def test_the_schema_finds_what_is_misspelt_or_of_another_type(document, spec, schemas):
    spec["containers"][0]["startupProb"] = {}
    spec["containers"][0]["startupProbe"]["periodSeconds"] = "2"
    spec["containers"][1]["env"] = {}
    notes = document["metadata"]["annotations"]
    assert list(schema.faults(document, schemas)) == [
        "Service.spec.template.spec.containers[0].startupProbe.periodSeconds: must be of type integer, is '2'",
        "Service.spec.template.spec.containers[0].startupProb: not known to Cloud Run",
        "Service.spec.template.spec.containers[1].env: must be of type array, is {}",
    ]
    notes["run.googleapis.com/cpu-throttling"] = "false"
    notes["run.googleapis.com/ingres"] = "all"
    assert [f.split(":")[0] for f in schema.annotation_faults(document, schemas)] == [
        "annotation run.googleapis.com/cpu-throttling",
        "annotation run.googleapis.com/ingres",
    ]


def test_the_schema_itself_knows_what_we_rely_on(schemas):
    known = schema.known_annotations(schemas)
    assert "Revision" in known["run.googleapis.com/container-dependencies"]
    assert known["run.googleapis.com/ingress"].startswith("Service")
    assert len(known) > 30
