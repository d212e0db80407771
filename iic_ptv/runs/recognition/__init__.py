"""Recognition: fine-tuning and testing, from a configuration to a run folder."""
