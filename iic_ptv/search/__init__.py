"""Search in one's own videos: an index of their clips, and what finds the nearest in it."""

from iic_ptv.search.clip_index import ClipIndex, Origin, read_index
from iic_ptv.search.clip_plan import ClipPlan
from iic_ptv.search.embedding import ClipEmbedder, Query, Recipe, embed_query
from iic_ptv.search.engine import Engine, ExactEngine
from iic_ptv.search.faiss_engine import FaissEngine, faiss_flat, faiss_ivf
from iic_ptv.search.hits import Hit, search
from iic_ptv.search.nearest_videos import Match, nearest_videos
from iic_ptv.search.update import Update, update_index

__all__ = [
    "ClipEmbedder",
    "ClipIndex",
    "ClipPlan",
    "Engine",
    "ExactEngine",
    "FaissEngine",
    "Hit",
    "Match",
    "Origin",
    "Query",
    "Recipe",
    "Update",
    "embed_query",
    "faiss_flat",
    "faiss_ivf",
    "nearest_videos",
    "read_index",
    "search",
    "update_index",
]
