"""What the web port is told, and what it says of itself."""

from pathlib import Path

import pytest

from monitor.wall.settings import Credentials, Tls, WebSettings, digest, is_loopback

TLS = Tls(Path("cert.pem"), Path("key.pem"))
TOKEN = Credentials(token=digest("secret"))
NOBODY = Credentials()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_what_only_this_machine_reaches_needs_no_warning(host):
    assert is_loopback(host)
    assert WebSettings(host=host).exposure() is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.7", "wall.example.com"])
@pytest.mark.parametrize(
    ("credentials", "tls", "words"),
    [
        (NOBODY, None, ("no password", "--web-token-file", "--web-tls-cert")),
        (NOBODY, TLS, ("no password", "--web-token-file")),
        (TOKEN, None, ("no TLS", "--web-tls-cert")),
    ],
)
def test_what_others_reach_is_said_in_one_line_with_the_way_out(host, credentials, tls, words):
    said = WebSettings(host=host, credentials=credentials, tls=tls).exposure()
    assert all(word in said for word in words)
    assert ("--web-tls-cert" in said) == (tls is None)
    assert "\n" not in said


def test_with_a_token_and_tls_nothing_is_to_be_said():
    assert WebSettings(host="0.0.0.0", credentials=TOKEN, tls=TLS).exposure() is None


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (WebSettings(), "http://127.0.0.1:80/"),
        (WebSettings(host="::1"), "http://[::1]:80/"),
        (WebSettings(host="localhost", tls=TLS), "https://localhost:80/"),
    ],
)
def test_the_address_can_be_typed(settings, address):
    assert settings.address(80) == address
