"""A Kafka client's properties file: both dialects understood, each mistake said with its line."""

import pickle

import msgspec
import pytest
import trustme
from cryptography.hazmat.primitives import serialization as s

from monitor.errors import InputError
from monitor.streaming.client_properties import read_client_properties
from monitor.streaming.security import Security
from monitor.streaming.settings import Settings

SECRET = "s3cret"
USER = f"sasl.mechanism=SCRAM-SHA-512\nsasl.username=ann\nsasl.password={SECRET}\n"


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    """A folder with an authority, a certificate, its key, and a key that is not its."""
    folder = tmp_path_factory.mktemp("pem")
    authority = trustme.CA()
    ours, other = authority.issue_cert("ann@example.org"), authority.issue_cert("b@example.org")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    ours.cert_chain_pems[0].write_to_path(folder / "ours.pem")
    ours.private_key_pem.write_to_path(folder / "ours.key")
    ours.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    other.private_key_pem.write_to_path(folder / "b.key")
    for path in folder.iterdir():
        path.chmod(0o600)
    return folder


@pytest.fixture
def read(tmp_path, pem):
    path = tmp_path / "client.properties"

    def read(text):
        path.write_text(text.replace("PEM/", f"{pem}/"))
        path.chmod(0o600)
        return read_client_properties(path)

    return read


@pytest.fixture
def problems(read):
    """Return what is wrong, without the file's path."""

    def problems(text):
        with pytest.raises(InputError) as raised:
            read(text)
        assert raised.value.exit_code == 4
        said = str(raised.value)
        assert SECRET not in said
        return [line.partition("client.properties:")[2] for line in said.splitlines()]

    return problems


def test_javas_dialect_is_understood(read):
    security, warnings = read(
        "# as kafka-topics.sh takes it\n"
        "security.protocol = SASL_SSL\n"
        "sasl.mechanism: SCRAM-SHA-256\n"
        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n"
        '    username="ann" \\\n'
        '    password="a \\\\"b\\\\" ;=c";\n'
        "ssl.truststore.type=PEM\n"
        "ssl.truststore.location=PEM/ca.pem\n"
        "ssl.keystore.location=PEM/both.pem\n"
        "ssl.endpoint.identification.algorithm=\n"
    )
    assert (security.username, security.password) == ("ann", 'a "b" ;=c')
    options = security.client_options()
    assert options.pop("ssl_context").check_hostname is False
    assert options == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "ann",
        "sasl_plain_password": 'a "b" ;=c',
    }
    assert warnings == []


def test_librdkafkas_dialect_is_understood(read):
    security, _ = read(
        "security.protocol=ssl\nssl.ca.location=PEM/ca.pem\n"
        "ssl.certificate.location=PEM/ours.pem\nssl.key.location=PEM/ours.key\n"
    )
    options = security.client_options()
    assert options.pop("ssl_context").check_hostname is True
    assert options == {"security_protocol": "SSL"}


def test_with_nothing_set_clients_are_given_nothing(read):
    assert read("# nothing yet\n") == (Security(), [])
    assert Settings("localhost:9092").client_options == {}


def test_secrets_are_in_no_repr_and_reach_a_worker():
    security = Security("SASL_SSL", key_password=SECRET, mechanism="PLAIN", password=SECRET)
    settings = Settings("localhost:9092", security=security)
    assert SECRET not in repr(settings)
    body = msgspec.msgpack.encode(settings)
    assert msgspec.msgpack.decode(body, type=Settings) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ssl.ca.loaction=PEM/ca.pem", "1: ssl.ca.loaction: not known; did you mean ssl.ca.locat"),
        ("\n\nacks=all", "3: acks: not taken here, only how to connect safely"),
        ("bootstrap.servers=a:1", "1: bootstrap.servers: the broker's address is told by --broker"),
        ("ssl.truststore.password=s3cret", "1: ssl.truststore.password: a PEM file has none"),
        ("security.protocol=TLS", '1: security.protocol: "TLS" cannot be used here; write PLAIN'),
        ("security.protocol=SSL\nsecurity.protocol=SSL", "2: security.protocol: given in line 1"),
        (
            f"security.protocol=SSL\n{USER}",
            "2: sasl.mechanism: not used with security.protocol=SSL",
        ),
        ("ssl.ca.location=PEM/ca.pem", "1: ssl.ca.location: not used with security.protocol=PLAIN"),
        ("security.protocol=SASL_SSL", "1: security.protocol: needs sasl.mechanism as well"),
        (
            "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=ann",
            "1: security.protocol: needs sasl.username and sasl.password, or sasl.jaas.config",
        ),
        (
            f"security.protocol=SASL_SSL\n{USER.replace('SCRAM-SHA-512', 'GSSAPI')}",
            '2: sasl.mechanism: "GSSAPI" cannot be used here; write PLAIN, SCRAM-SHA-256 or SCRAM',
        ),
        (
            f"security.protocol=SASL_SSL\n{USER}sasl.mechanisms=PLAIN",
            "5: sasl.mechanisms: means the same as sasl.mechanism; remove one",
        ),
        (
            f'security.protocol=SASL_SSL\n{USER}sasl.jaas.config=PlainLoginModule required x="y";',
            "3: sasl.username: in sasl.jaas.config (line 5) too",
        ),
        (
            "security.protocol=SSL\nssl.endpoint.identification.algorithm=ldaps",
            '2: ssl.endpoint.identification.algorithm: "ldaps" is not known; write https',
        ),
        (
            "security.protocol=SSL\nssl.truststore.type=JKS",
            '2: ssl.truststore.type: "JKS" cannot be used here; write PEM (a Java or PKCS12',
        ),
        ("security.protocol=SSL\nssl.ca.location=PEM/no.pem", "2: ssl.ca.location: cannot read"),
        (
            "security.protocol=SSL\nssl.ca.location=PEM/ours.key",
            "2: ssl.ca.location: PEM/ours.key holds no certificate; name the file that does",
        ),
        (
            "security.protocol=SSL\nssl.key.location=PEM/ours.key",
            "2: ssl.key.location: needs its certificate in ssl.certificate.location as well",
        ),
        (
            "security.protocol=SSL\nssl.certificate.location=PEM/ours.pem",
            "2: ssl.certificate.location: PEM/ours.pem holds no private key; name the file",
        ),
        (
            "security.protocol=SSL\nssl.keystore.location=PEM/ours.pem\nssl.key.location=PEM/b.key",
            "3: ssl.key.location: PEM/b.key is not the private key of PEM/ours.pem",
        ),
    ],
)
def test_each_mistake_is_said_with_its_line_and_the_way_out(problems, pem, text, said):
    assert any(line.startswith(said.replace("PEM/", f"{pem}/")) for line in problems(text))


def test_all_mistakes_are_said_at_once_in_the_order_of_the_file(problems):
    said = problems("security.protocol=SSL\nacks=all\nssl.ca.location=/no\nlinger.ms=5\n")
    assert [line.partition(":")[0] for line in said] == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('a.b.ScramLoginModule required username="ann" password="s3cret"', "mind the semicolon"),
        ("a.b.ScramLoginModule required username=ann password='s3cret;", "must have the form"),
        ('a.b.ScramLoginModule required username="ann" password="s3cret;', "are all values in"),
        ('a.b.ScramLoginModule required username="ann" pass="s3cret";', "must have the form"),
        ('a.b.PlainLoginModule required username="ann" password="s3cret";', "does not go with"),
        ('a.b.OAuthBearerLoginModule required username="s3cret";', "its login module must be one"),
        ("s3cret", "must have the form"),
    ],
)
def test_what_is_wrong_with_a_jaas_line_is_said_without_its_secrets(problems, value, said):
    (line,) = problems(
        f"security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config={value}\n"
    )
    assert line.startswith("3: sasl.jaas.config: ")
    assert said in line


def test_an_encrypted_key_is_opened_with_its_password_and_else_said(read, problems, pem):
    key = s.load_pem_private_key((pem / "ours.key").read_bytes(), None)
    locked = key.private_bytes(
        s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(SECRET.encode())
    )
    (pem / "locked.key").write_bytes(locked)
    (pem / "locked.key").chmod(0o600)
    text = (
        "security.protocol=SSL\nssl.certificate.location=PEM/ours.pem\n"
        "ssl.key.location=PEM/locked.key\n"
    )
    security, _ = read(f"{text}ssl.key.password={SECRET}\n")
    assert security.client_options()["ssl_context"]
    assert "is encrypted; give its password in ssl.key.password" in problems(text)[0]
    wrong = problems(f"{text}ssl.key.password=wrong\n")
    assert "ssl.key.password does not open" in wrong[0]


def test_a_java_keystore_is_told_how_to_be_converted(problems, pem):
    (pem / "store.jks").write_bytes(b"\xfe\xed\xfe\xed\x00\x00\x00\x02")
    (said,) = problems("security.protocol=SSL\nssl.truststore.location=PEM/store.jks\n")
    assert "is not in PEM format; convert it" in said


def test_what_everybody_can_read_and_what_goes_unencrypted_is_warned_of(read, pem, tmp_path):
    _, warnings = read(f"security.protocol=SASL_SSL\n{USER}")
    assert warnings == []
    path = tmp_path / "client.properties"
    path.chmod(0o644)
    (warning,) = read_client_properties(path)[1]
    assert warning == f"{path} holds a password and can be read by everybody; chmod o-r {path}"

    _, (warning,) = read(
        f"security.protocol=SASL_PLAINTEXT\n{USER.replace('SCRAM-SHA-512', 'PLAIN')}"
    )
    assert "unencrypted" in warning

    (pem / "open.pem").write_bytes((pem / "both.pem").read_bytes())
    (pem / "open.pem").chmod(0o644)
    _, (warning,) = read("security.protocol=SSL\nssl.keystore.location=PEM/open.pem\n")
    assert "open.pem holds a private key and can be read by everybody" in warning


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(InputError, match=r"cannot read the Kafka settings .*no such file"):
        read_client_properties(tmp_path / "none")
    (tmp_path / "latin").write_bytes(b"sasl.username=J\xf6rg\n")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_client_properties(tmp_path / "latin")
    (tmp_path / "escape").write_text("sasl.username=\\u12\n")
    with pytest.raises(InputError, match="four hexadecimal digits"):
        read_client_properties(tmp_path / "escape")
