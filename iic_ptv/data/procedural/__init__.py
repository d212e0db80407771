"""Procedural videos whose class is the motion and nothing else."""

from iic_ptv.data.procedural.files import write_videos
from iic_ptv.data.procedural.motions import MOTIONS
from iic_ptv.data.procedural.render import render_clips, render_videos

__all__ = ["MOTIONS", "render_clips", "render_videos", "write_videos"]
