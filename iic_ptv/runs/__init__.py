"""Runs: what a command does, from a configuration to a folder of results."""
