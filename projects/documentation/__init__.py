"""The documentation site: pages, what is generated for them, recipes, and the notebook."""
