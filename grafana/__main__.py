"""`python -m grafana`: write grafana/dashboards/ (`make generated`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grafana.model_dashboard import model
from grafana.pipeline_dashboard import pipeline
from grafana.service_dashboard import service
from monitoring.definitions import Definitions, read

FOLDER = Path(__file__).resolve().parent / "dashboards"


def dashboards(definitions: Definitions) -> dict[str, dict[str, Any]]:
    """Every dashboard, by the name of its file."""
    return {"service": service(definitions), "model": model(definitions), "pipeline": pipeline()}


def text(content: dict[str, Any]) -> str:
    """The file as it is committed."""
    return json.dumps(content, indent=1) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, content in dashboards(read()).items():
        (FOLDER / f"{name}.json").write_text(text(content), encoding="utf-8")


if __name__ == "__main__":
    main()
