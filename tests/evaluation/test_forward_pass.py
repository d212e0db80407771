"""How clips pass through networks: independent of each other, in any precision."""

import pytest
import torch
from torch import nn

from iic_ptv.errors import InputError
from iic_ptv.evaluation.forward_pass import CLIPS_PER_FORWARD, PRECISIONS, check_precision, embed_clips
from iic_ptv.registry import BACKBONES

QUICK, LONGER = "r3d", ("r2plus1d", "c3d", "x3d_xs")
CPU_PRECISIONS = [precision for precision in PRECISIONS if precision != "16-mixed"]


def small(name: str) -> nn.Module:
    torch.manual_seed(0)
    return BACKBONES.get(name)(**{} if name == "x3d_xs" else {"width": 0.125}).eval()


class Recorder(nn.Module):
    """What a network gets to see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        self.seen.append(clips)
        return clips.mean(dim=(2, 3, 4))


@pytest.mark.parametrize("precision", CPU_PRECISIONS)
@pytest.mark.parametrize("backbone", [QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in LONGER)])
def test_features_of_a_clip_are_the_same_to_the_bit_wherever_it_stands(backbone, precision) -> None:
    network = small(backbone)
    clips = torch.rand(CLIPS_PER_FORWARD + 3, 3, 8, 32, 32)
    together = embed_clips(network, nn.Identity(), clips, precision)
    backwards = embed_clips(network, nn.Identity(), clips.flip(0), precision).flip(0)
    alone = torch.cat([embed_clips(network, nn.Identity(), clip[None], precision) for clip in clips[:5]])
    assert torch.equal(together, backwards)
    assert torch.equal(together[:5], alone)
    assert together.dtype == torch.float32


@pytest.mark.parametrize("backbone", ["r3d", "r2plus1d", "c3d", "x3d_xs"])
@pytest.mark.parametrize("features", ["pooled", "map"])
def test_bfloat16_features_point_where_those_of_float32_do(backbone, features) -> None:
    """Bfloat16 has 8 significant bits; what rounding makes of a feature vector stays below two per cent of its norm."""
    network = small(backbone)
    network.features = features
    clips = torch.rand(4, 3, 8, 32, 32)
    full, mixed = (embed_clips(network, nn.Identity(), clips, precision) for precision in CPU_PRECISIONS)
    assert not torch.equal(full, mixed)
    assert mixed.dtype == torch.float32
    assert ((mixed - full).norm(dim=1) / full.norm(dim=1)).max() < 0.02
    assert torch.cosine_similarity(mixed, full).min() > 0.9998


@pytest.mark.parametrize("count", [1, CLIPS_PER_FORWARD, CLIPS_PER_FORWARD + 1])
def test_as_many_clips_pass_at_once_always_in_the_layout_of_the_precision(count) -> None:
    clips = torch.rand(count, 3, 4, 6, 6)
    for precision, layout in zip(CPU_PRECISIONS, (torch.contiguous_format, torch.channels_last_3d), strict=True):
        network = Recorder()
        features = embed_clips(network, nn.Identity(), clips, precision)
        torch.testing.assert_close(features, clips.mean(dim=(2, 3, 4)))
        assert [len(seen) for seen in network.seen] == [CLIPS_PER_FORWARD] * -(-count // CLIPS_PER_FORWARD)
        assert all(seen.is_contiguous(memory_format=layout) for seen in network.seen)


def test_full_precision_goes_on_with_an_autocast_that_is_there() -> None:
    network, clips = small("r3d"), torch.rand(2, 3, 8, 32, 32)
    mixed = embed_clips(network, nn.Identity(), clips, "bf16-mixed")
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(embed_clips(network, nn.Identity(), clips), mixed)


def test_the_network_keeps_its_weights_and_their_layout() -> None:
    network = small("r3d")
    before = {name: (value.clone(), value.stride()) for name, value in network.state_dict().items()}
    embed_clips(network, nn.Identity(), torch.rand(2, 3, 8, 32, 32), "bf16-mixed")
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name][0])
        assert value.stride() == before[name][1]


def test_precisions_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match=r"EVAL.PRECISION.*one of 32-true, bf16-mixed, 16-mixed; got 'fp16'"):
        embed_clips(nn.Identity(), nn.Identity(), torch.rand(1, 3, 4, 6, 6), "fp16")
    with pytest.raises(InputError, match="16-mixed needs a GPU"):
        check_precision("16-mixed", torch.device("cpu"))
    check_precision("16-mixed", torch.device("cuda"))
