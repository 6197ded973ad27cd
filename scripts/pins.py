"""Write constraints.txt: one version of everything that any extra of pyproject.toml can pull in.

pip itself resolves, once for each Python given (markers differ between them), and the union is written. What is
pinned already keeps its version unless `--upgrade` is given, so adding a dependency moves nothing else.

    python scripts/pins.py [--upgrade] python3.11 python3.12 python3.13
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "constraints.txt"
HEADER = """\
# The one pinned tree of Pilothouse, for Python 3.11 to 3.13. Every environment and every image installs with it:
#   pip install -c constraints.txt -e '.[inference]'
# Written by scripts/pins.py, do not edit. After a change to pyproject.toml: `make pins`. Newer versions of
# everything: `make pins UPGRADE=1`.
"""
# torch's CUDA wheels name the exact versions of these themselves, and each build of torch names others
BUILD_OF_TORCH = re.compile(r"^(nvidia-|cuda-|triton$)")


def extras() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return sorted(project["optional-dependencies"])


def resolve(python: str, pins: Path | None) -> dict[str, str]:
    """What pip would install for all extras together on this interpreter: name to version."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
        keep = ["-c", str(pins)] if pins else []
        wanted = f"{ROOT}[{','.join(extras())}]"
        command = [*pip, "install", "--dry-run", "--ignore-installed", "--report", "-", *keep, wanted]
        report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    found = ((item["metadata"]["name"], item["metadata"]["version"]) for item in report["install"])
    return {canonical(name): version.partition("+")[0] for name, version in found}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def union(trees: dict[str, dict[str, str]]) -> dict[str, str]:
    """One version for each name; two interpreters that want different ones are an error to be solved by hand."""
    pins: dict[str, str] = {}
    for python, tree in trees.items():
        for name, version in tree.items():
            if pins.setdefault(name, version) != version:
                sys.exit(f"{name}: {python} resolves to {version}, another Python to {pins[name]}")
    return {n: v for n, v in sorted(pins.items()) if n != "pilothouse" and not BUILD_OF_TORCH.match(n)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+")
    parser.add_argument("--upgrade", action="store_true", help="let every version move")
    chosen = parser.parse_args()
    kept = PINS if PINS.exists() and not chosen.upgrade else None
    pins = union({python: resolve(python, kept) for python in chosen.pythons})
    PINS.write_text(HEADER + "".join(f"{name}=={version}\n" for name, version in pins.items()))
    print(f"constraints.txt: {len(pins)} pins from {', '.join(chosen.pythons)}")


if __name__ == "__main__":
    main()
