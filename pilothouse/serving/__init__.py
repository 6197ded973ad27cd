"""What every Pilothouse service shares: health, metrics, problems, traces, logs, keys, settings."""
