"""A process measured from outside: CPU, memory and time, from its start to its end (Linux)."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

ROOT = Path(__file__).parents[1]
TICKS = os.sysconf("SC_CLK_TCK")


class Used(NamedTuple):
    """What a process took: seconds of CPU of all its threads, bytes at most, seconds."""

    cpu: float
    peak: int
    seconds: float


class FailedError(Exception):
    """A competitor did not do what it was started for."""


class Process:
    """Runs `python -m MODULE ARGUMENTS`; killed if it has not ended with its `with` block."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._peak = 0
        self._used: Used | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        out, err = (Path(self._folder.name, name) for name in ("out", "err"))
        self._out, self._err = out, err
        self.began = time.monotonic()
        with out.open("wb") as stdout, err.open("wb") as stderr:
            self._child = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=ROOT
            )
        self.pid = self._child.pid
        return self

    def __exit__(self, *_: object) -> None:
        if self._used is None:
            self._child.kill()
            self._child.wait()
        self._folder.cleanup()

    def poll(self) -> Used | None:
        """Return what it took once it has ended; raises `FailedError` if that was a failure."""
        if self._used is None:
            self._peak = max(self._peak, self.memory("VmHWM"))
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                seconds = time.monotonic() - self.began
                code = self._child.returncode = os.waitstatus_to_exitcode(status)
                self._used = Used(usage.ru_utime + usage.ru_stime, self._peak, seconds)
                if code not in (0, -signal.SIGTERM):
                    raise FailedError(f"{self} ended with {code}:\n{self.log()}")
        return self._used

    def wait(self, timeout_seconds: float) -> Used:
        """Wait for its end."""
        deadline = time.monotonic() + timeout_seconds
        while (used := self.poll()) is None:
            if time.monotonic() > deadline:
                raise FailedError(f"{self} goes on after {timeout_seconds:g} s:\n{self.log()}")
            time.sleep(0.02)
        return used

    def stop(self) -> Used:
        """Send SIGTERM and wait for its end."""
        self.poll()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        return self.wait(20)

    def memory(self, what: str = "VmRSS") -> int:
        """Return its resident bytes, now or (VmHWM) at most; 0 when it has ended.

        The kernel's ru_maxrss is of no use: a child inherits that of its parent.
        """
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0
        found = [line.split()[1] for line in status.splitlines() if line.startswith(what)]
        return int(found[0]) * 1024 if found else 0

    def cpu(self) -> float:
        """Return the seconds of CPU it has taken so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def result(self) -> Any:
        """Return the JSON that it printed."""
        try:
            return json.loads(self.output())
        except ValueError:
            raise FailedError(f"{self} printed no result:\n{self.log()}") from None

    def output(self) -> str:
        """Return what it printed."""
        return self._out.read_text()

    def log(self) -> str:
        """Return the end of what it had to say."""
        return self._err.read_text(errors="replace")[-3000:]

    def __str__(self) -> str:
        return " ".join(self._command[2:])


def run(module: str, *arguments: str, timeout_seconds: float = 300) -> tuple[Used, Any]:
    """Run a module to its end; return what it took, and the JSON it printed if any."""
    with Process(module, *arguments) as process:
        used = process.wait(timeout_seconds)
        return used, process.result() if process.output() else None
