"""Tasks: Lightning modules that train, built from plain objects."""
