"""Few-shot accuracy: what is drawn, and what it comes to where that is known."""

import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.evaluation.few_shot import few_shot_accuracy
from iic_ptv.evaluation.linear_probe import fit_linear_probe


@pytest.fixture
def sets():
    """Five classes that overlap, labelled 0, 2, 4, 6, 8."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(5, 16, generator=generator)

    def videos(per_class):
        labels = torch.arange(5 * per_class) % 5
        return centres[labels] + 1.5 * torch.randn(len(labels), 16, generator=generator), 2 * labels

    return *videos(30), *videos(20)


def test_accuracy_grows_with_the_number_of_shots(sets):
    one, many = (few_shot_accuracy(*sets, shots=shots) for shots in (1, 20))
    assert one.shape == many.shape == (10,)
    assert 0.2 < one.mean() < many.mean() - 0.1
    assert many.std() < one.std()


def test_all_videos_make_it_a_linear_probe(sets):
    gallery, gallery_labels, query, query_labels = sets
    probe = fit_linear_probe(gallery, gallery_labels, 9, penalty=1.0)
    expected = (probe.logits(query).argmax(dim=1) == query_labels).float().mean()
    accuracy = few_shot_accuracy(*sets, shots=30, draws=2)
    assert accuracy.tolist() == pytest.approx([expected.item()] * 2, abs=0.02)


def test_draws_depend_on_the_seed_and_not_on_their_number(sets):
    accuracy = few_shot_accuracy(*sets, shots=1, draws=6, seed=3)
    assert torch.equal(accuracy[:2], few_shot_accuracy(*sets, shots=1, draws=2, seed=3))
    assert not torch.equal(accuracy, few_shot_accuracy(*sets, shots=1, draws=6, seed=4))
    assert len(accuracy.unique()) > 1


def test_only_n_videos_of_each_class_are_used():
    """Of every class one video is at its corner and nine are at the next: shown one, most draws mistake some class."""
    corners = torch.eye(3)
    gallery = torch.cat([corners[[label] + 9 * [(label + 1) % 3]] for label in range(3)])
    labels = torch.arange(3).repeat_interleave(10)
    accuracy = few_shot_accuracy(gallery, labels, corners, torch.arange(3), shots=1, draws=30)
    assert accuracy.median() == 0
    assert set(accuracy.mul(3).round().int().tolist()) > {0}


def test_classes_with_too_few_videos_are_named(sets):
    gallery, gallery_labels, query, query_labels = sets
    names = ["archery", "", "bowling", "", "diving", "", "fencing", "", "golf"]
    with pytest.raises(InputError, match="31-shot needs 31 videos of every class, but archery, bowling, diving"):
        few_shot_accuracy(*sets, shots=31, class_names=names)
    kept = gallery_labels != 6
    with pytest.raises(InputError, match=r"but fencing have fewer \(as few as 0\)"):
        few_shot_accuracy(gallery[kept], gallery_labels[kept], query, query_labels, shots=1, class_names=names)
    with pytest.raises(InputError, match=r"but 6 have fewer"):
        few_shot_accuracy(gallery[kept], gallery_labels[kept], query, query_labels, shots=1)


def test_unusable_options_are_refused(sets):
    with pytest.raises(InputError, match="shots=0"):
        few_shot_accuracy(*sets, shots=0)
    with pytest.raises(InputError, match="draws=0"):
        few_shot_accuracy(*sets, shots=1, draws=0)


def test_videos_without_a_class_are_refused(sets):
    gallery, gallery_labels, query, query_labels = sets
    with pytest.raises(InputError, match="query: 100 of 100 videos have no class"):
        few_shot_accuracy(gallery, gallery_labels, query, torch.full_like(query_labels, -1), shots=1)
