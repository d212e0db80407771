"""Inter-intra contrastive losses: with memory banks, within a batch, and with queues of keys."""

from iic_ptv.losses.contrast import ContrastOutput
from iic_ptv.losses.in_batch import InBatchLoss
from iic_ptv.losses.inter_intra_nce import InterIntraNCELoss
from iic_ptv.losses.memory_bank import MemoryBank
from iic_ptv.losses.queue import QueueLoss
from iic_ptv.losses.sharded_bank import ShardedMemoryBank

__all__ = ["ContrastOutput", "InBatchLoss", "InterIntraNCELoss", "MemoryBank", "QueueLoss", "ShardedMemoryBank"]
