"""The spool: every answered prediction, on disk before the answer, until the collector has committed it."""
