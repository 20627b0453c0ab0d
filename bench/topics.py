"""The names of the topics, alone: a competitor that needs one loads nothing else."""

PARTITIONS = 12
INPUTS = ("ticket-created", "agent-replied")
STOCK_INPUTS = ("bench-stock-created", "bench-stock-replied")
"""Stock Faust gets topics of its own: it is so slow that it reads a slice."""

TOLD = "bench-breaches"
"""Where stock Faust and what is written by hand send what they tell."""
