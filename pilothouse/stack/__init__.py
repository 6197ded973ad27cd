"""The whole stack on one machine without Docker: `python -m pilothouse.stack`, which is what `make run` calls."""
