"""The zoo: checkpoints, ours and those of others."""
