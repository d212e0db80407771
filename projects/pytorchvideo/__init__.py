"""PyTorchVideo on current versions: what passes of its own tests, and how to run them."""
