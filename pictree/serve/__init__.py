"""A run behind an address: where pictures belong, over HTTP."""
