"""Search one's own videos by example, the moment included: index a folder, then ask with a clip."""

import argparse

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.collections import any_folder
from iic_ptv.models import r3d
from iic_ptv.search import (
    ClipEmbedder,
    ClipPlan,
    ExactEngine,
    Origin,
    Recipe,
    embed_query,
    read_index,
    search,
    update_index,
)
from iic_ptv.transforms import RGB, Residual, evaluation_transform
from iic_ptv.zoo import get_weights

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", help="videos to search in")
parser.add_argument("query", help="a video to search with")
parser.add_argument("--at", type=float, default=0.0, help="second at which the clip to search with begins")
parser.add_argument("--index", default="videos.index", help="is made, or brought up to date")
options = parser.parse_args()

weights = get_weights("r3d.iic_procedural")
network = r3d()
network.load_state_dict(weights.get_state_dict())
views = {"rgb": RGB(), "residual": Residual()}  # searched jointly
recipe = Recipe(
    ClipReader(16, size=(72, 96)),
    ClipPlan(every=2.0),
    ClipEmbedder(dict.fromkeys(views, network), views, evaluation_transform(crop=64, frame_size=(72, 96))),
    settings={"network": weights.name, "views": "rgb, residual"},  # an index of others is refused
)
update_index(options.index, any_folder(options.folder), recipe, Origin(options.folder))
index = read_index(options.index)
for hit in search(index, embed_query(options.query, recipe, at=options.at), ExactEngine(index.vectors), k=5):
    print(f"{hit.similarity:.3f}  {hit.path} at {hit.seconds:.1f} s")
