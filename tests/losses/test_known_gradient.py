"""A gradient that is taken at once: right whatever happens to what the loss depends on, and to what follows it."""

import torch

from iic_ptv.losses.known_gradient import with_gradient


def test_the_gradient_is_that_of_before_the_change() -> None:
    other = torch.tensor([2.0, 3.0])
    features = torch.tensor([1.0, 1.0], requires_grad=True)
    loss, more = with_gradient(lambda given: ((given * other).sum(), other.clone()), features)
    other.zero_()
    (5 * loss).backward()  # as a scaler of gradients multiplies
    assert float(loss.detach()) == 5
    assert features.grad.tolist() == [10, 15]
    assert more.tolist() == [2, 3]


def test_no_gradient_where_none_is_asked_for() -> None:
    features = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        loss, _ = with_gradient(lambda given: (given.sum(), None), features)
    assert not loss.requires_grad
    assert not with_gradient(lambda given: (given.sum(), None), features.detach())[0].requires_grad


def test_of_several_inputs_those_that_ask_get_a_gradient() -> None:
    first, second, third = (torch.tensor([value], requires_grad=value != 3.0) for value in (2.0, 5.0, 3.0))
    loss, _ = with_gradient(lambda a, b, c: ((a * b * c).sum(), None), first, second, third)
    loss.backward()
    assert (float(first.grad), float(second.grad), third.grad) == (15, 6, None)
    loss, _ = with_gradient(lambda a, b, c: ((a * b * c).sum(), None), first.detach(), second, third)
    assert loss.requires_grad
