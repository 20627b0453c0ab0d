"""A Kafka client's properties file, as every Kafka tool takes it, read for its TLS and SASL.

Both dialects are understood: Java's (`ssl.truststore.location`, `sasl.jaas.config`) and
librdkafka's (`ssl.ca.location`, `sasl.username`). A key that is not known is an error, for a
mistyped one would leave the connection less safe than it was meant to be.
"""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple

import javaproperties

from monitor.errors import InputError
from monitor.streaming.jaas import JaasError, read_jaas
from monitor.streaming.pem import check_pem, load_failure
from monitor.streaming.security import MECHANISMS, PROTOCOLS, Security, ssl_context

_CA: Final = ("ssl.ca.location", "ssl.truststore.location")
_CERTIFICATE: Final = ("ssl.certificate.location", "ssl.keystore.location")
_MECHANISM: Final = ("sasl.mechanism", "sasl.mechanisms")
_TYPES: Final = ("ssl.truststore.type", "ssl.keystore.type")
_KEYS: Final = (
    "security.protocol",
    *_CA,
    *_CERTIFICATE,
    *_TYPES,
    "ssl.key.location",
    "ssl.key.password",
    "ssl.endpoint.identification.algorithm",
    *_MECHANISM,
    "sasl.username",
    "sasl.password",
    "sasl.jaas.config",
)
_NOT_FOR_PEM: Final = (
    "a PEM file has none; remove the line (the password of a private key is ssl.key.password)"
)
_NOT_TAKEN: Final = {
    "bootstrap.servers": "the broker's address is told by --broker; remove the line",
    "ssl.truststore.password": _NOT_FOR_PEM,
    "ssl.keystore.password": _NOT_FOR_PEM,
    "enable.ssl.certificate.verification": (
        "the broker's certificate is always checked; remove the line, "
        "and name the authority that signed it in ssl.ca.location"
    ),
}


class Entry(NamedTuple):
    """A key with its value, and the line it begins at."""

    line: int
    key: str
    value: str


def read_client_properties(path: Path) -> tuple[Security, list[str]]:
    """Return what a properties file says of security, and what to warn of.

    Raises `InputError` with a line for each problem; no value that may be a secret is in it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"cannot read the Kafka settings {path}: {reason}") from None
    try:
        entries = list(_entries(text))
    except javaproperties.InvalidUEscapeError:
        raise InputError(rf"{path}: a \u must be followed by four hexadecimal digits") from None
    security, problems = parse(entries)
    if problems:
        problems.sort(key=lambda problem: problem[0])
        raise InputError("\n".join(f"{path}:{line}: {reason}" for line, reason in problems))
    return security, warnings(path, security)


def _entries(text: str) -> Iterator[Entry]:
    line = 1
    for element in javaproperties.parse(text):
        if isinstance(element, javaproperties.KeyValue):
            yield Entry(line, element.key, element.value.strip())
        line += element.source.count("\n")


def parse(entries: Iterable[Entry]) -> tuple[Security, list[tuple[int, str]]]:
    """Return what the entries say, and what is wrong: a line number and a sentence each."""
    reading = _Reading(entries)
    security = reading.security()
    return security, reading.problems


class _Reading:
    """The entries of one file, and what was found to be wrong with them."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.problems: list[tuple[int, str]] = []
        self._found: dict[str, Entry] = {}
        for entry in entries:
            if entry.key not in _KEYS:
                self.problems.append((entry.line, f"{entry.key}: {_not_taken(entry.key)}"))
            elif before := self._found.get(entry.key):
                self._say(entry, f"given in line {before.line} already; remove one of the two")
            else:
                self._found[entry.key] = entry

    def security(self) -> Security:
        """Return what they come to; with problems noted it is not to be used."""
        protocol = self._choice(("security.protocol",), PROTOCOLS) or "PLAINTEXT"
        if protocol not in PROTOCOLS:
            return Security()
        self._refuse_idle(protocol)
        for key in _TYPES:
            self._choice((key,), ("PEM",), " (a Java or PKCS12 store can be converted to PEM)")
        mechanism, username, password = self._user() if protocol.startswith("SASL") else ("",) * 3
        if not protocol.endswith("SSL"):
            return Security(protocol, mechanism=mechanism, username=username, password=password)
        security = Security(
            protocol,
            ca=self._pem(_CA, "CERTIFICATE"),
            certificate=self._pem(_CERTIFICATE, "CERTIFICATE"),
            key=self._pem(("ssl.key.location",), "PRIVATE KEY"),
            key_password=self._value("ssl.key.password"),
            checks_host=self._checks_host(),
            mechanism=mechanism,
            username=username,
            password=password,
        )
        self._load(security)
        return security

    def _say(self, entry: Entry, reason: str) -> None:
        self.problems.append((entry.line, f"{entry.key}: {reason}"))

    def _entry(self, keys: Iterable[str]) -> Entry | None:
        """Return the entry of one of several names for the same thing."""
        found = [self._found[key] for key in keys if key in self._found]
        for entry in found[1:]:
            self._say(entry, f"means the same as {found[0].key}; remove one of the two")
        return found[0] if found else None

    def _value(self, key: str) -> str:
        entry = self._found.get(key)
        return entry.value if entry else ""

    def _choice(self, keys: Iterable[str], choices: tuple[str, ...], more: str = "") -> str:
        entry = self._entry(keys)
        if entry is None:
            return ""
        if entry.value.upper() not in choices:
            shown = " or ".join((", ".join(choices[:-1]), choices[-1]) if choices[1:] else choices)
            self._say(entry, f'"{entry.value}" cannot be used here; write {shown}{more}')
        return entry.value.upper()

    def _refuse_idle(self, protocol: str) -> None:
        """Note what is given and would not be used: more safety was meant than there would be."""
        for entry in self._found.values():
            family = entry.key.partition(".")[0]
            if family == "ssl" and not protocol.endswith("SSL"):
                wanted = "SASL_SSL" if protocol.startswith("SASL") else "SSL"
            elif family == "sasl" and not protocol.startswith("SASL"):
                wanted = "SASL_SSL"
            else:
                continue
            self._say(
                entry,
                f"not used with security.protocol={protocol}; "
                f"set security.protocol={wanted}, or remove the line",
            )

    def _user(self) -> tuple[str, str, str]:
        """Return mechanism, user and password."""
        mechanism = self._choice(_MECHANISM, MECHANISMS)
        at = self._found["security.protocol"]
        if not mechanism:
            self._say(at, f"needs sasl.mechanism as well: {', '.join(MECHANISMS)}")
        jaas = self._found.get("sasl.jaas.config")
        given = [self._found[k] for k in ("sasl.username", "sasl.password") if k in self._found]
        if jaas is None:
            if len(given) < 2:  # noqa: PLR2004 - a user and a password
                self._say(at, "needs sasl.username and sasl.password, or sasl.jaas.config")
            return mechanism, self._value("sasl.username"), self._value("sasl.password")
        for entry in given:
            self._say(entry, f"in sasl.jaas.config (line {jaas.line}) too; remove one of the two")
        try:
            return mechanism, *read_jaas(jaas.value, mechanism)
        except JaasError as error:
            self._say(jaas, str(error))
            return mechanism, "", ""

    def _checks_host(self) -> bool:
        entry = self._found.get("ssl.endpoint.identification.algorithm")
        name = entry.value.lower() if entry else "https"
        if entry and name not in ("https", "", "none"):
            self._say(entry, f'"{entry.value}" is not known; write https, or leave it empty')
        return name == "https"

    def _pem(self, keys: Iterable[str], holds: str) -> str:
        entry = self._entry(keys)
        if entry is None:
            return ""
        reason = check_pem(Path(entry.value), holds)
        if reason:
            self._say(entry, reason)
        return entry.value

    def _load(self, security: Security) -> None:
        """Note what OpenSSL has against the files."""
        key, certificate = self._found.get("ssl.key.location"), self._entry(_CERTIFICATE)
        if key and not certificate:
            self._say(key, "needs its certificate in ssl.certificate.location as well")
        if self.problems:
            return
        trusting = replace(security, certificate="", key="")
        for part, entry in ((trusting, self._entry(_CA)), (security, key or certificate)):
            if entry and not self.problems:
                self._try(part, entry)

    def _try(self, security: Security, entry: Entry) -> None:
        try:
            ssl_context(security)
        except OSError as error:
            self._say(entry, load_failure(error, security))


def _not_taken(key: str) -> str:
    if key in _NOT_TAKEN:
        return _NOT_TAKEN[key]
    close = get_close_matches(key, _KEYS, n=1, cutoff=0.8)
    return (
        f"not known; did you mean {close[0]}?"
        if close
        else "not taken here, only how to connect safely (security.protocol, ssl.*, sasl.*); "
        "remove the line"
    )


def warnings(path: Path, security: Security) -> list[str]:
    """Return a sentence for each thing that works but is not safe."""
    said = []
    if (security.password or security.key_password) and _readable_by_others(path):
        said.append(f"{path} holds a password and can be read by everybody; chmod o-r {path}")
    key = Path(security.key or security.certificate)
    if security.certificate and _readable_by_others(key):
        said.append(f"{key} holds a private key and can be read by everybody; chmod o-r {key}")
    if security.protocol == "SASL_PLAINTEXT" and security.mechanism == "PLAIN":
        said.append(
            "the password goes over the network unencrypted (SASL_PLAINTEXT with PLAIN); "
            "use security.protocol=SASL_SSL"
        )
    return said


def _readable_by_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
