"""Weighted k-NN classification of frozen features: no training, two parameters.

As in Wu et al., "Unsupervised Feature Learning via Non-parametric Instance Discrimination", CVPR 2018
(arXiv:1805.01978), section 3.4: the k nearest labelled videos vote, each with weight ``exp(similarity / temperature)``.
"""

from __future__ import annotations

from torch import Tensor

from iic_ptv.errors import InputError
from iic_ptv.evaluation.checks import check_features, check_labels
from iic_ptv.evaluation.retrieval import nearest_neighbours


def knn_scores(
    query: Tensor, gallery: Tensor, gallery_labels: Tensor, num_classes: int, k: int = 20, temperature: float = 0.07
) -> Tensor:
    """Every class's share of the votes of a query's k nearest gallery vectors, by cosine similarity.

    The class of the largest share is the prediction. A class that none of the neighbours is of, or that the gallery
    lacks altogether, has score 0.

    Args:
        query: ``(Q, D)`` features.
        gallery: ``(G, D)`` features.
        gallery_labels: ``(G,)`` classes of the gallery.
        num_classes: C, classes are 0..C-1; not all of them need to be in the gallery.
        k: neighbours that vote; all of the gallery if it has fewer.
        temperature: the smaller, the more the nearest of them count.

    Returns:
        ``(Q, C)`` float32 scores in [0, 1]; rows sum to 1.

    Raises:
        InputError: as :func:`~iic_ptv.evaluation.nearest_neighbours`; labels are missing or not below
            ``num_classes``; or the temperature is not positive.

    Example:
        >>> gallery, labels = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([2, 0])
        >>> knn_scores(torch.tensor([[1.0, 0.1]]), gallery, labels, num_classes=3).argmax(dim=1).tolist()
        [2]
    """
    if temperature <= 0:
        raise InputError(f"temperature: must be above 0, got {temperature}.")
    check_features("gallery", gallery)
    check_labels("gallery", gallery, gallery_labels, num_classes)
    similarity, index = nearest_neighbours(query, gallery, k)
    # Softmax takes the largest out of the exponent, so that no temperature overflows, and makes the votes shares.
    votes = (similarity / temperature).softmax(dim=1)
    return votes.new_zeros(len(query), num_classes).scatter_add_(1, gallery_labels[index], votes)
