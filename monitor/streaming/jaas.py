"""The value of `sasl.jaas.config`: Java's way to write a user and a password in one line."""

import re
from typing import Final

_LOGIN: Final = re.compile(r"\s*([\w.$]+)\s+(\w+)\s*(.*?)\s*;\s*", re.DOTALL)
_OPTION: Final = re.compile(r"""(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"';=]+)\s*""")
_MODULES: Final = {"PlainLoginModule": "PLAIN", "ScramLoginModule": "SCRAM"}
_FORM: Final = 'org.apache.kafka...LoginModule required username="NAME" password="PASSWORD";'


class JaasError(Exception):
    """The value cannot be used; the text says why, and holds none of it."""


def read_jaas(text: str, mechanism: str) -> tuple[str, str]:
    """Return user and password; raises `JaasError`."""
    login = _LOGIN.fullmatch(text)
    if login is None:
        raise JaasError(f"it must have the form {_FORM} (mind the semicolon at its end)")
    module = login[1].rpartition(".")[2]
    kind = _MODULES.get(module)
    if kind is None:
        raise JaasError(f"its login module must be one of {', '.join(_MODULES)}")
    if mechanism and not mechanism.startswith(kind):
        raise JaasError(f"{module} does not go with sasl.mechanism={mechanism}")
    given = _options(login[3])
    if not {"username", "password"} <= given.keys():
        raise JaasError(f"it must have the form {_FORM}")
    return given["username"], given["password"]


def _options(text: str) -> dict[str, str]:
    given, at = {}, 0
    while at < len(text):
        option = _OPTION.match(text, at)
        if option is None:
            raise JaasError(f"it must have the form {_FORM} (are all values in quotes?)")
        given[option[1]] = _unquoted(option[2])
        at = option.end()
    return given


def _unquoted(value: str) -> str:
    if value[0] not in "\"'":
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])
