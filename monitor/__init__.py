"""Real-time first-response SLA monitor for support teams, on Faust and Apache Kafka."""

__version__ = "0.1.0"
