"""Every setting stands in .env.example, and what compose asks for too."""

import re
from pathlib import Path

import yaml

from pilothouse.stack.settings import PORTS, StackSettings
from scripts import env_example

ROOT = Path(__file__).resolve().parents[3]


def documented():
    return set(re.findall(r"^#([A-Z_]+)=", env_example.FILE.read_text(), re.MULTILINE))


def test_the_file_is_what_the_settings_classes_say():
    assert env_example.FILE.read_text() == env_example.text(), "run `make generated`"


def test_every_setting_says_what_it_means():
    for kind in env_example.CLASSES.values():
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
        assert env_example.CLASSES[service.capitalize()].model_fields["port"].default == port
