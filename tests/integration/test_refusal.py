"""A broker that will have nothing to do with us any more is not waited for in silence."""

import asyncio
import ssl

import trustme

from monitor.streaming import topics
from monitor.streaming.settings import Settings
from tests.support.program import Run, run_command


async def test_a_broker_that_comes_back_with_tls_is_told_by_a_monitor_that_runs(broker):
    settings = Settings(broker.bootstrap)
    async with topics.admin_client(settings) as admin:
        await topics.create(admin, topics.input_specs(settings, 1))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    host, _, port = broker.bootstrap.partition(":")
    async with Run(broker.bootstrap) as run:
        await run.until(lambda s: s.get("sla_caught_up") == 1)
        broker.kill()
        server = await asyncio.start_server(hang_up, host, int(port), ssl=context)
        said = f"WARNING the broker at {broker.bootstrap} speaks TLS only; set security.protocol="
        async with server, asyncio.timeout(40):
            while said not in "".join(run.log):
                await asyncio.sleep(0.1)
            await asyncio.sleep(6)
        assert "".join(run.log).count("speaks TLS only") == 1
        assert (await run.stop())[0] == 0


async def hang_up(reader, writer):
    del reader
    writer.close()


async def test_who_listens_but_is_no_broker_is_as_good_as_nobody():
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        code, _, err = await run_command(
            "tail", "--broker", f"127.0.0.1:{port}", "--connect-timeout", "0"
        )
    assert code == 3
    assert f"no Kafka broker answers at 127.0.0.1:{port}" in err
