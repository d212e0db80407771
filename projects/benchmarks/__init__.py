"""What the package costs, measured beside what one would use without it."""

import iic_ptv  # noqa: F401  (with it, PyTorchVideo's transforms can be imported)
