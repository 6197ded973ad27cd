"""The whole stack on one machine without Docker: `make run`, or `python -m stack`."""
