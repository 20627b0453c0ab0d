"""On Apache Kafka all must hold that holds on the embedded broker: the same tests once more."""

from tests.integration.test_live_path import (  # noqa: F401 - collected here a second time
    test_a_clean_restart_in_the_middle_of_a_history_changes_nothing,
    test_a_history_replayed_into_kafka_ends_as_its_backtest,
    test_a_shuffled_history_ends_in_the_same_truth,
)
