"""Which parts of the method do what, measured on small networks."""
