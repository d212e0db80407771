"""Evaluation of learnt features: features of whole videos, retrieval, and the report of a run."""

from iic_ptv.evaluation.features import VideoFeatures, extract_features, extract_view_features, join
from iic_ptv.evaluation.retrieval import chance_level, nearest_neighbours, retrieval_accuracy

__all__ = [
    "VideoFeatures",
    "chance_level",
    "extract_features",
    "extract_view_features",
    "join",
    "nearest_neighbours",
    "retrieval_accuracy",
]
