"""Rows to clusters; plain arrays, no torch."""
