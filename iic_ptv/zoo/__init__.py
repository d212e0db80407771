"""The zoo: checkpoints, ours and those of others."""

from iic_ptv.zoo.weights import PublishedWeights, get_weights, list_weights

__all__ = ["PublishedWeights", "get_weights", "list_weights"]
