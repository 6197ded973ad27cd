"""Predictions a second: Pilothouse and its peers with one model, one payload and one load generator."""
