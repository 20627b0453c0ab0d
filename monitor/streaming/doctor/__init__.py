"""Whether a Kafka, and this user's way to it, is fit for the monitor.

`asking`, `sampling` and `trial` ask the broker; `findings` are what it said, as plain values;
`judgement`, `shape` and `rights` say what to make of them.
"""
