"""The loss as one would write it on a blackboard: loops over samples and pairs, in float64."""

import math

import torch
from torch import Tensor


def unit(vector: Tensor) -> Tensor:
    return vector / vector.norm()


def reference_loss(
    views, banks, index, negative_index, temperature, normalize, objective, normalizers=None, current=()
):
    """Loss (float64, differentiable) of a batch and the normalisers Z that NCE used.

    Banks after those of the views are of intra-negatives; ``current`` are those of the batch, each for one more column.
    """
    num_videos = banks.shape[1]
    total, used = torch.zeros((), dtype=torch.float64), {}
    for a in range(len(views)):
        for b in range(len(views)):
            if a == b:
                continue
            rows_of_logits = []
            for i in range(len(index)):
                feature = unit(views[a][i]) if normalize else views[a][i]
                drawn = [int(index[i]), *negative_index[i].tolist()]
                candidates = [banks[b][row] for row in drawn]
                for intra_bank in banks[len(views) :]:
                    candidates += [intra_bank[row] for row in drawn]
                candidates += [unit(kind[i]) if normalize else kind[i] for kind in current]
                rows_of_logits.append(torch.stack([candidate @ feature for candidate in candidates]) / temperature)
            logits = torch.stack(rows_of_logits)
            if objective == "softmax":
                for row in logits:
                    total = total - (row[0] - torch.logsumexp(row, 0)) / len(index)
                continue
            z = (normalizers or {}).get((a, b)) or float(logits.detach().exp().mean()) * num_videos
            used[a, b] = z
            noise = (logits.shape[1] - 1) / num_videos  # M samples of probability 1 / N
            for row in logits:
                probability = row.exp() / z
                total = total - torch.log(probability[0] / (probability[0] + noise)) / len(index)
                total = total - torch.log(noise / (probability[1:] + noise)).sum() / len(index)
    return total, used


def reference_update(banks, features, index, momentum, normalize):
    """Banks after a batch; the last of equal indices counts."""
    updated = banks.clone()
    for bank in range(len(features)):
        for i, row in enumerate(index.tolist()):
            feature = unit(features[bank][i]) if normalize else features[bank][i]
            updated[bank][row] = unit(momentum * banks[bank][row] + (1 - momentum) * feature)
    return updated


def chance_level(num_candidates: int) -> float:
    """The softmax loss of one direction when all logits are equal."""
    return math.log(num_candidates)
