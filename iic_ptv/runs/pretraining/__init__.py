"""Pre-training: from a configuration to a run folder with checkpoints, logs and a report."""
