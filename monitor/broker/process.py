"""A Kafka broker as a child process: up when clients can use it, and never an orphan.

What is started is told by a subclass: the embedded broker, or Apache Kafka in the tests.
"""

import asyncio
import atexit
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from monitor.errors import BrokerUnreachableError, UsageError

HOST: Final = "127.0.0.1"
PORTS: Final = range(20_000, 32_000)
"""Below every system's ephemeral ports: a client that keeps dialling a dead broker's port
would some day be given that very port for its own end, connect to itself and block it."""

PORT_ATTEMPTS: Final = 5
POLL_SECONDS: Final = 0.02
STOP_SECONDS: Final = 10.0
SHOWN_LINES: Final = 5
PR_SET_PDEATHSIG: Final = 1


class BrokerProcess(ABC):
    """Runs one broker on a port and a folder of its own until `stop`.

    It keeps both over `kill` and a second `start`, so a test can lose a broker and get it back.
    On Linux the kernel ends it with the thread that called `start`, however that one dies:
    start it where the event loop lives as long as the program.
    """

    name: ClassVar[str]
    """How errors call it."""
    noise: ClassVar[str] = "\0"
    """What marks a line of its output as nothing to show to people."""

    def __init__(self, data_dir: Path | None = None, port: int | None = None) -> None:
        self._data_dir = data_dir
        self._owns_data_dir = data_dir is None
        self._port = port
        self._owns_port = port is None
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self, data_dir: Path, port: int) -> Sequence[str | Path]:
        """Prepare the folder where that is needed, and return what to run."""

    @abstractmethod
    def listening_sign(self, port: int) -> str:
        """Return what the broker prints once the port is its own."""

    def environment(self) -> dict[str, str]:
        """Return the environment of the process."""
        return dict(os.environ)

    @property
    def bootstrap(self) -> str:
        """Where clients connect to."""
        if self._port is None:
            raise UsageError(f"{self.name} has no address before it was started")
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    async def start(self, timeout_seconds: float = 15.0) -> None:
        """Return once a client can connect and ask for metadata."""
        if self._process:
            raise UsageError(f"{self.name} is running already on {self.bootstrap}")
        for attempt in range(1, PORT_ATTEMPTS + 1):
            try:
                await self._start_once(timeout_seconds)
            except _PortTakenError as error:
                # Two demos started side by side can choose the same port; one then tries another.
                if not self._owns_port or attempt == PORT_ATTEMPTS:
                    await self.stop()
                    raise UsageError(
                        f"port {self._port} is taken by another program: stop it or name another"
                    ) from error
                self._port = None
            except BaseException:
                await self.stop()
                raise
            else:
                # From now on clients know the port: a restart must come back on it.
                self._owns_port = False
                return

    async def stop(self) -> None:
        """End it in order, or the hard way if that takes too long; does nothing a second time."""
        try:
            if self._process:
                self._process.send_signal(signal.SIGTERM)
                await self._wait_until_ended(STOP_SECONDS)
        finally:
            self._clean_up()

    def kill(self) -> None:
        """End it as a power cut would; `start` brings it back on the same data and port."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _start_once(self, timeout_seconds: float) -> None:
        port = self._port = self._port or free_port()
        process = self._spawn(port)
        try:
            async with asyncio.timeout(timeout_seconds):
                # Its own word comes first: another program may be the one that answers there.
                while self.listening_sign(port) not in self._output():
                    if process.poll() is not None:
                        self._raise_died(process.returncode)
                    await asyncio.sleep(POLL_SECONDS)
                while not await answers(self.bootstrap):
                    if process.poll() is not None:
                        self._raise_died(process.returncode)
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            raise BrokerUnreachableError(
                f"{self.name} did not answer on {self.bootstrap} within "
                f"{timeout_seconds:g} s{self._last_lines()}"
            ) from error

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        if self._data_dir is None:
            self._data_dir = Path(tempfile.mkdtemp(prefix="sla-monitor-"))
        self._data_dir.mkdir(parents=True, exist_ok=True)
        command = self.command(self._data_dir, port)
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self.environment(),
                    # Ctrl-C in the terminal must reach us alone, so that we end it in order.
                    start_new_session=True,
                    # The kernel's death signal can only be asked for between fork and exec.
                    preexec_fn=_die_with_parent(),  # noqa: PLW1509 - calls nothing that locks
                )
        except OSError as error:
            raise BrokerUnreachableError(f"{self.name} cannot be run: {error}") from error
        # A program that ends without `stop` leaves nothing behind either.
        atexit.register(self._clean_up)
        return self._process

    def _raise_died(self, code: int) -> None:
        self.kill()
        if "already in use" in self._output():
            raise _PortTakenError
        raise BrokerUnreachableError(
            f"{self.name} ended at once with exit code {code}{self._last_lines()}"
        )

    def _clean_up(self) -> None:
        atexit.unregister(self._clean_up)
        self.kill()
        if self._owns_data_dir and self._data_dir:
            shutil.rmtree(self._data_dir, ignore_errors=True)
            self._data_dir = None

    async def _wait_until_ended(self, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while self._process and self._process.poll() is None:
            if asyncio.get_running_loop().time() >= deadline:
                return
            await asyncio.sleep(POLL_SECONDS)

    @property
    def _log(self) -> Path:
        if self._data_dir is None:
            raise UsageError(f"{self.name} has no folder before it was started")
        return self._data_dir / "broker.log"

    def _output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _last_lines(self) -> str:
        lines = [line for line in self._output().splitlines() if self.noise not in line]
        return "".join(f"\n  {line}" for line in lines[-SHOWN_LINES:])


class _PortTakenError(Exception):
    """The broker ended because another program has the port."""


def free_port() -> int:
    """Return a port on which nothing listens now."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


async def answers(bootstrap: str) -> bool:
    """Say whether a broker there lets a client in and tells it of its topics."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await client.start()
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
    return True


def _die_with_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask_for_death_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask_for_death_signal
