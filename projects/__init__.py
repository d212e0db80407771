"""Studies with this package: one folder each."""
