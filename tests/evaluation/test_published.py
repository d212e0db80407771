import pytest

from iic_ptv.evaluation.published import PAPER, reported_recognition, reported_retrieval
from iic_ptv.evaluation.retrieval import PAPER_KS
from iic_ptv.registry import BACKBONES


def test_figures_are_fractions_that_grow_with_k():
    for network in PAPER:
        assert network.backbone in BACKBONES
        for values in network.retrieval.values():
            assert list(values) == list(PAPER_KS)[: len(values)]
            assert list(values.values()) == sorted(values.values())
            assert 0 < values[1] < max(values.values()) + 1e-9 < 1
        assert all(0 < value < 1 for value in network.recognition.values())


def test_retrieval_of_the_paper_by_collection_and_backbone():
    assert reported_retrieval("ucf101")["IIC repeat + residual"] == dict(
        zip(PAPER_KS, (0.365, 0.541, 0.629, 0.724, 0.834), strict=True)
    )
    assert reported_retrieval("hmdb51", "c3d") == {
        "IIC repeat, 3 splits": {1: 0.099},
        "IIC shuffle, 3 splits": {1: 0.115},
    }


def test_recognition_of_the_paper():
    assert reported_recognition("hmdb51")["IIC shuffle + residual"] == 0.383
    assert len(reported_recognition("ucf101")) == 6


@pytest.mark.parametrize(("collection", "backbone"), [("kinetics", "r3d"), ("ucf101", "slow_r50"), ("hmdb51", "r3d")])
def test_where_the_paper_says_nothing_there_is_nothing(collection, backbone):
    assert reported_retrieval(collection, backbone) == {}
