"""The collector: the one writer and reader of the database."""
