"""The commands of `pilothouse`, by subject. Each module has `register(app)`."""
