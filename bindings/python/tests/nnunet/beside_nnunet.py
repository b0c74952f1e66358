"""nnU-Net's losses beside this package's: the same arguments, value, gradient, errors."""

from __future__ import annotations

import itertools
import warnings

import pytest
import torch

with warnings.catch_warnings():
    # What nnU-Net's own imports are warned of is not tested here.
    warnings.simplefilter("ignore")
    pytest.importorskip("nnunetv2.training.loss.dice", reason="needs nnunetv2")
    from nnunetv2.training.loss import compound_losses, deep_supervision, dice, robust_ce_loss
    from nnunetv2.utilities.helpers import softmax_helper_dim1

__all__ = ["agree", "batch", "every", "near", "theirs", "value_and_gradient"]

SHAPES = [(2, 3, 7, 5), (1, 4, 3, 4, 5), (3, 2, 19, 3)]


class theirs:
    """By the names that this package has."""

    SoftDiceLoss = dice.SoftDiceLoss
    MemoryEfficientSoftDiceLoss = dice.MemoryEfficientSoftDiceLoss
    DC_and_CE_loss = compound_losses.DC_and_CE_loss
    DC_and_BCE_loss = compound_losses.DC_and_BCE_loss
    DC_and_topk_loss = compound_losses.DC_and_topk_loss
    RobustCrossEntropyLoss = robust_ce_loss.RobustCrossEntropyLoss
    TopKLoss = robust_ce_loss.TopKLoss
    DeepSupervisionWrapper = deep_supervision.DeepSupervisionWrapper
    softmax_helper_dim1 = staticmethod(softmax_helper_dim1)


def every(**options):
    """Every combination of options, each as keyword arguments."""
    for values in itertools.product(*options.values()):
        yield dict(zip(options, values, strict=True))


def batch(shape, seed, *, ignored=None):
    """Logits, and labels (N, 1, spatial…) of which some are ignored."""
    generator = torch.Generator().manual_seed(seed)
    samples, classes, *spatial = shape
    x = 3 * torch.randn(shape, generator=generator)
    labels = torch.randint(0, classes, (samples, 1, *spatial), generator=generator)
    if ignored is not None:
        labels[torch.rand(labels.shape, generator=generator) < 0.3] = ignored
    return x, labels


def value_and_gradient(loss, x, *rest, **more):
    """Of a loss, by its first argument."""
    x = x.clone().requires_grad_()
    value = loss(x, *rest, **more)
    value.backward()
    return value.detach(), x.grad


def agree(ours, other, *inputs, about="", **more):
    """Both compute the same value and gradient; nnU-Net sums in float32, whatever the input."""
    found, gradient = value_and_gradient(ours, *inputs, **more)
    wanted, wanted_gradient = value_and_gradient(other, *inputs, **more)
    assert found.shape == wanted.shape == ()
    assert gradient.dtype is wanted_gradient.dtype
    near(found, wanted, f"value {about}")
    near(gradient, wanted_gradient, f"gradient {about}")


def near(found, wanted, about=""):
    """Within 1e-5 relative to the largest, and NaN only where that is wanted."""
    scale = wanted.nan_to_num().abs().max().item()
    torch.testing.assert_close(
        found,
        wanted,
        rtol=0.0,
        atol=1e-5 * scale,
        equal_nan=True,
        check_dtype=False,
        msg=lambda message: f"{about}: {message}",
    )
