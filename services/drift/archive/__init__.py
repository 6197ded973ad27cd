"""Windows that the database has dropped, read from the archive."""
