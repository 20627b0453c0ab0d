"""Who may look: a bearer token, a user with a password, or the cookie that a token was given for.

Browsers can put no header on an event stream or on a page that somebody opens, so a wall with a
token is opened once as `/?token=...`, and the cookie does the rest.
"""

import hmac
from http import HTTPStatus
from typing import Final

from aiohttp import BasicAuth, web
from aiohttp.typedefs import Handler

from monitor.wall.settings import Credentials, digest

OPEN: Final = frozenset({"/healthz", "/readyz"})
"""For probes, which have no secrets; they tell nothing of tickets."""

COOKIE: Final = "sla-wall"
COOKIE_SECONDS: Final = 365 * 86_400
"""A screen on a wall has nobody to log it in again; another token ends all its cookies."""

REALM: Final = "sla-monitor"


class Access:
    """Lets requests in or not. Comparisons take the same time whatever is sent."""

    def __init__(self, credentials: Credentials, *, is_secure: bool) -> None:
        self._credentials = credentials
        self._is_secure = is_secure
        token = credentials.token
        self._session = hmac.new(token, b"sla-wall/1", "sha256").hexdigest() if token else ""

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer those who may not look."""
        if not self._credentials or request.path in OPEN or self.admits(request):
            return await handler(request)
        if request.path == "/" and self._is_token(request.query.get("token", "")):
            return self._welcome()
        return self._refusal()

    def admits(self, request: web.Request) -> bool:
        """Tell whether a request proves that its sender may look."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        match scheme.lower():
            case "bearer":
                return self._is_token(value.strip())
            case "basic":
                return self._is_user(request.headers["Authorization"])
        shown = request.cookies.get(COOKIE, "")
        return bool(self._session) and hmac.compare_digest(digest(shown), digest(self._session))

    def _is_token(self, shown: str) -> bool:
        wanted = self._credentials.token
        return wanted is not None and hmac.compare_digest(digest(shown), wanted)

    def _is_user(self, header: str) -> bool:
        wanted = self._credentials.user
        try:
            shown = BasicAuth.decode(header, encoding="utf-8")
        except ValueError:
            return False
        name_and_password = digest(f"{shown.login}:{shown.password}")
        return wanted is not None and hmac.compare_digest(name_and_password, wanted)

    def _welcome(self) -> web.Response:
        """Give the cookie, and take the token out of the address bar."""
        response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "./"})
        response.set_cookie(
            COOKIE,
            self._session,
            max_age=COOKIE_SECONDS,
            path="/",
            httponly=True,
            samesite="Lax",  # links to the wall work, and there is nothing but GET
            secure=self._is_secure,
        )
        return response

    def _refusal(self) -> web.Response:
        ways = []
        response = web.Response(status=HTTPStatus.UNAUTHORIZED)
        if self._credentials.user:
            ways.append("a user and a password")
            challenge = f'Basic realm="{REALM}", charset="UTF-8"'
            response.headers.add("WWW-Authenticate", challenge)
        if self._credentials.token:
            ways.append("a token: in a browser open /?token=TOKEN, else send it as a bearer token")
            response.headers.add("WWW-Authenticate", f'Bearer realm="{REALM}"')
        response.text = f"To look at this you need {', or '.join(ways)}."
        return response
