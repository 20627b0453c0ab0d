"""The embedded broker, for the demo and quick tests."""
