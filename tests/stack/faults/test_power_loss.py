"""`power` mode: 300 power cuts, and no record that was acknowledged is gone."""

import random
import shutil

import pytest

from services.inference.spool.segments import Frame, read_frames
from testkit.faults.power import Disk, record

CUTS = 300
SCRIPT = """
import os, pathlib, random, sys
from services.inference.spool.segments import encode_frame
from services.inference.spool.segments import SpoolWriter
chance = random.Random(5)
writer = SpoolWriter(pathlib.Path(sys.argv[1]) / "workers" / "own", "{mode}", 10**9, 3000)
number = 0
for _ in range(150):
    batch = range(number, number + chance.randint(1, 5))
    frames = [encode_frame(b"schema#1", b"%06d" % n + chance.randbytes(chance.randint(1, 400))) for n in batch]
    writer.append(b"".join(frames))
    number = batch.stop
    os.write(1, b"%06d" % number)
"""


def cuts(tmp_path, mode):
    """For each cut: how many records were acknowledged, and the numbers of those that are found."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed (Debian: apt-get install strace)")
    calls = record(SCRIPT.format(mode=mode), tmp_path)
    chance = random.Random(11)
    for _ in range(CUTS):
        disk, acknowledged = Disk(), 0
        for call in calls[: chance.randint(1, len(calls))]:
            if call.name == "acknowledge":
                acknowledged = int(call.data)
            else:
                disk.apply(call)
        files = disk.after_power_loss(chance)
        segments = [data for path, data in sorted(files.items()) if path.endswith(".seg")]
        frames = [f for data in segments for f in read_frames(data, complete=True) if isinstance(f, Frame)]
        yield acknowledged, [int(f.payload[:6]) for f in frames]


def test_power_mode_loses_nothing_that_was_acknowledged(tmp_path):
    results = list(cuts(tmp_path, "power"))
    assert [(a, sorted(set(range(a)) - set(found))) for a, found in results if set(range(a)) - set(found)] == []
    assert max(a for a, _ in results) > 300
    assert all(len(found) == len(set(found)) for _, found in results)


def test_process_mode_does_lose_some_so_that_the_test_can_fail(tmp_path):
    assert sum(bool(set(range(a)) - set(found)) for a, found in cuts(tmp_path, "process")) > CUTS / 2
