"""Files of the clone that the users in the containers cannot read."""

import os
import tempfile
from pathlib import Path

import pytest

from stack.mounted_files import unreadable_faults


@pytest.fixture
def clone():
    """A folder that everybody can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_files_that_others_cannot_read_are_counted_and_the_first_is_named(clone):
    for name in ("models/prices/1", "prometheus"):
        (clone / name).mkdir(parents=True)
        (clone / name / "file").write_text("")
    assert unreadable_faults(clone) == []
    (clone / "models/prices").chmod(0o700)
    (clone / "prometheus/file").chmod(0o600)
    (fault,) = unreadable_faults(clone)
    assert fault.startswith("models/prices cannot be read by the users in the containers (1 others neither)")
    assert fault.endswith("chmod -R go+rX models prometheus")
    assert os.geteuid() == 0
