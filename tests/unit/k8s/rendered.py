"""The manifests of k8s/ as the cluster would get them, and questions to ask of them."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

K8S = Path(__file__).resolve().parents[3] / "k8s"
OVERLAYS = ("local", "gke")
OPERATORS = ("monitoring.coreos.com/v1", "monitoring.googleapis.com/v1")  # kinds that Kubernetes itself does not have
_UNITS = {"m": 1e-3, "Mi": 2**20, "Gi": 2**30, "": 1}


@functools.cache
def _rendered(folder):
    command = next((c for c in (["kustomize", "build"], ["kubectl", "kustomize"]) if shutil.which(c[0])), None)
    if command is None:
        reason = "neither kustomize nor kubectl is here"
        if os.environ.get("PILOTHOUSE_REQUIRE_KUSTOMIZE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return subprocess.run([*command, str(folder)], text=True, capture_output=True, check=True).stdout


def render(overlay):
    """Every object of an overlay."""
    return list(yaml.safe_load_all(_rendered(K8S / "overlays" / overlay)))


def of_kind(objects, *kinds):
    return [o for o in objects if o["kind"] in kinds]


def named(objects, kind, name):
    (found,) = [o for o in of_kind(objects, kind) if o["metadata"]["name"] == name]
    return found


def workloads(objects):
    return of_kind(objects, "Deployment", "StatefulSet", "Job")


def pod(workload):
    return workload["spec"]["template"]


def containers(workload):
    spec = pod(workload)["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def labels(workload):
    return pod(workload)["metadata"]["labels"]


def selects(selector, found):
    """Whether a label selector means something with these labels."""
    for rule in selector.get("matchExpressions", []):
        assert rule["operator"] == "In"
        if found.get(rule["key"]) not in rule["values"]:
            return False
    return all(found.get(k) == v for k, v in (selector.get("matchLabels") or {}).items())


def amount(text):
    """A quantity as a number: bytes, or cores."""
    number, unit = re.fullmatch(r"([\d.]+)(\w*)", str(text)).groups()
    return float(number) * _UNITS[unit]


def may_reach(policies, source, target, port, *, namespace="pilothouse", protocol="TCP"):
    """Whether a pod with the labels `source` in `namespace` may open a connection to one with the labels `target`."""

    def allowed(direction, own, other, other_namespace):
        mine = [
            p["spec"]
            for p in policies
            if direction.capitalize() in p["spec"]["policyTypes"] and selects(p["spec"]["podSelector"], own)
        ]
        if not mine:
            return True
        side = "from" if direction == "ingress" else "to"
        rules = [rule for spec in mine for rule in spec.get(direction) or []]
        return any(
            _port_matches(rule, port, protocol)
            and (side not in rule or any(_peer_matches(peer, other, other_namespace) for peer in rule[side]))
            for rule in rules
        )

    goes_out = namespace != "pilothouse" or allowed("egress", source, target, "pilothouse")
    return goes_out and allowed("ingress", target, source, namespace)


def _port_matches(rule, port, protocol):
    ports = rule.get("ports")
    return not ports or any(p["port"] == port and p.get("protocol", "TCP") == protocol for p in ports)


def _peer_matches(peer, found, namespace):
    if "ipBlock" in peer:
        return False
    if "namespaceSelector" in peer:
        return selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace})
    return namespace == "pilothouse" and selects(peer["podSelector"], found)
