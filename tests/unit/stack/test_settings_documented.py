"""Every setting stands in .env.example and in docs/settings.md, and what compose and the manifests set is one."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from scripts import settings
from stack.settings import PORTS, StackSettings

ROOT = Path(__file__).resolve().parents[3]


def documented():
    return set(re.findall(r"^#([A-Z_]+)=", settings.ENV_FILE.read_text(), re.MULTILINE))


def test_the_file_is_what_the_settings_classes_say():
    assert settings.ENV_FILE.read_text() == settings.env_example(), "run `make generated`"


def test_every_setting_says_what_it_means():
    for kind in settings.CLASSES.values():
        assert [name for name, field in kind.model_fields.items() if not field.description] == []


def test_every_variable_of_compose_and_of_make_run_is_in_it():
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text()))
    asked |= {f.alias for f in StackSettings.model_fields.values()}
    assert asked <= documented()


def test_compose_sets_only_what_a_service_reads():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    known = {name: kind for name, kind in services.items() if name in PORTS}
    for service in known.values():
        assert set(service["environment"]) <= documented()


def test_images_are_labelled_with_the_version_of_the_project():
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    for service in PORTS:
        assert f'image.version="{version}"' in (ROOT / f"services/{service}/Dockerfile").read_text()


def test_the_default_ports_are_those_of_the_services():
    for service, port in PORTS.items():
        assert settings.CLASSES[service].model_fields["port"].default == port


def test_the_page_and_the_list_of_names_are_what_the_settings_classes_say():
    assert settings.PAGE.read_text() == settings.page(), "run `make generated`"
    assert settings.NAMES_MODULE.read_text() == settings.names_module(), "run `make generated`"


def test_every_setting_of_a_service_is_on_the_page():
    page = settings.PAGE.read_text()
    for kind in settings.CLASSES.values():
        assert [name for name in settings.variables(kind) if f"| `{name}` |" not in page] == []


# set in our containers for somebody else
EXPORTERS = {f"OTEL_EXPORTER_OTLP_{what}" for what in ("HEADERS", "COMPRESSION", "CERTIFICATE")} | {
    "OTEL_RESOURCE_ATTRIBUTES"
}
FOREIGN = EXPORTERS | {
    "PORT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL", "INSTANCE"
}  # fmt: skip


def read_by(service):
    return set(settings.variables(settings.CLASSES[service]))


def containers(node):
    """Every container of a manifest, and of what is patched into one."""
    found = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for key, value in node.items() if isinstance(node, dict) else ():
        if key in ("containers", "initContainers") and isinstance(value, list):
            yield from value
    for value in found:
        yield from containers(value)


def manifests():
    for path in sorted((ROOT / "k8s").rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path.relative_to(ROOT), document


def service_of(container):
    """Ours, by the image or the name; None where it is somebody else's."""
    names = (str(container.get("image", "")), str(container.get("name", "")))
    image, name = names
    return next((s for s in PORTS if re.search(rf"pilothouse[-/]{s}\b", image) or name == s), None)


def test_manifests_set_for_each_container_only_what_it_reads():
    seen = 0
    for path, document in manifests():
        for container in containers(document):
            service = service_of(container)
            if service is not None:
                names = {variable["name"] for variable in container.get("env", [])}
                assert names <= read_by(service) | FOREIGN, (path, service)
                seen += len(names)
    assert seen > 20


def test_maps_of_settings_in_the_manifests_have_only_settings():
    seen = 0
    for path, document in manifests():
        for made in (document or {}).get("configMapGenerator", []):
            names = {literal.partition("=")[0] for literal in made.get("literals", [])}
            assert names <= documented() | FOREIGN, path
            seen += len(names)
    assert seen > 3


def test_compose_sets_for_each_service_only_what_some_service_reads():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    everything = {name for service in PORTS for name in read_by(service)}
    for service in PORTS:
        assert set(services[service]["environment"]) <= everything | FOREIGN


def test_compose_hands_on_what_opentelemetry_is_told_and_nothing_of_it_that_is_not_set():
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://spans:4318", "OTEL_RESOURCE_ATTRIBUTES": "team=a,stage=b"}
    command = [shutil.which("docker-compose", path=Path(sys.executable).parent), "--env-file", os.devnull]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")} | told
    done = subprocess.run(
        [*command, "config", "--format", "json"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    for service in ("inference", "collector", "drift"):
        found = {k: v for k, v in services[service]["environment"].items() if k.startswith("OTEL_") and v is not None}
        assert found == told
