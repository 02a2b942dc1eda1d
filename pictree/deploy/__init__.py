"""A run's model for other runtimes: ONNX, torch.export, the preprocessing, a model card."""
