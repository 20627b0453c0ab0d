"""The options of the web port: what is read from their files, and what is said of wrong ones."""

import click
import pytest
from click.testing import CliRunner

from monitor.cli.web_options import read_credentials, web_port
from monitor.errors import UsageError
from monitor.wall.settings import Credentials, Tls, WebSettings, digest

TOKEN = "0123456789abcdef"


@pytest.fixture
def file(tmp_path):
    def written(content):
        path = tmp_path / "secret"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def called(*args):
    """Return what a command is given."""
    given = []

    @click.command()
    @web_port("Port.", 6066)
    @click.option("--other")
    def command(web, other):
        given.append((web, other))

    result = CliRunner().invoke(command, [*map(str, args)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return given[0]


def test_without_options_it_listens_on_localhost_for_everyone():
    assert called() == (WebSettings("127.0.0.1", 6066), None)


def test_all_of_it_comes_as_one_value(file, tmp_path):
    path = file(f"{TOKEN}\n")
    user = tmp_path / "user"
    user.write_text("lead:pass:word\n")
    options = [
        *("--web-host", "0.0.0.0", "--web-port", 7000, "--other", "x"),
        *("--web-token-file", path, "--web-basic-auth-file", user),
        *("--web-tls-cert", "cert.pem", "--web-tls-key", "key.pem"),
    ]
    web, other = called(*options)
    assert (web.host, web.port, other) == ("0.0.0.0", 7000, "x")
    assert web.credentials == Credentials(digest(TOKEN), digest("lead:pass:word"))
    assert (str(web.tls.certificate), str(web.tls.key)) == ("cert.pem", "key.pem")
    assert isinstance(web.tls, Tls)


@pytest.mark.parametrize("content", ["", "\n", f"{TOKEN}\n{TOKEN}\n", "short\n", b"\xff" * 20])
def test_a_token_file_that_is_wrong_is_said_without_what_it_holds(file, content):
    path = file(content)
    with pytest.raises(UsageError) as caught:
        read_credentials(path, None)
    assert str(path) in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert "short" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "lead", "lead:", ":geheim", "a:geheim\nb:geheim\n"])
def test_a_user_file_that_is_wrong_is_said_without_what_it_holds(file, content):
    path = file(content)
    with pytest.raises(UsageError) as caught:
        read_credentials(None, path)
    assert str(path) in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_credentials(tmp_path / "none", None)


@pytest.mark.parametrize("option", ["--web-tls-cert", "--web-tls-key"])
def test_a_certificate_without_its_key_is_refused(option):
    with pytest.raises(UsageError, match="both --web-tls-cert and --web-tls-key"):
        called(option, "some.pem")
