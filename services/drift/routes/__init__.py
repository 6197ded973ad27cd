"""The endpoints: parse, ask the domain, shape the reply."""
