"""Memory banks and the inter-intra contrastive loss."""

from iic_ptv.losses.inter_intra_nce import ContrastOutput, InterIntraNCELoss
from iic_ptv.losses.memory_bank import MemoryBank
from iic_ptv.losses.sharded_bank import ShardedMemoryBank

__all__ = ["ContrastOutput", "InterIntraNCELoss", "MemoryBank", "ShardedMemoryBank"]
