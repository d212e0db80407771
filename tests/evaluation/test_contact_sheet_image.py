import numpy as np
import pytest
import torch

from iic_ptv.errors import InputError
from iic_ptv.evaluation.contact_sheet_image import FRAME_HEIGHT, GAP, LABEL_HEIGHT, contact_sheet_image


def grey(*levels):
    return torch.tensor(levels).view(1, -1, 1, 1).expand(3, -1, 24, 48)


def test_frames_stand_in_rows_under_their_labels():
    image = np.asarray(contact_sheet_image({"rgb": grey(0.0, 0.5), "residual": grey(0.25, 0.75)})) / 255
    row = LABEL_HEIGHT + FRAME_HEIGHT + GAP
    assert image.shape == (2 * row + GAP, 2 * 2 * FRAME_HEIGHT + 2 * GAP, 3)
    for number, levels in enumerate([(0.0, 0.5), (0.25, 0.75)]):
        middle = GAP + number * row + LABEL_HEIGHT + FRAME_HEIGHT // 2
        found = [image[middle, GAP + FRAME_HEIGHT].mean(), image[middle, GAP + 3 * FRAME_HEIGHT].mean()]
        np.testing.assert_allclose(found, levels, atol=0.01)
        label = image[GAP + number * row : GAP + number * row + LABEL_HEIGHT]
        assert label.min() < 0.5 < label.max()  # ink on paper


def test_a_long_label_widens_the_sheet():
    widths = [contact_sheet_image({label: grey(0.5)}).width for label in ("rgb", "rgb " * 100)]
    assert widths[1] > 3 * widths[0]


def test_what_is_no_clip_is_refused():
    with pytest.raises(InputError, match=r"\(3, T, H, W\)"):
        contact_sheet_image({"rgb": torch.zeros(2, 4, 8, 8)})
