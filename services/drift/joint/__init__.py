"""What moves together: drift that no single column shows, as one score for each model."""
