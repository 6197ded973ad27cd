"""What ties the worker to the service: also where the service is process number 1, as in a container."""

import shutil
import subprocess
import sys

import pytest

TIED = "from services.drift.process import die_with_parent; die_with_parent(); print('tied')"
STARTS = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"


def test_a_worker_of_an_ordinary_process_goes_on():
    done = subprocess.run([sys.executable, "-c", STARTS, TIED], text=True, capture_output=True, check=True)
    assert done.stdout == "tied\n"


def test_a_worker_of_process_number_1_goes_on_too():
    first = ["unshare", "--pid", "--fork", "--map-root-user", "--"]
    if shutil.which("unshare") is None or subprocess.run([*first, "true"], check=False).returncode != 0:
        pytest.skip("no process namespaces here")
    command = [*first, sys.executable, "-c", STARTS, TIED]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert (done.stdout, done.stderr) == ("tied\n", "")
