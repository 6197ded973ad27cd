"""Events of external models: requests and responses, as KServe's logger sends them, joined to records."""
