"""What other services report and the page shows: drift and performance runs, alerts, leases."""
