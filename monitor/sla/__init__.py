"""The rules of the promise: pure, with the time handed in (DESIGN 3)."""
