"""The options of the web port, handed to a command as one frozen value."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from monitor.errors import UsageError
from monitor.wall.settings import LEAST_TOKEN, Credentials, Tls, WebSettings, digest

DEFAULT_PORT: Final = 6066


def web_port(port_help: str, default: int = 0) -> Callable[[Any], Any]:
    """Return the options, which give a command the argument `web`.

    The files are read before the command runs; raises `UsageError`.
    """
    options = (
        click.option(
            "--web-port",
            type=click.IntRange(0, 65_535),
            default=default,
            show_default=default > 0,
            metavar="N",
            help=port_help,
        ),
        click.option(
            "--web-host",
            default="127.0.0.1",
            show_default=True,
            metavar="ADDRESS",
            help="Address to listen on; 0.0.0.0 lets other machines in.",
        ),
        _file("--web-token-file", "Ask for the token in this file: /?token=... or a bearer token."),
        _file("--web-basic-auth-file", "Ask for the user:password in this file."),
        _file("--web-tls-cert", "Speak TLS with this certificate chain (PEM)."),
        _file("--web-tls-key", "Its key (PEM)."),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def called(
            *,
            web_port: int,
            web_host: str,
            web_token_file: Path | None,
            web_basic_auth_file: Path | None,
            web_tls_cert: Path | None,
            web_tls_key: Path | None,
            **others: Any,
        ) -> Any:
            settings = WebSettings(
                host=web_host,
                port=web_port,
                credentials=read_credentials(web_token_file, web_basic_auth_file),
                tls=_tls(web_tls_cert, web_tls_key),
            )
            return command(web=settings, **others)

        for option in reversed(options):
            called = option(called)
        return called

    return decorate


def read_credentials(token_file: Path | None, user_file: Path | None) -> Credentials:
    """Read what the port asks for; raises `UsageError`, which never quotes a secret."""
    token = user = None
    if token_file is not None:
        token = _secret(token_file)
        if len(token) < LEAST_TOKEN:
            raise UsageError(
                f"the token in {token_file} has fewer than {LEAST_TOKEN} characters and could be "
                "guessed; make one: openssl rand -hex 32"
            )
    if user_file is not None:
        user = _secret(user_file)
        name, colon, password = user.partition(":")
        if not (name and colon and password):
            raise UsageError(f"{user_file} has to hold one line, user:password")
    return Credentials(
        token=digest(token) if token is not None else None,
        user=digest(user) if user is not None else None,
    )


def _secret(path: Path) -> str:
    """Return the one line of a file."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot read {path}: {reason}") from None
    if not text or len(text.splitlines()) > 1:
        raise UsageError(f"{path} has to hold one line, and nothing else")
    return text


def _tls(certificate: Path | None, key: Path | None) -> Tls | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UsageError("TLS needs both --web-tls-cert and --web-tls-key")
    return Tls(certificate, key)


def _file(name: str, text: str) -> Callable[[Any], Any]:
    path = click.Path(path_type=Path, dir_okay=False)
    return click.option(name, type=path, metavar="FILE", help=text)
