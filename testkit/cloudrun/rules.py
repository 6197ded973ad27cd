"""What Cloud Run refuses, or quietly does wrong, that its schema does not say. Each rule yields sentences.

From https://cloud.google.com/run/docs: deploying#sidecars, configuring/{healthchecks,secrets,memory-limits,
in-memory-volumes}, reference/yaml/v1 and the descriptions in the discovery document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter

from testkit.cloudrun.manifests import (
    Document,
    annotated,
    containers,
    dependencies,
    template,
    variables,
    volumes,
)

MOST_CONTAINERS, MOST_CHARACTERS, MOST_SECONDS = 10, 49, 240
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_BYTES = {"Mi": 2**20, "Gi": 2**30}
_NOT_SUPPORTED = ("envFrom", "securityContext", "imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy")
_GIVEN = {"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"}
Rule = Callable[[Document], Iterator[str]]


def names(document: Document) -> Iterator[str]:
    name = document["metadata"].get("name", "")
    if not _LABEL.fullmatch(name) or len(name) > MOST_CHARACTERS:
        yield f"the service's name {name!r}: lower case letters, digits and hyphens, at most {MOST_CHARACTERS}"
    found = [c.get("name") for c in template(document)["spec"].get("containers") or []]
    yield from (f"a container's name {n!r}: needed, and a DNS label" for n in found if not _LABEL.fullmatch(n or ""))
    yield from (f"two containers are called {n}" for n in sorted({n for n in found if n and found.count(n) > 1}))


def one_ingress(document: Document) -> Iterator[str]:
    found = containers(document)
    if not 1 <= len(found) <= MOST_CONTAINERS:
        yield f"{len(found)} containers: from 1 to {MOST_CONTAINERS}"
    open_ones = [n for n, c in found.items() if c.get("ports")]
    if len(open_ones) != 1:
        yield f"containers with ports: exactly one, are {open_ones or 'none'}"
    for name in open_ones:
        ports = found[name]["ports"]
        if len(ports) != 1 or ports[0].get("name", "http1") not in ("http1", "h2c"):
            yield f"{name}: one port, named http1 or h2c"


def probes(document: Document) -> Iterator[str]:
    for name, container in containers(document).items():
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if kind in container:
                yield from (f"{name}, {kind}: {fault}" for fault in _probe(container[kind], kind))


def _probe(probe: Document, kind: str) -> Iterator[str]:
    actions = [a for a in ("httpGet", "tcpSocket", "grpc") if a in probe]
    if len(actions) != 1 or "exec" in probe:
        yield "one of httpGet, tcpSocket and grpc, never exec"
    elif "port" not in probe[actions[0]]:
        yield "a port: with sidecars there is no default"
    if kind == "readinessProbe" and "initialDelaySeconds" in probe:
        yield "initialDelaySeconds is not for readiness"
    most = MOST_SECONDS if kind == "startupProbe" else 3600
    period, timeout = probe.get("periodSeconds", 10), probe.get("timeoutSeconds", 1)
    if not 0 <= probe.get("initialDelaySeconds", 0) <= most:
        yield f"initialDelaySeconds from 0 to {most}"
    if not 1 <= period <= most:
        yield f"periodSeconds from 1 to {most}"
    if not 1 <= timeout <= period:
        yield f"timeoutSeconds from 1 to periodSeconds ({period})"
    if probe.get("failureThreshold", 3) < 1 or probe.get("successThreshold", 1) != 1:
        yield "failureThreshold at least 1, successThreshold 1"
    if kind == "startupProbe" and period * probe.get("failureThreshold", 3) > MOST_SECONDS:
        yield f"periodSeconds times failureThreshold at most {MOST_SECONDS}"


def order(document: Document) -> Iterator[str]:
    """Who waits for whom: they exist, they say when they have started, and nobody waits for himself."""
    try:
        waits, found = dependencies(document), containers(document)
    except ValueError as error:
        yield f"container-dependencies: {error}"
        return
    for name, awaited in waits.items():
        yield from (f"container-dependencies: there is no container {n}" for n in {name, *awaited} - set(found))
        for other in awaited:
            if other in found and "startupProbe" not in found[other]:
                yield f"{other} needs a startupProbe, because {name} waits for it"
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        yield f"container-dependencies: a cycle, {' -> '.join(error.args[1])}"


def unsupported(document: Document) -> Iterator[str]:
    for name, container in containers(document).items():
        yield from (f"{name}: {field} is not supported" for field in _NOT_SUPPORTED if field in container)
        for variable in variables(container).values():
            if "configMapKeyRef" in (variable.get("valueFrom") or {}):
                yield f"{name}, {variable['name']}: configMapKeyRef is not supported"
    yield from (f"volume {n}: configMap is not supported" for n, v in volumes(document).items() if "configMap" in v)


def environment(document: Document) -> Iterator[str]:
    for name, container in containers(document).items():
        for variable in variables(container).values():
            yield from (f"{name}: {fault}" for fault in _variable(variable))


def _variable(variable: Document) -> Iterator[str]:
    name = variable["name"]
    if name in _GIVEN or name.startswith("X_GOOGLE_"):
        yield f"{name} is set by Cloud Run, never by hand"
    if ("value" in variable) == ("valueFrom" in variable):
        yield f"{name}: a value or a valueFrom"
    if "$(" in str(variable.get("value", "")):
        yield f"{name}: $(...) is not expanded on Cloud Run"
    secret = (variable.get("valueFrom") or {}).get("secretKeyRef", {"name": "", "key": ""})
    if not {"name", "key"} <= set(secret):
        yield f"{name}: a secret by name, and its version as key"


def mounts(document: Document) -> Iterator[str]:
    """Every volume is one of a kind that exists, declared, used, and mounted where nothing else is."""
    declared, used = volumes(document), set()
    for name, container in containers(document).items():
        places = [m["mountPath"] for m in container.get("volumeMounts") or []]
        yield from (f"{name}: two volumes at {p}" for p in sorted({p for p in places if places.count(p) > 1}))
        for mount in container.get("volumeMounts") or []:
            used.add(mount["name"])
            if mount["name"] not in declared:
                yield f"{name}: there is no volume {mount['name']}"
    yield from (f"volume {name} is mounted nowhere" for name in sorted(set(declared) - used))
    for name, volume in declared.items():
        yield from (f"volume {name}: {fault}" for fault in _volume(volume))


def _volume(volume: Document) -> Iterator[str]:
    kinds = sorted(set(volume) - {"name"})
    if len(kinds) != 1:
        yield f"one source, are {kinds}"
    for item in (volume.get("secret") or {}).get("items") or []:
        if not {"key", "path"} <= set(item):
            yield "an item has a key (the secret's version) and a path"
    if "secret" in volume and "secretName" not in volume["secret"]:
        yield "a secret has a secretName"
    if (volume.get("emptyDir") or {"medium": "Memory"}).get("medium") not in ("Memory", "Disk"):
        yield "emptyDir has the medium Memory or Disk"


def memory(document: Document) -> Iterator[str]:
    """A volume in memory counts against the container that writes it: an unbounded one ends it without a word."""
    for name, container in containers(document).items():
        limit = _bytes(((container.get("resources") or {}).get("limits") or {}).get("memory", "512Mi"))
        for mount in container.get("volumeMounts") or []:
            volume = volumes(document).get(mount["name"], {}).get("emptyDir")
            if volume is not None and volume.get("medium") == "Memory":
                size = volume.get("sizeLimit")
                if size is None or _bytes(size) > limit / 2:
                    yield f"volume {mount['name']}: a sizeLimit of at most half of the memory of {name}"


def _bytes(text: str) -> int:
    return int(text[:-2]) * _BYTES[text[-2:]]


def sidecars_live(document: Document) -> Iterator[str]:
    """Without a CPU between requests, and on the first generation, a sidecar does not run as ours must."""
    said = annotated(template(document))
    if said.get("run.googleapis.com/cpu-throttling") != "false":
        yield 'cpu-throttling must be "false": between requests a sidecar would stand still'
    if said.get("run.googleapis.com/execution-environment") != "gen2":
        yield "execution-environment must be gen2"
    least, most = (said.get(f"autoscaling.knative.dev/{k}Scale", "") for k in ("min", "max"))
    if not (least.isdecimal() and most.isdecimal() and int(least) <= int(most) and int(most) >= 1):
        yield "minScale and maxScale must be set, and the one not above the other"
    spec = template(document)["spec"]
    if "@" not in spec.get("serviceAccountName", ""):
        yield "serviceAccountName must be set: the default account may do nearly everything"
    if not 1 <= spec.get("timeoutSeconds", 300) <= 3600:
        yield "timeoutSeconds from 1 to 3600"


RULES: tuple[Rule, ...] = (
    names, one_ingress, probes, order, unsupported, environment, mounts, memory, sidecars_live,
)  # fmt: skip


def faults(document: Document) -> list[str]:
    """Everything that is wrong with a service."""
    return [fault for rule in RULES for fault in rule(document)]
