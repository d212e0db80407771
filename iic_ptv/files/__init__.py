"""Files that are written whole, and files of tensors."""
