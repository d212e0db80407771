"""The sections of a report: plain data, one kind to a file.

The look of a section is the template and the style sheet of the same name in ``evaluation/templates``.
"""

from iic_ptv.evaluation.sections.confusion_matrix import ConfusionMatrix
from iic_ptv.evaluation.sections.contact_sheet import ContactSheet, SheetRow
from iic_ptv.evaluation.sections.curves import Curves
from iic_ptv.evaluation.sections.feature_map import FeatureMap
from iic_ptv.evaluation.sections.film_strip import FilmStrip
from iic_ptv.evaluation.sections.gallery import Gallery, GalleryRow
from iic_ptv.evaluation.sections.section import Section
from iic_ptv.evaluation.sections.similarity_matrix import SimilarityMatrix
from iic_ptv.evaluation.sections.table import Table
from iic_ptv.evaluation.sections.tiles import Tile, Tiles, top_k_tiles
from iic_ptv.evaluation.sections.top_k import TopK

__all__ = [
    "ConfusionMatrix",
    "ContactSheet",
    "Curves",
    "FeatureMap",
    "FilmStrip",
    "Gallery",
    "GalleryRow",
    "Section",
    "SheetRow",
    "SimilarityMatrix",
    "Table",
    "Tile",
    "Tiles",
    "TopK",
    "top_k_tiles",
]
