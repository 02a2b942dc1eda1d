"""The figures of a fit for other tools, while it runs; off unless asked for."""
