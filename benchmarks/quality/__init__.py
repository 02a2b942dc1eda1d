"""How good the clusters are, beside rivals, over seeds."""
