"""docs/deploy-*.md: their commands exist, their blocks are shell, their alerts are policies."""

import importlib.util
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.alert_policies import policies
from testkit.cloudrun import schema
from testkit.cloudrun.manifests import ROOT, SERVICES, annotated, containers, read_service, template, volumes
from tests.unit.k8s.rendered import amount

GUIDES = ("deploy-cloud-run", "deploy-kubernetes")


def blocks(guide):
    return re.findall(r"^```bash\n(.*?)^```", (ROOT / f"docs/{guide}.md").read_text(), re.MULTILINE | re.DOTALL)


def gcloud_commands(text):
    """Every `gcloud ...` as words, also those within $(...)."""
    joined = re.sub(r"\s#.*$", "", text.replace("\\\n", " "), flags=re.MULTILINE)
    for found in re.finditer(r"\bgcloud ([^\n;|&]*)", joined):
        command = found[1]
        if joined[max(0, found.start() - 2) : found.start()] == "$(":
            command = command.partition(")")[0]
        words = shlex.split(re.sub(r'"?\$\([^)]*\)+"?', "value", command).replace('"', ""))
        yield [w for w in words if w]


@pytest.fixture(scope="module")
def tree():
    """gcloud's own table of its commands and flags."""
    gcloud = shutil.which("gcloud")
    table = Path(gcloud).resolve().parents[1] / "data/cli/gcloud_completions.py" if gcloud else None
    if table is None or not table.is_file():
        pytest.skip("no gcloud here")
    spec = importlib.util.spec_from_file_location("gcloud_completions", table)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.STATIC_COMPLETION_CLI_TREE


def fault(words, tree):
    """What gcloud does not know of a command; None when it knows all."""
    node = tree
    while words and words[0] in node.get("commands", {}):
        node, words = node["commands"][words[0]], words[1:]
    if node.get("commands"):
        return f"no command {words[:1]}"
    flags = {w.partition("=")[0] for w in words if w.startswith("--")}
    known = set(node["flags"]) | set(tree["flags"]) | {f"--no-{f[2:]}" for f in node["flags"]}
    return f"no flag {sorted(flags - known)}" if flags - known else None


@pytest.mark.parametrize("guide", GUIDES)
def test_every_gcloud_command_and_flag_of_the_guide_exists(guide, tree):
    found = [words for block in blocks(guide) for words in gcloud_commands(block)]
    assert len(found) > 3
    assert {" ".join(w): why for w in found if (why := fault(w, tree))} == {}


def test_a_command_that_does_not_exist_is_found(tree):
    assert fault(["run", "service", "list"], tree)
    assert fault(["run", "services", "replace", "a.yaml", "--zone", "x"], tree) == "no flag ['--zone']"


@pytest.mark.parametrize("guide", GUIDES)
def test_the_blocks_are_shell(guide):
    for block in blocks(guide):
        subprocess.run(["bash", "-n"], input=block, text=True, check=True, capture_output=True)


def test_every_secret_that_a_service_mounts_is_made_and_given_to_its_account():
    text = "\n".join(blocks("deploy-cloud-run"))
    given = {name: set(who.split()) for name, who in re.findall(r'^keep (\S+) \S+ "?([a-z ]+?)"?$', text, re.MULTILINE)}
    given |= {f"{name}-monitoring": {name} for name in SERVICES}  # the loop
    assert 'keep "$name-monitoring" "k8s/cloudrun/monitoring/$name.yaml" "$name"' in text
    needed = {}
    for name in SERVICES:
        for volume in volumes(read_service(name)).values():
            if "secret" in volume:
                needed.setdefault(volume["secret"]["secretName"].removeprefix("pilothouse-"), set()).add(name)
    assert given == needed


def test_the_scales_and_sizes_in_the_text_are_those_of_the_files():
    text = (ROOT / "docs/deploy-cloud-run.md").read_text()
    for name in SERVICES:
        said = annotated(template(read_service(name)))
        least, most = (said[f"autoscaling.knative.dev/{k}Scale"] for k in ("min", "max"))
        scale = f"always {least}" if least == most else f"{least} to {most}"
        assert re.search(rf"^\| `pilothouse-{name}` .* \| {scale} \|$", text, re.MULTILINE)
    assert total("watch") == (2, 5)
    assert "with 2 vCPU and 5 GiB" in text
    assert (total("predict")[0], total("collect")[0]) == (2, 1)


def total(name):
    """vCPU and GiB of an instance."""
    limits = [c["resources"]["limits"] for c in containers(read_service(name)).values()]
    cpu = sum(amount(one["cpu"]) for one in limits)
    memory = sum(amount(one["memory"]) for one in limits) / 2**30
    return cpu, memory


def test_alert_policies_are_what_googles_schema_says_and_drift_is_among_them():
    schemas = schema.discovery("monitoring.v3")
    made, left_out = policies("https://watch.example.com")
    for name, policy in made.items():
        assert list(schema.faults(policy, schemas, "AlertPolicy")) == [], name
    assert made["DriftDetected"]["conditions"][0]["conditionPrometheusQueryLanguage"]["query"] == (
        "pilothouse_drift_detected == 1"
    )
    assert {"RecordsDropped", "DatabaseAway", "ModelNotLoaded"} <= set(made)
    assert {"ErrorRatioHigh", "AlertsNotDelivered"} <= set(left_out)
    said = made["DriftDetected"]["documentation"]["content"]
    assert said.endswith("https://watch.example.com/runbooks?alert=DriftDetected")


def test_no_policy_reads_what_only_prometheus_has():
    for policy in policies("https://watch.example.com")[0].values():
        query = policy["conditions"][0]["conditionPrometheusQueryLanguage"]["query"]
        assert not re.search(r"\bjob:|\bmodel:|\bslo:|job=|alertmanager_", query)
