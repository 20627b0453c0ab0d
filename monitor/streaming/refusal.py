"""Why a broker cannot be used: aiokafka says no more than that it could not connect.

So each address is dialled once more by hand. Much is told by an exception; where a broker just
hangs up, which is how Kafka answers to the wrong protocol, the other ways in are tried.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import KafkaError, SaslAuthenticationFailed
from aiokafka.protocol.admin import SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

from monitor.errors import BrokerRefusedError, BrokerUnreachableError
from monitor.streaming.security import Security
from monitor.streaming.settings import Settings

_DIAL_SECONDS: Final = 3.0

_WRONG_NAME: Final = (62, 64)
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
_NOT_IN_FORCE: Final = (9, 10)
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""

_FAILURES: Final = (KafkaError, OSError, TimeoutError, ValueError, EOFError)
"""What dialling may end with; ValueError, where a broker's SCRAM signature is wrong."""

Address = tuple[str, int]


async def why_not(
    settings: Settings, addresses: Sequence[Address] | None = None
) -> BrokerUnreachableError:
    """Return what keeps us from using the broker.

    Dialled are the addresses by which it calls itself, or those of `--broker`.
    """
    place, check = settings.bootstrap, "--broker, and that the broker runs"
    if addresses:
        # It is the broker itself that calls itself by these.
        place = ",".join(map(_shown, addresses))
        check = "the broker's advertised.listeners, and that it runs"
    else:
        hosts = collect_hosts(settings.bootstrap, randomize=False)
        addresses = [(host, port) for host, port, _ in hosts]
    for address in addresses:
        reason = await _reason(settings.security, address)
        if reason:
            return BrokerRefusedError(f"the broker at {_shown(address)} {reason}")
    return BrokerUnreachableError(f"no Kafka broker answers at {place}; check {check}")


async def _reason(security: Security, address: Address) -> str:
    """Return what a broker has against us, or we against it; empty where nobody answers."""
    try:
        async with asyncio.timeout(_DIAL_SECONDS):
            _, writer = await asyncio.open_connection(*address)
            writer.close()
    except (OSError, TimeoutError):
        return ""
    try:
        async with _dialled(address, **security.client_options()) as connection:
            await connection.send(MetadataRequest([]))
    except _FAILURES as error:
        causes = list(_causes(error))
        return (
            _of_certificate(causes, address)
            or _of_user(causes, security)
            or await _of_protocol(security, address)
            or _of_our_certificate(causes, security)
        )
    return ""


@asynccontextmanager
async def _dialled(address: Address, **options: Any) -> AsyncIterator[AIOKafkaConnection]:
    milliseconds = int(_DIAL_SECONDS * 1000)
    connection = await create_conn(*address, request_timeout_ms=milliseconds, **options)
    try:
        yield connection
    finally:
        connection.close()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _of_certificate(causes: Sequence[BaseException], address: Address) -> str:
    """Say what we have against the broker's certificate."""
    for error in causes:
        if not isinstance(error, ssl.SSLCertVerificationError):
            continue
        said = error.verify_message
        if error.verify_code in _WRONG_NAME:
            return (
                f"has a certificate that is not for {address[0]} ({said}); reach it by a name "
                "that is in its certificate, or have one made for this name"
            )
        if error.verify_code in _NOT_IN_FORCE:
            return f"has a certificate that is not in force ({said}); renew it, or set the clock"
        return (
            f"has a certificate that is not trusted ({said}); "
            "name the authority that signed it in ssl.ca.location"
        )
    return ""


def _of_user(causes: Sequence[BaseException], security: Security) -> str:
    """Say what the broker has against the user."""
    for error in causes:
        if isinstance(error, SaslAuthenticationFailed):
            return (
                f"does not take user {security.username} with this password "
                f"({security.mechanism}); check sasl.username and sasl.password"
            )
        if isinstance(error, ValueError) and security.uses_sasl:
            return (
                f"does not know the password of user {security.username} itself "
                "(its SCRAM signature is wrong); make sure that it is the broker you mean"
            )
    return ""


async def _of_protocol(security: Security, address: Address) -> str:
    """Say which other way of speaking it understands."""
    tls = {k: v for k, v in security.client_options().items() if k == "ssl_context"}
    offered = await _mechanisms(address, tls)
    if offered is None:
        return await _of_tls(security, address)
    if offered and not security.uses_sasl:
        protocol = "SASL_SSL" if tls else "SASL_PLAINTEXT"
        return (
            f"asks for a user; set security.protocol={protocol}, sasl.mechanism (it offers "
            f"{', '.join(offered)}), sasl.username and sasl.password in --kafka-config"
        )
    if offered and security.mechanism not in offered:
        return f"does not offer {security.mechanism}; set sasl.mechanism={' or '.join(offered)}"
    if not offered and security.uses_sasl:
        protocol = "SSL" if tls else "PLAINTEXT"
        return f"asks for no user at this port; set security.protocol={protocol}, or use another"
    return ""


async def _mechanisms(address: Address, tls: Mapping[str, Any]) -> list[str] | None:
    """Return the SASL mechanisms on offer, none where no user is asked for.

    None stands for no sense made of each other: with TLS where there is none, or without.
    """
    protocol = "SSL" if tls else "PLAINTEXT"
    try:
        async with _dialled(address, security_protocol=protocol, **tls) as connection:
            response = await connection.send(SaslHandShakeRequest("none"))
    except _FAILURES:
        return None
    return list(response.enabled_mechanisms)


async def _of_tls(security: Security, address: Address) -> str:
    """Say whether it wants TLS where we speak none, or the other way round."""
    way_out = "in --kafka-config, or use another port"
    if security.uses_tls:
        if await _mechanisms(address, {}) is None:
            return ""
        return f"does not speak TLS; set security.protocol=PLAINTEXT or SASL_PLAINTEXT {way_out}"
    if not await _speaks_tls(address):
        return ""
    return f"speaks TLS only; set security.protocol=SSL or SASL_SSL {way_out}"


async def _speaks_tls(address: Address) -> bool:
    """Tell whether a TLS handshake is understood; nothing is told to whoever answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(_DIAL_SECONDS):
            _, writer = await asyncio.open_connection(*address, ssl=context)
            writer.transport.abort()
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # it wants to see a certificate of ours first
    except (OSError, TimeoutError):
        return False
    return True


def _of_our_certificate(causes: Sequence[BaseException], security: Security) -> str:
    """Say what the broker has against our certificate; it may just hang up."""
    if not security.uses_tls:
        return ""
    said = next((e.reason for e in causes if isinstance(e, ssl.SSLError) and e.reason), "")
    told = f" ({said.lower().replace('_', ' ')})" if said else ""
    if security.certificate:
        return f"does not take our certificate{told}; check ssl.certificate.location"
    return (
        f"ended the connection{told}; if it asks for a certificate of ours, "
        "name it and its key in ssl.certificate.location and ssl.key.location"
    )


def _shown(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
