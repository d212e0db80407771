"""Checking collections of videos, and preparing them for fast reading.

Example:
    >>> from iic_ptv.data.collections import any_folder
    >>> from iic_ptv.data.preparation.check import check_collection
    >>> from iic_ptv.data.preparation.prepare import prepare_collection
    >>> videos = any_folder("videos")  # doctest: +SKIP
    >>> check_collection(videos, "manifest.csv").bad(videos)  # doctest: +SKIP
    {17: 'the file is empty'}
    >>> prepare_collection(videos, "videos", "prepared")  # doctest: +SKIP
"""
