"""The page's login, where its service has keys and callers without one may not read: a key, then a signed cookie."""
