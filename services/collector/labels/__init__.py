"""Ground truth: read, judged by the model of its record, kept with its history, or kept waiting for its record."""
