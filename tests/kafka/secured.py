"""Apache Kafka that lets in only whom it knows: a port for TLS, one for SASL over TLS, and rights.

Its unsafe port is for the tests themselves, whose nameless user may do everything.
"""

from collections.abc import Iterable
from pathlib import Path

import trustme
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificate

from monitor.broker.process import HOST, free_port
from tests.kafka.broker import KafkaBroker

PASSWORD = "of-the-broker's-users"
STORE_PASSWORD = "of-the-store"
NOWHERE = "127.0.0.1:1"

MORE_SETTINGS = """\
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port},TLS://{host}:{tls},USERS://{host}:{users},CLEAR://{host}:{clear},LOST://{host}:{lost}
advertised.listeners=PLAINTEXT://{host}:{port},TLS://{host}:{tls},USERS://{host}:{users},CLEAR://{host}:{clear},LOST://{nowhere}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,USERS:SASL_SSL,CLEAR:SASL_PLAINTEXT,LOST:PLAINTEXT
listener.name.tls.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=([^,]+),.*$/$1/,DEFAULT
ssl.keystore.type=PKCS12
ssl.keystore.location={data_dir}/broker.p12
ssl.keystore.password={store_password}
ssl.truststore.type=PEM
ssl.truststore.location={data_dir}/ca.pem
listener.name.users.sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256
listener.name.users.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.users.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.clear.sasl.enabled.mechanisms=PLAIN
listener.name.clear.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_operator="plain";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:operator
"""  # noqa: E501 - a property has one line

# Kafka's numbers of what rights are about, and of what may be done.
TOPIC, GROUP, TRANSACTIONAL_ID = 2, 3, 5
READ, WRITE, CREATE, DESCRIBE_CONFIGS = 3, 4, 5, 10
LITERAL, PREFIXED = 3, 4
ALLOW = 3

MONITOR_MAY = [
    (TOPIC, "ticket-created", LITERAL, READ),
    (TOPIC, "agent-replied", LITERAL, READ),
    (TOPIC, "ticket-closed", LITERAL, READ),
    (TOPIC, "sla-", PREFIXED, READ),
    (TOPIC, "sla-", PREFIXED, WRITE),
    (GROUP, "sla-monitor", LITERAL, READ),
    (TRANSACTIONAL_ID, "sla-monitor-", PREFIXED, WRITE),
]
"""What README says the monitor's user needs, and nothing more."""


class SecuredKafka(KafkaBroker):
    """Apache Kafka with certificates of an authority of its own, users, and rights."""

    name = "the secured Apache Kafka"
    at_format = tuple(
        argument
        for mechanism, user in (
            ("SCRAM-SHA-512", "operator"),
            ("SCRAM-SHA-512", "monitor"),
            ("SCRAM-SHA-512", "reader"),
            ("SCRAM-SHA-256", "operator"),
        )
        for argument in ("--add-scram", f"{mechanism}=[name={user},password={PASSWORD}]")
    )

    def __init__(self) -> None:
        super().__init__()
        self.authority = trustme.CA()
        self._ports = {name: free_port() for name in ("tls", "users", "clear", "lost")}

    def at(self, listener: str, host: str = HOST) -> str:
        """Return where a listener is: `tls`, `users`, `clear` or `lost`, which leads nowhere."""
        return f"{host}:{self._ports[listener]}"

    def settings(self, data_dir: Path, port: int, controller_port: int, log_dir: Path) -> str:
        self.authority.cert_pem.write_to_path(data_dir / "ca.pem")
        (data_dir / "broker.p12").write_bytes(as_store(self.authority.issue_cert(HOST)))
        return super().settings(data_dir, port, controller_port, log_dir) + MORE_SETTINGS.format(
            host=HOST,
            port=port,
            controller_port=controller_port,
            data_dir=data_dir,
            store_password=STORE_PASSWORD,
            nowhere=NOWHERE,
            **self._ports,
        )


def as_store(certificate: trustme.LeafCert) -> bytes:
    """Return a certificate and its key as Java takes them."""
    chain = [load_pem_x509_certificate(each.bytes()) for each in certificate.cert_chain_pems]
    return pkcs12.serialize_key_and_certificates(
        b"broker",
        load_pem_private_key(certificate.private_key_pem.bytes(), None),
        chain[0],
        chain[1:],
        BestAvailableEncryption(STORE_PASSWORD.encode()),
    )


async def allow(bootstrap: str, user: str, rights: Iterable[tuple[int, str, int, int]]) -> None:
    """Give a user rights: what they are about, its name, how the name is meant, and the doing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for kind, name, pattern, operation in rights:
            request = CreateAclsRequest(kind, name, pattern, f"User:{user}", "*", operation, ALLOW)
            response = await admin._send_to_controller(request)
            assert [result[0] for result in response.creation_responses] == [0]
    finally:
        await admin.close()
