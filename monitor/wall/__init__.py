"""The live page that a team looks at."""
