"""Scores of frozen features: retrieval and probes, from a configuration to a run folder."""
