"""A network and its Observer as one graph of embedding and quality: ONNX, or a program of torch.export."""
