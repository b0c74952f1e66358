"""DeepSupervisionWrapper beside nnU-Net's."""

from __future__ import annotations

import pytest
import torch
from beside_nnunet import batch, near, theirs
from dice_loss import nnunet as ours

DICE = {"batch_dice": True, "smooth": 1e-5, "do_bg": False, "ddp": False}


def outputs(sizes=(12, 6, 3)):
    found = [batch((2, 3, size, size), size) for size in sizes]
    return [x.requires_grad_() for x, _ in found], [labels for _, labels in found]


def both(weights):
    """Each library's wrapper around its own loss."""
    for library in (ours, theirs):
        yield library.DeepSupervisionWrapper(library.DC_and_CE_loss(DICE, {}), weights)


@pytest.mark.parametrize("weights", [[0.5, 0.3, 0.2], (1, 0, 2), torch.tensor([0.7, 0.3, 0.0])])
@pytest.mark.parametrize("kind", [list, tuple])
def test_the_weighted_sum(weights, kind):
    found = []
    for loss in both(weights):
        x, labels = outputs()
        value = loss(kind(x), kind(labels))
        value.backward()
        found.append((value, [y.grad for y in x], loss.weight_factors))
    (value, gradients, factors), (wanted, wanted_gradients, wanted_factors) = found
    near(value, wanted)
    for gradient, other in zip(gradients, wanted_gradients, strict=True):
        assert (gradient is None) == (other is None)
        if gradient is not None:
            near(gradient, other)
    assert factors == wanted_factors


def test_without_weights_each_counts_once():
    x, labels = outputs()
    loss = ours.DC_and_CE_loss(DICE, {})
    wanted = sum(loss(*pair) for pair in zip(x, labels, strict=True))
    near(ours.DeepSupervisionWrapper(loss)(x, labels), wanted)
    with pytest.raises(TypeError):
        theirs.DeepSupervisionWrapper(loss)


def test_what_does_not_fit():
    x, labels = outputs()
    for wrapper in (ours.DeepSupervisionWrapper, theirs.DeepSupervisionWrapper):
        loss = theirs.RobustCrossEntropyLoss()
        with pytest.raises(AssertionError):
            wrapper(loss, [0.0, 0.0])
        with pytest.raises(AssertionError):
            wrapper(loss, [1.0, 0.5, 0.5])(x[0], labels)
        with pytest.raises(IndexError):
            wrapper(loss, [1.0, 0.5])(x, labels)
        near(
            wrapper(loss, [1.0, 0.5, 0.5])(x, labels[:2]), wrapper(loss, [1.0, 0.5])(x[:2], labels)
        )
