"""The one source of what is watched: names of metrics, promises, alerts. `python -m monitoring` writes what is made of
them: Prometheus rules, Grafana's alerting, the tables of docs/monitoring.md."""
