"""What the web port is told: where it listens, whom it lets in, and how much it takes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

LEAST_TOKEN: Final = 16
"""Nothing slows down who guesses, so a token has to be longer than can be guessed."""


def digest(secret: str) -> bytes:
    """Return what a secret is compared by: of one length, whatever is sent."""
    return sha256(secret.encode(errors="surrogateescape")).digest()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens the port, as digests; either will do. Without any, whoever reaches it is in."""

    token: bytes | None = field(default=None, repr=False)
    user: bytes | None = field(default=None, repr=False)
    """Of `user:password`."""

    def __bool__(self) -> bool:
        return self.token is not None or self.user is not None


@dataclass(frozen=True, slots=True)
class Tls:
    """The certificate chain and its key, as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of this process those at the port may take: it has tickets to watch."""

    connections: int = 512
    """Half of the 1,024 descriptors a process usually has; the rest are for Kafka. More wait in
    the kernel's queue, which costs nothing."""

    streams: int = 256
    """Open walls. A page needs one stream, and for a moment a few connections more."""

    requests_a_second: float = 250.0
    """Of all together: some 5 % of a core. What is more waits its turn."""

    burst_requests: float = 100.0
    """Before that: eight walls that are opened at one moment, and 20 ms of work."""

    idle_seconds: float = 10.0
    """For the headers of a request to be complete, and until the next one: slow senders hold a
    connection no longer than idle ones."""

    handshake_seconds: float = 5.0
    send_seconds: float = 30.0
    """For an answer, or an event of a stream, to be taken: tablets sleep, cables are pulled."""

    send_buffer_bytes: int = 128 * 1024
    """The kernel's memory for one who does not read; left alone, Linux gives up to 4 MB each."""

    line_bytes: int = 8190
    header_bytes: int = 8190
    """Of one header. Cookies know no ports: those of all programs on localhost come along."""

    headers: int = 64
    """Browsers send some 15, proxies add a few."""

    def parser(self) -> Mapping[str, Any]:
        """Return what aiohttp is to be told."""
        return {
            "keepalive_timeout": self.idle_seconds,
            "max_line_size": self.line_bytes,
            "max_field_size": self.header_bytes,
            "max_headers": self.headers,
            "lingering_time": 1.0,  # for the rest of a body that nobody wants
        }


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The web port in one frozen value."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    credentials: Credentials = Credentials()
    tls: Tls | None = None
    limits: Limits = DEFAULT_LIMITS

    def address(self, port: int) -> str:
        """Return the address of the wall, given the port that is listened on."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{port}/"

    def exposure(self) -> str | None:
        """Say in a sentence what others can do, or None where that is as it should be."""
        if is_loopback(self.host) or (self.credentials and self.tls):
            return None
        if not self.credentials:
            missing = "whoever reaches it sees ticket ids; set --web-token-file"
            tls = "" if self.tls else ", and --web-tls-cert with --web-tls-key"
            return f"the web port on {self.host} asks for no password: {missing}{tls}"
        return (
            f"the web port on {self.host} has no TLS: its password and the tickets can be read on "
            "the way; set --web-tls-cert and --web-tls-key, or put a TLS proxy before it"
        )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can connect."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
