"""Measures the monitor beside what one would pick instead: `python -m bench`, or `make bench`."""
