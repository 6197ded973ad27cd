"""What is watched: the alerts, the objectives, and the metrics that services expose. `python -m monitoring` generates
Prometheus' rules, Grafana's alerting and the tables of docs/monitoring.md from them."""
