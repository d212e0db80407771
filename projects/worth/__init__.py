"""What the features are worth: retrieval, probes and fine-tuning of untrained, CMC and IIC networks."""
