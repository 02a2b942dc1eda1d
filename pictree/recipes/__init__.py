"""Recipes: TOML files and the frozen dataclasses they are read into."""
