"""Faust and Kafka: records in, one transaction a flush out."""
