"""Procedural videos: simple ones whose class is the motion and nothing else, and rich ones to learn from."""

from iic_ptv.data.procedural.actions import ACTIONS
from iic_ptv.data.procedural.files import write_videos
from iic_ptv.data.procedural.motions import MOTIONS
from iic_ptv.data.procedural.render import render_clips, render_videos
from iic_ptv.data.procedural.scenes import render_scenes, scene_actions

__all__ = ["ACTIONS", "MOTIONS", "render_clips", "render_scenes", "render_videos", "scene_actions", "write_videos"]
