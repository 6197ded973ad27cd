"""`python -m testkit.browser.screenshots FOLDER [ADDRESS]`: every page in every look (`make screenshots`).

Without an address it starts a stack of its own, with its state in a temporary folder, and runs the demo through it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testkit.browser.chromium import find_chromium, open_browser, photograph
from testkit.browser.stack import own_stack

PAGES = {
    "predict-form": "/?model=house-prices",
    "predict-file": "/?model=house-prices&input=file",
    "predict-images": "/?model=fashion-mnist",
    "live": "/live",
    "drift": "/drift?model=house-prices",
    "drift-images": "/drift?model=fashion-mnist",
    "performance": "/performance?model=house-prices",
    "performance-images": "/performance?model=fashion-mnist&segment=brightness",
    "records": "/records?model=house-prices",
    "alerts": "/alerts",
    "runbooks": "/runbooks",
    "runbook": "/runbooks?alert=DriftDetected",
    "models": "/models?model=house-prices",
}


@contextmanager
def demonstrated() -> Iterator[str]:
    """The address of the page of a stack that has seen the demo."""
    with tempfile.TemporaryDirectory() as state, own_stack(Path(state)) as (_, addresses):
        print("The stack is up; replaying the demo.")
        urls = {f"PILOTHOUSE_{name.upper()}_URL": address for name, address in addresses.items()}
        demo = subprocess.run([sys.executable, "-m", "demo"], env={**os.environ, **urls}, check=False)
        if demo.returncode:
            print("The demo ended with a surprise; its verdicts stand above.", file=sys.stderr)
        yield addresses["frontend"]


def take(address: str, folder: Path, browser_path: str) -> None:
    with open_browser(browser_path) as browser:
        for picture in photograph(browser, address.rstrip("/"), PAGES, folder):
            print(picture)


def main() -> None:
    folder = Path(sys.argv[1])
    path = find_chromium()
    if path is None:
        sys.exit("no `chromium` on the PATH (Debian: apt-get install chromium)")
    if len(sys.argv) > 2:
        take(sys.argv[2], folder, path)
        return
    with demonstrated() as address:
        take(address, folder, path)


if __name__ == "__main__":
    main()
