"""Who is let in to the web port: tokens, passwords, the cookie, and nobody else."""

import base64
import contextlib

import aiohttp
import pytest

from monitor.wall.settings import Credentials, Tls, WebSettings, digest
from tests.support import web

TOKEN = "0123456789abcdef-token"
USER = "lead:päss:word"
CLOSED = ["/", "/static/wall.js", "/events", "/snapshot.json", "/metrics", "/none"]


def snapshot():
    return {"state": "live", "channels": []}


async def metrics(_request):
    return aiohttp.web.Response(text="sla_tickets_open 1\n")


@contextlib.asynccontextmanager
async def serving(*, token=None, user=None, tls=None, **session):
    credentials = Credentials(token and digest(token), user and digest(user))
    settings = WebSettings(credentials=credentials, tls=tls)
    async with (
        web.serving(snapshot, settings, extra=[("/metrics", metrics)]) as at,
        aiohttp.ClientSession(at.url, **session) as client,
    ):
        yield client


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def basic(user):
    return {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()}


async def status(client, path, headers=None):
    async with client.get(path, headers=headers, allow_redirects=False) as response:
        return response.status


@pytest.mark.parametrize("path", CLOSED)
async def test_without_credentials_everything_but_the_probes_is_closed(path):
    async with serving(token=TOKEN, user=USER) as client, client.get(path) as response:
        assert response.status == 401
        challenges = response.headers.getall("WWW-Authenticate")
        assert challenges == [
            'Basic realm="sla-monitor", charset="UTF-8"',
            'Bearer realm="sla-monitor"',
        ]
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"
        assert "you need" in await response.text()


async def test_probes_need_no_credentials():
    async with serving(token=TOKEN) as client:
        assert await status(client, "/healthz") == 200
        assert await status(client, "/readyz") == 200


@pytest.mark.parametrize("path", ["/", "/static/wall.js", "/events", "/snapshot.json", "/metrics"])
async def test_a_token_and_a_password_open_everything(path):
    async with serving(token=TOKEN, user=USER) as client:
        assert await status(client, path, bearer(TOKEN)) == 200
        assert await status(client, path, basic(USER)) == 200


@pytest.mark.parametrize(
    "headers",
    [
        bearer(TOKEN[:-1]),
        bearer(TOKEN + "x"),
        bearer(""),
        bearer(USER),
        {"Authorization": TOKEN},
        {"Authorization": f"Token {TOKEN}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        basic("lead"),
        basic("lead:"),
        basic(":päss:word"),
        basic("lead:päss:wort"),
        basic(TOKEN),
        {"Authorization": "Bearer \u20ac"},
        {"Cookie": "sla-wall="},
        {"Cookie": f"sla-wall={TOKEN}"},
        {"Cookie": f"sla-wall={digest(TOKEN).hex()}"},
    ],
)
async def test_what_is_almost_right_opens_nothing(headers):
    async with serving(token=TOKEN, user=USER) as client:
        assert await status(client, "/metrics", headers) == 401


async def test_a_token_alone_is_no_password_and_a_password_alone_is_no_token():
    async with serving(token=TOKEN) as client:
        assert await status(client, "/metrics", basic(USER)) == 401
        assert await status(client, "/metrics", {"Cookie": "sla-wall="}) == 401
    async with serving(user=USER) as client:
        assert await status(client, "/metrics", bearer(TOKEN)) == 401
        assert await status(client, f"/?token={TOKEN}") == 401
        assert await status(client, "/metrics", {"Cookie": "sla-wall="}) == 401


async def test_a_browser_logs_in_with_the_token_once_and_loses_it_from_its_address_bar():
    jar = aiohttp.CookieJar(unsafe=True)
    async with serving(token=TOKEN, cookie_jar=jar) as client:
        async with client.get(f"/?token={TOKEN}", allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "./")
            cookie = response.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie
        assert TOKEN not in cookie
        for path in ("/", "/events", "/snapshot.json", "/metrics"):
            assert await status(client, path) == 200


async def test_a_wrong_token_logs_nobody_in():
    async with serving(token=TOKEN) as client:
        for shown in ("", "wrong", "%ff", TOKEN.upper()):
            async with client.get(f"/?token={shown}", allow_redirects=False) as response:
                assert response.status == 401
                assert "Set-Cookie" not in response.headers
        assert await status(client, f"/metrics?token={TOKEN}") == 401


async def test_another_token_ends_the_sessions_of_the_first():
    jar = aiohttp.CookieJar(unsafe=True)
    async with serving(token=TOKEN, cookie_jar=jar) as client:
        await status(client, f"/?token={TOKEN}")
        assert await status(client, "/") == 200
    kept = {"Cookie": "; ".join(f"{each.key}={each.value}" for each in jar)}
    async with serving(token=TOKEN) as client:
        assert await status(client, "/", kept) == 200  # a restart ends nothing
    async with serving(token=TOKEN + "2") as client:
        assert await status(client, "/", kept) == 401


async def test_with_tls_the_cookie_is_for_tls_only_and_browsers_are_told_to_stay_with_it(tmp_path):
    certificate, key = web.certificate(tmp_path)
    connector = aiohttp.TCPConnector(ssl=False)
    tls = Tls(certificate, key)
    async with serving(token=TOKEN, tls=tls, connector=connector) as client:
        async with client.get(f"/?token={TOKEN}", allow_redirects=False) as response:
            assert "Secure" in response.headers["Set-Cookie"]
            assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert await status(client, "/", bearer(TOKEN)) == 200


async def test_credentials_show_nothing_when_they_are_printed():
    settings = WebSettings(credentials=Credentials(digest(TOKEN), digest(USER)))
    assert "digest" not in repr(settings)
    assert digest(TOKEN).hex() not in repr(settings)
    assert repr(digest(TOKEN)) not in repr(settings)
