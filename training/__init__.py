"""Recipes that train, export and pack the example models. They need torch; serving the models does not."""
