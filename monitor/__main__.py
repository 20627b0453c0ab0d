"""Lets `python -m monitor` be the command too."""

from monitor.cli import main

main()
