"""The page's server as a process of its own, and what a browser sends it first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testkit.ports import free_port, is_held
from testkit.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def page_process(**environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process, which listens already and whose log can be read, and its port. It has ended with the block."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "services.frontend"],
        env=os.environ | {"FRONTEND_PORT": str(port)} | environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(lambda: is_held(port), seconds=30)
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def rerun() -> bytes:
    """What a browser sends when it opens the page."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    message.rerun_script.query_string = ""
    return bytes(message.SerializeToString())
