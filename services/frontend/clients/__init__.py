"""The other services, one module each: typed calls with timeouts. Every call raises a ServiceError when there is no
answer to show."""
