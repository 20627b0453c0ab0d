"""What the suites share: running the program, and readers that count for themselves."""
