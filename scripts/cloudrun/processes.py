"""Containers as processes: Linux namespaces in place of an engine. Needs root, or user namespaces for everybody.

All containers of an instance share one network, which has nothing but localhost; each has a file system of its own:
this machine's, read-only below a layer in memory, with its volumes mounted over it, as another user.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from scripts.cloudrun.image import MODELS, ROOT, Image
from stack.reaper import signal_group

USER = 10001  # as in the Dockerfiles
Output = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Mount:
    source: Path
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class MemoryVolume:
    """A file system in memory that containers share; `size` as in the manifest, `256Mi`."""

    name: str
    size: str


def can_isolate() -> str | None:
    """None when namespaces can be had here; otherwise why not."""
    if sys.platform != "linux" or not all(shutil.which(p) for p in ("unshare", "nsenter", "mount", "chroot")):
        return "namespaces need Linux and util-linux"
    done = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip() or "unshare failed"


def _unshare() -> list[str]:
    owner = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *owner, "--net", "--mount", "--propagation", "private", "--"]


class Process:
    """A program in a session of its own, its lines handed on as they come."""

    def __init__(self, name: str, command: list[str], output: Output) -> None:
        self.name = name
        self.tail: deque[str] = deque(maxlen=20)  # its last lines
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True, errors="replace",
        )  # fmt: skip
        self._line = threading.Event()
        self._reading = threading.Thread(target=self._read, args=(output,), daemon=True)
        self._reading.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self, output: Output) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.tail.append(line.rstrip("\n"))
                output(self.name, self.tail[-1])
                self._line.set()

    def wait_for_line(self, seconds: float) -> bool:
        """Wait until it has said something."""
        return self._line.wait(seconds)

    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        if self.status() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and whatever it has started."""
        signal_group(self.pid, signal.SIGKILL)
        self._process.wait(10)
        self._reading.join(5)


class Namespaces:
    """Where an instance's containers run; `folder` is its own, and removed by whoever made it."""

    def __init__(self, folder: Path, memory: Iterable[MemoryVolume], ways_out: dict[int, Path], output: Output) -> None:
        self._folder, self._memory = folder, {v.name: v for v in memory}
        self._ways_out, self._output = ways_out, output
        self.gateway = folder / "door" / "gateway"
        self._holder: Process | None = None

    def open(self) -> None:
        """Make the network and the volumes. Raises RuntimeError when that does not work."""
        self.gateway.parent.mkdir(parents=True, exist_ok=True)
        self.gateway.unlink(missing_ok=True)
        script = [self._tmpfs(v) for v in self._memory.values()]
        ways = [f"{port}={path}" for port, path in self._ways_out.items()]
        gateway = Path(__file__).with_name("gateway.py")
        script.append(shlex.join(["exec", sys.executable, "-I", str(gateway), str(self.gateway), *ways]))
        self._holder = Process("gateway", [*_unshare(), "sh", "-ec", "\n".join(script)], lambda *_: None)
        if not self._holder.wait_for_line(30) or self._holder.tail[0] != "open":
            raise RuntimeError(f"the instance's network could not be made: {list(self._holder.tail)}")

    def _tmpfs(self, volume: MemoryVolume) -> str:
        place = shlex.quote(str(self._folder / "volumes" / volume.name))
        size = volume.size.removesuffix("i").lower()
        return f"mkdir -p {place}\nmount -t tmpfs -o size={size},mode=1777 tmpfs {place}"

    def volume(self, name: str) -> Path:
        return self._folder / "volumes" / name

    def start(self, name: str, image: Image, environment: dict[str, str], mounts: list[Mount]) -> Process:
        """Start a container."""
        assert self._holder is not None
        extra = [Mount(ROOT / "models", MODELS)] if image.with_models else []
        for path, text in image.files.items():
            file = self._folder / "files" / name / Path(path).name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            extra.append(Mount(file, path))
        script = _container(self._folder / "roots" / name, [*mounts, *extra], image, environment)
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        inside = ["nsenter", "--target", str(self._holder.pid), *user, "--net", "--mount", "--"]
        private = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-ec", script]
        return Process(name, [*inside, *private], self._output)

    def close(self) -> None:
        if self._holder is not None:
            self._holder.kill()


def _container(root: Path, mounts: list[Mount], image: Image, environment: dict[str, str]) -> str:
    """The shell script that lays out a container's file system and becomes its program."""
    layer, merged = shlex.quote(str(root)), shlex.quote(str(root / "merged"))
    lines = [
        f"mkdir -p {layer} && mount -t tmpfs -o size=512m tmpfs {layer} && cd {layer} && mkdir upper work merged",
        "mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay merged",
        "mount --rbind /proc merged/proc && mount --rbind /dev merged/dev",
        "mount -t tmpfs -o size=512m,mode=1777 tmpfs merged/tmp",
    ]
    needed = dict.fromkeys((ROOT, Path(sys.prefix), Path(sys.base_prefix)))
    outermost = [p for p in needed if not any(other in p.parents for other in needed)]  # .venv comes with its project
    for mount in [*(Mount(p, str(p)) for p in outermost), *mounts]:
        lines += _mount(root, mount)
    words = [f"{k}={v}" for k, v in environment.items()]
    command = ["python3", *image.command[1:]] if image.command[0] == "python" else list(image.command)
    python = f"PATH={Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    user = f"--userspec={USER}:{USER}" if os.geteuid() == 0 else "--userspec=0:0"
    run = ["env", "-i", f"--chdir={ROOT}", python, "LANG=C.UTF-8", *words, *command]
    lines.append(f"exec chroot {user} {merged} {shlex.join(run)}")
    return "\n".join(lines)


def _mount(root: Path, mount: Mount) -> list[str]:
    """Bind a file or folder; those above it are opened for the container's user, in its own layer only."""
    target = root / "merged" / mount.target.lstrip("/")
    source, place = shlex.quote(str(mount.source)), shlex.quote(str(target))
    parent = shlex.quote(str(target.parent))
    lines = [f"mkdir -p {parent}", f"if [ -d {source} ]; then mkdir -p {place}; else : >{place}; fi"]
    above = [p for p in target.parents if p.is_relative_to(root / "merged") and p != root / "merged"]
    lines += [f"chmod a+rx {shlex.quote(str(p))}" for p in above]
    lines.append(f"mount --bind {source} {place}")
    if mount.read_only:
        lines.append(f"mount -o remount,bind,ro {place}")
    return lines
