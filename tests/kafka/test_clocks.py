"""The same on Apache Kafka."""

from tests.integration.test_clocks import *  # noqa: F403 - its tests and fixtures
