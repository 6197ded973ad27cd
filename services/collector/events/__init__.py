"""Events of models served elsewhere: requests and responses, as KServe's logger sends them, joined to records."""
