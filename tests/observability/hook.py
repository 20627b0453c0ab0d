"""What Alertmanager sends, taken down with its time: the page as it arrives."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Notice:
    """One message to one receiver."""

    at: float
    kind: str
    """webhook, slack or pagerduty."""
    receiver: str
    body: dict[str, Any]
    token: str

    def tells(self, alert, status="firing", **labels):
        """Tell whether an alert in this state is in the message (a webhook's only)."""
        return any(
            each["status"] == status
            and {"alertname": alert, **labels}.items() <= each["labels"].items()
            for each in self.body.get("alerts", ())
        )


class Hook:
    """Listens on a free port as every receiver at once: `/kind/receiver`."""

    def __init__(self):
        self.notices = []
        self._news = asyncio.Condition()

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/{kind}/{receiver}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def _take(self, request):
        at = time.time()
        body = await request.json()
        token = request.headers.get("Authorization", "")
        notice = Notice(at, request.match_info["kind"], request.match_info["receiver"], body, token)
        async with self._news:
            self.notices.append(notice)
            self._news.notify_all()
        if notice.kind == "slack":
            return web.Response(text="ok")  # newer Alertmanagers look for it
        accepted = 202 if notice.kind == "pagerduty" else 200
        return web.json_response({"status": "success"}, status=accepted)

    def pages(self, alert, status="firing", **labels):
        """Return the webhooks that told of an alert, the first first."""
        return [each for each in self.notices if each.tells(alert, status, **labels)]

    async def page(self, alert, status="firing", *, timeout, **labels):
        """Wait for the first webhook that tells of an alert; return it."""
        await self.until(lambda: self.pages(alert, status, **labels), timeout)
        return self.pages(alert, status, **labels)[0]

    async def until(self, condition, timeout):
        """Wait until what has come fulfils a condition."""
        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(condition)
        except TimeoutError:
            came = "\n".join(map(shown, self.notices[-30:]))
            raise AssertionError(f"not within {timeout} s; what came last:\n{came}") from None


def shown(notice):
    """Return a line on a notice, for those who look for what went wrong."""
    alerts = [
        (each["status"], each["labels"]["alertname"], each["labels"].get("channel", ""))
        for each in notice.body.get("alerts", ())
    ]
    return f"{notice.at:.2f} {notice.kind} {notice.receiver} {alerts}"
