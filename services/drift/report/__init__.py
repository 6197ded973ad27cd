"""The drift report, which Evidently makes in a process of its own."""
