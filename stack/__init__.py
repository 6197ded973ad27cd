"""The whole stack on one machine without Docker: `python -m stack`, which is what `make run` calls."""
