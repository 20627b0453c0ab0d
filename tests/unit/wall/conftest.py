"""The wall is served on uvloop, whose transports are of no class that asyncio knows."""

import uvloop


def pytest_asyncio_loop_factories(config, item):
    return {"uvloop": uvloop.new_event_loop}
