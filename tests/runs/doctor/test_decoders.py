"""Decoders are judged by the frames that they give out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from torch import Tensor

from iic_ptv.data.decoding import opening
from iic_ptv.data.decoding.pyav_reader import PyAVReader
from iic_ptv.errors import InputError
from iic_ptv.runs.doctor.decoders import ALWAYS_USED, PURPOSES, try_decoder
from iic_ptv.runs.doctor.finding import State


class NeighbourReader(PyAVReader):
    """Gives out the frame before the one that is asked for, as decoders do that seek by rounded times."""

    def frames(self, indices: Sequence[int], size: tuple[int, int] | None = None) -> Tensor:
        return super().frames([max(index - 1, 0) for index in indices], size)


def refuse(path: str) -> PyAVReader:
    raise InputError("decoder: its library is too old\nand more of that")


def test_every_decoder_is_tried() -> None:
    assert {*PURPOSES} == {*opening.DECODERS} - {"auto"}


@pytest.mark.parametrize("decoder", ALWAYS_USED)
def test_those_that_are_always_used_work(decoder: str) -> None:
    (finding,) = try_decoder(decoder)
    assert (finding.about, finding.state) == (decoder, State.FINE)


@pytest.mark.parametrize(
    ("reader", "told"),
    [
        (NeighbourReader, "it gives out other frames than asked for"),
        (refuse, "decoder: its library is too old"),
    ],
)
def test_one_that_is_wrong_is_told(reader, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(opening.DECODERS, "pyav", reader)
    (finding,) = try_decoder("pyav")
    assert (finding.state, finding.told) == (State.BROKEN, told)
