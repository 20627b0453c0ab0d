"""How this program and a Kafka broker prove to each other who they are.

Plain data, so that it can be handed to a worker process; what the clients take is made of it there.
"""

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ssl import SSLContext

PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class Security:
    """What a client of Kafka needs to know of TLS and SASL; secrets are in no `repr`."""

    protocol: str = "PLAINTEXT"
    """One of `PROTOCOLS`, by Kafka's own names."""
    ca: str = ""
    """The file of the authorities that are trusted; empty stands for those of the system."""
    certificate: str = ""
    """The file of our own certificate, and of its key where `key` is empty."""
    key: str = ""
    key_password: str = field(default="", repr=False)
    checks_host: bool = True
    """Whether the broker's certificate must be for the name it is reached by."""
    mechanism: str = ""
    """One of `MECHANISMS`."""
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def uses_tls(self) -> bool:
        """What goes over the network is encrypted, and the broker is known by its certificate."""
        return self.protocol.endswith("SSL")

    @property
    def uses_sasl(self) -> bool:
        """The broker asks for a user."""
        return self.protocol.startswith("SASL")

    def client_options(self) -> dict[str, Any]:
        """Return the arguments that every aiokafka client takes; nothing where nothing is set.

        Raises `OSError`, `ssl.SSLError` among it, where a file cannot be used.
        """
        options: dict[str, Any] = {}
        if self.protocol != "PLAINTEXT":
            options["security_protocol"] = self.protocol
        if self.uses_tls:
            options["ssl_context"] = ssl_context(self)
        if self.uses_sasl:
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options


UNSECURED: Final = Security()
"""As Kafka's clients connect unless told: no encryption, no user."""


@functools.cache
def ssl_context(security: Security) -> "SSLContext":
    """Return the TLS side of it, made once: reading the system's authorities takes its time.

    Raises `OSError`, `ssl.SSLError` among it, where a file cannot be used.
    """
    import ssl  # noqa: PLC0415 - loaded only where TLS is used

    context = ssl.create_default_context(cafile=security.ca or None)
    context.check_hostname = security.checks_host
    if security.certificate:
        context.load_cert_chain(
            security.certificate,
            security.key or None,
            # Without one OpenSSL would ask for it on the terminal.
            password=lambda: security.key_password,
        )
    return context
