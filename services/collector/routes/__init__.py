"""The collector's HTTP routes: parse, call, shape the reply."""
