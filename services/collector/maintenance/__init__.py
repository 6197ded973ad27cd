"""Background upkeep: partitions ahead of their day, retention, sizes."""
