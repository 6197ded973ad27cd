"""Power loss, simulated: the system calls of a spool are recorded by strace and replayed up to a random cut.

What POSIX promises survives a cut, and of the rest whatever chance leaves. A name is there when its folder was synced
after it was made, else perhaps. Bytes are there when their file was synced after they were written, else each block of
512 perhaps, and the file's end perhaps.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "mkdir,openat,write,fdatasync,fsync,ftruncate,unlink,rename"
_LINE = re.compile(r"^(?:\d+ +)?(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)")
_DESCRIPTOR = re.compile(r"^(?P<number>\d+)<(?P<path>[^>]*)>")
_BLOCK = 512


def record(script: str, folder: Path) -> list[Call]:
    """Run a Python script under strace; its calls on files below `folder`, and its acknowledgements, in order."""
    trace = folder / "trace"
    command = ["strace", "-f", "-y", "-xx", "-s", "10000000", "-e", f"trace={CALLS}", "-o", str(trace)]
    subprocess.run([*command, sys.executable, "-c", script, str(folder)], check=True, stdout=subprocess.DEVNULL)
    calls = [c for line in trace.read_text().splitlines() if (c := parse(line, folder))]
    trace.unlink()
    return calls


@dataclass(frozen=True)
class Call:
    """`name` is the system call, or `acknowledge` for a line written to standard output."""

    name: str
    path: str = ""
    data: bytes = b""
    size: int = 0


def parse(line: str, folder: Path) -> Call | None:
    found = _LINE.match(line)
    if not found or int(found["result"]) < 0:
        return None
    name, arguments = found["call"], found["arguments"]
    texts = [_bytes(t) for t in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', arguments)]
    descriptor = _DESCRIPTOR.match(arguments)
    if name == "write" and descriptor and descriptor["number"] == "1":
        return Call("acknowledge", data=texts[0])
    if name in ("write", "fdatasync", "fsync", "ftruncate"):
        path = _unescape(descriptor["path"]) if descriptor else ""
        data = texts[0][: int(found["result"])] if name == "write" else b""
        size = int(arguments.rsplit(",", 1)[1]) if name == "ftruncate" else 0
    else:
        path, data, size = texts[-1].decode() if texts else "", b"", 0
        name = name if name != "openat" or "O_CREAT" in arguments else "open"
    return Call(name, path, data, size) if path.startswith(str(folder)) and name != "open" else None


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _unescape(path: str) -> str:
    return _bytes(path).decode() if path.startswith("\\x") else path


@dataclass
class Disk:
    """What is written, and what of it is safe."""

    content: dict[str, bytearray] = field(default_factory=dict)
    safe_content: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    safe_names: set[str] = field(default_factory=set)

    def apply(self, call: Call) -> None:
        if call.name == "mkdir":
            self.folders.add(call.path)
        elif call.name == "openat":
            self.content.setdefault(call.path, bytearray())
        elif call.name == "write":
            self.content[call.path] += call.data
        elif call.name == "ftruncate":
            del self.content[call.path][call.size :]
        elif call.name == "rename":
            raise NotImplementedError("a rename in the trace")
        elif call.name == "unlink":
            self.content.pop(call.path, None)
        elif call.path in self.content:
            self.safe_content[call.path] = bytes(self.content[call.path])
        else:  # fsync of a folder: the names in it are safe
            names = {*self.content, *self.folders}
            self.safe_names |= {n for n in names if str(Path(n).parent) == call.path}

    def after_power_loss(self, chance: random.Random) -> dict[str, bytes]:
        """The files that are found when the power is back."""
        lost = {f for f in self.folders if f not in self.safe_names and chance.random() < 0.5}
        found = {}
        for path, written in self.content.items():
            gone = path not in self.safe_names and chance.random() < 0.5
            if gone or any(str(parent) in lost for parent in Path(path).parents):
                continue
            found[path] = self._torn(self.safe_content.get(path, b""), bytes(written), chance)
        return found

    @staticmethod
    def _torn(safe: bytes, written: bytes, chance: random.Random) -> bytes:
        if not written.startswith(safe):
            return safe
        end = chance.randint(len(safe), len(written))
        torn = bytearray(written[:end])
        for start in range(len(safe), end, _BLOCK):
            if chance.random() < 0.5:
                stop = min(start + _BLOCK, end)
                torn[start:stop] = bytes(stop - start)
        return bytes(torn)
