"""On Apache Kafka the other clocks must tell what they tell on the embedded broker."""

from tests.integration.test_clocks import (  # noqa: F401 - collected here a second time
    files,
    test_a_history_of_talks_ends_as_its_backtest_also_after_a_restart,
)
