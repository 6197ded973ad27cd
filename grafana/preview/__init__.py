"""Pictures of the dashboards without Grafana: each panel's own queries asked of a real Prometheus, drawn where the
dashboard has them. For people who change a dashboard: `make dashboards-preview`."""
