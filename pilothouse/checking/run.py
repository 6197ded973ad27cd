"""`check`: every check of a package. One goes on when another has found faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pilothouse.checking.graph import check_graph, check_parity
from pilothouse.checking.reference import check_reference
from pilothouse.checking.report import CheckReport, Finding
from pilothouse.errors import InputError, PackageError
from pilothouse.manifest import ImageInput
from pilothouse.model import Model, open_session
from pilothouse.package import CARD, MANIFEST, REFERENCE, Package, open_package


def check(folder: Path) -> CheckReport:
    """Look at everything in `folder`; never raises for what is wrong with the package."""
    try:
        package = open_package(folder, verify=False)
    except PackageError as error:
        return CheckReport(folder, (Finding("manifest", "", (str(error),)),))
    findings = [Finding("manifest", f"{package.manifest.key}, {package.manifest.task}"), _check_files(package)]
    findings += _check_contents(package)
    return CheckReport(folder, tuple(findings))


def _check_files(package: Package) -> Finding:
    listed = package.manifest.files
    faults = package.faults()
    needed = [REFERENCE, CARD] + ([package.manifest.artifact] if package.manifest.artifact else [])
    faults += [f"{name} is not listed in the manifest" for name in needed if listed and name not in listed]
    present = {str(p.relative_to(package.folder)) for p in package.folder.rglob("*") if p.is_file()}
    faults += [
        f"{name} is in the folder but not in the manifest" for name in sorted(present - set(listed) - {MANIFEST})
    ]
    total = sum(f.bytes for f in listed.values())
    return Finding("files", f"{len(listed)} files, {total:,} bytes", tuple(faults))


def _check_contents(package: Package) -> list[Finding]:
    reference, table = _read_reference(package)
    if package.manifest.runtime == "external":
        return [Finding("graph", "served elsewhere"), reference]
    try:
        graph = check_graph(package.manifest, open_session(package))
        model = None if graph.faults else Model(package)
    except PackageError as error:
        return [Finding("graph", "", (str(error),)), reference]
    findings = [graph, reference]
    if model is not None:
        if table is not None and not reference.faults:
            findings.append(check_parity(model, table))
        findings.append(_check_examples(model))
    return findings


def _read_reference(package: Package) -> tuple[Finding, Any]:
    try:
        table = pq.ParquetFile(package.reference).read()  # read_table would read columns into the folder names
    except (OSError, pa.ArrowException) as error:
        return Finding("reference", "", (f"{REFERENCE} cannot be read: {error}",)), None
    return check_reference(package.manifest, table), table


def _check_examples(model: Model) -> Finding:
    examples = model.manifest.examples
    faults = [] if examples else ["the manifest has no examples"]
    for number, example in enumerate(examples, 1):
        try:
            if isinstance(model.manifest.input, ImageInput):
                model.parse_images([(model.package.folder / str(example.get("file"))).read_bytes()])
            else:
                model.parse([example])
        except (InputError, OSError) as error:
            faults.append(f"example {number}: {error}")
    return Finding("examples", f"{len(examples)} examples", tuple(faults))
