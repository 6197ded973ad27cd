"""`make demo`: real data through the running stack, first as it was trained on, then drifting."""
