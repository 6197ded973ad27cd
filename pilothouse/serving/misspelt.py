"""Variables that look like settings and are none: a misspelt setting is otherwise taken for one that is not set."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from pilothouse.serving.setting_names import NAMES

_PREFIX = "PILOTHOUSE_"
# what the tests read, and what Kubernetes sets in every container for a Service called pilothouse-something
_OTHERS = re.compile(
    r"PILOTHOUSE_(?:REQUIRE_|CHAOS|.*_SERVICE_HOST$|.*_SERVICE_PORT(?:_|$)|.*_PORT(?:_[0-9]+_(?:TCP|UDP).*)?$)"
)


def warnings_about(names: Iterable[str]) -> Iterator[str]:
    """A sentence for each name of the environment that is no setting, with the one that was probably meant."""
    for name in sorted(names):
        if name.startswith(_PREFIX) and name not in NAMES and not _OTHERS.match(name):
            words = [known.removeprefix(_PREFIX) for known in sorted(NAMES)]
            near = difflib.get_close_matches(name.removeprefix(_PREFIX), words, n=1, cutoff=0.7)
            yield f"{name}: there is no such setting" + (f"; did you mean {_PREFIX}{near[0]}?" if near else "")
