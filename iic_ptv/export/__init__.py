"""Networks as files that run without this package: TorchScript, ONNX and torch.export."""
