"""Old days, written to an archive before they are dropped."""
