import torch

from iic_ptv.evaluation.features import VideoFeatures
from iic_ptv.evaluation.gallery import gallery_rows

CLASS_NAMES = ["bounce", "orbit", "spin"]


def features(vectors, labels, prefix):
    return VideoFeatures(vectors, torch.tensor(labels), [f"{prefix}{i}.mp4" for i in range(len(labels))])


def clip_of(video):
    """A clip that tells which video it is of."""
    return torch.full((3, 1, 1, 1), float(video))


def rows(**options):
    """Network "good" puts classes in orthogonal directions, "bad" puts class c where c + 1 belongs."""
    directions = torch.eye(3)
    query_labels, gallery_labels = [2, 1, 1, 0], [0, 1, 2]
    queries = {
        "good": features(directions[query_labels], query_labels, "q"),
        "bad": features(directions[[0, 2, 2, 1]], query_labels, "q"),
    }
    gallery = features(directions, gallery_labels, "g")
    return gallery_rows(queries, {"good": gallery, "bad": gallery}, clip_of, clip_of, CLASS_NAMES, **options)


def test_shows_the_first_query_of_every_class():
    made = rows()
    assert [row.query.video_name for row in made] == ["q3.mp4", "q1.mp4", "q0.mp4"]
    assert [row.query.class_name for row in made] == CLASS_NAMES
    assert [float(row.query.clip[0]) for row in made] == [3, 1, 0]
    assert all(row.query.correct is None and row.query.similarity is None for row in made)


def test_fewer_queries_are_spread_over_the_classes():
    assert [row.query.class_name for row in rows(num_queries=2)] == ["bounce", "spin"]


def test_every_network_answers():
    for label, row in enumerate(rows(num_neighbours=1)):
        (good,), (bad,) = row.neighbours["good"], row.neighbours["bad"]
        assert (good.video_name, good.class_name, good.correct) == (f"g{label}.mp4", CLASS_NAMES[label], True)
        wrong = (label + 1) % 3
        assert (bad.video_name, bad.class_name, bad.correct) == (f"g{wrong}.mp4", CLASS_NAMES[wrong], False)
        assert good.similarity == bad.similarity == 1
        assert float(bad.clip[0, 0, 0, 0]) == wrong


def test_neighbours_come_nearest_first():
    similarities = [strip.similarity for strip in rows(num_neighbours=3)[0].neighbours["good"]]
    assert similarities == [1, 0, 0]
