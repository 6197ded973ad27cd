"""`python -m tests.browser.screenshots ADDRESS FOLDER`: a picture of every page of a running stack, in every look."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.chromium import find_chromium, open_browser, photograph

PAGES = {
    "predict-form": "/?model=house-prices",
    "predict-images": "/?model=fashion-mnist",
    "records": "/records?model=house-prices",
    "drift": "/drift?model=house-prices",
    "models": "/models?model=house-prices",
    "status": "/status",
}


def main() -> None:
    address, folder = sys.argv[1], Path(sys.argv[2])
    path = find_chromium()
    if path is None:
        sys.exit("no `chromium` on the PATH (Debian: apt-get install chromium)")
    with open_browser(path) as browser:
        for picture in photograph(browser, address.rstrip("/"), PAGES, folder):
            print(picture)


if __name__ == "__main__":
    main()
