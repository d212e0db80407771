"""Where collections come from: folders, lists, and the official lists of the usual data sets.

Every function here ends in a :class:`~iic_ptv.data.index.VideoIndex` that is sorted by path: a video keeps its row
whatever the file system or the order of a list. Videos are files or folders of pictures, one per frame.

Example:
    >>> from iic_ptv.data.collections import ucf101
    >>> train = ucf101("/data/UCF-101", split=1, subset="train")  # doctest: +SKIP
"""

from iic_ptv.data.collections.csv_file import csv_file
from iic_ptv.data.collections.folders import any_folder, class_folders, flat_folder
from iic_ptv.data.collections.hmdb51 import hmdb51
from iic_ptv.data.collections.kinetics import kinetics
from iic_ptv.data.collections.something_something import something_something
from iic_ptv.data.collections.ucf101 import ucf101, ucf101_lists

__all__ = [
    "any_folder",
    "class_folders",
    "csv_file",
    "flat_folder",
    "hmdb51",
    "kinetics",
    "something_something",
    "ucf101",
    "ucf101_lists",
]
