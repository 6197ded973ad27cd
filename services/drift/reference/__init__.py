"""What a window is compared with: the reference of a model version, its profiles, scores and thresholds."""
