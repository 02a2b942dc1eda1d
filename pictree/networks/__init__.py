"""The autoencoder: layers, assembly, summary, forward passes."""
