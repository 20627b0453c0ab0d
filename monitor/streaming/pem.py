"""The files of keys and certificates: what may be wrong with them, in sentences."""

import ssl
from pathlib import Path
from typing import Final

from monitor.streaming.security import Security

_WHAT: Final = {"CERTIFICATE": "a certificate", "PRIVATE KEY": "a private key"}


def check_pem(path: Path, holds: str) -> str:
    """Return what is wrong with a file that should hold a `CERTIFICATE` or a `PRIVATE KEY`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"cannot read {path}: {(error.strerror or str(error)).lower()}"
    if b"-----BEGIN " not in data:
        return (
            f"{path} is not in PEM format; convert it: for PKCS12, openssl pkcs12 -in FILE -out "
            "FILE.pem; for a Java store, keytool -importkeystore -deststoretype pkcs12 before that"
        )
    if f"{holds}-----".encode() not in data:
        return f"{path} holds no {_WHAT[holds].partition(' ')[2]}; name the file that does"
    return ""


def load_failure(error: OSError, security: Security) -> str:
    """Return why OpenSSL could not load what is there."""
    path = Path(security.key or security.certificate or security.ca)
    reason = getattr(error, "reason", None) or ""
    if reason == "KEY_VALUES_MISMATCH":
        return f"{path} is not the private key of {security.certificate}"
    if security.certificate and b"PRIVATE KEY-----" not in path.read_bytes():
        return f"{path} holds no private key; name the file that does in ssl.key.location"
    if security.certificate and b"ENCRYPTED" in path.read_bytes():
        if security.key_password:
            return f"ssl.key.password does not open {path}"
        return f"{path} is encrypted; give its password in ssl.key.password"
    if isinstance(error, ssl.SSLError):
        return f"{path} is damaged: OpenSSL cannot read it ({reason.lower() or 'no reason given'})"
    return f"cannot read {path}: {(error.strerror or str(error)).lower()}"
