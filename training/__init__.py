"""Recipes that train, export and pack the example models. The only place that needs torch to run the defaults."""
