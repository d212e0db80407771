"""Evaluation of learnt features: of whole videos, by retrieval and by probes; and the report of a run."""

from iic_ptv.evaluation.average_precision import mean_average_precision
from iic_ptv.evaluation.classification import classification_scores
from iic_ptv.evaluation.features import VideoFeatures, extract_features, extract_view_features, join
from iic_ptv.evaluation.few_shot import few_shot_accuracy
from iic_ptv.evaluation.knn import knn_scores
from iic_ptv.evaluation.linear_probe import fit_linear_probe
from iic_ptv.evaluation.per_class import per_class_retrieval
from iic_ptv.evaluation.retrieval import chance_level, nearest_neighbours, retrieval_accuracy, retrieval_hits

__all__ = [
    "VideoFeatures",
    "chance_level",
    "classification_scores",
    "extract_features",
    "extract_view_features",
    "few_shot_accuracy",
    "fit_linear_probe",
    "join",
    "knn_scores",
    "mean_average_precision",
    "nearest_neighbours",
    "per_class_retrieval",
    "retrieval_accuracy",
    "retrieval_hits",
]
