"""segmentation_models_pytorch beside this package: the same arguments, value, gradient, errors."""

from __future__ import annotations

import itertools
import warnings

import pytest
import torch

with warnings.catch_warnings():
    # What SMP's own imports are warned of is not tested here.
    warnings.simplefilter("ignore")
    pytest.importorskip("segmentation_models_pytorch", reason="needs segmentation-models-pytorch")
    from segmentation_models_pytorch import losses as theirs
    from segmentation_models_pytorch.losses import _functional as their_functions

__all__ = ["agree", "batch", "every", "their_functions", "theirs", "value_and_gradient"]

SHAPES = [(2, 3, 7, 5), (1, 4, 3, 4, 5), (3, 2, 19), (2, 5, 1, 1)]
#: Of values and gradients, relative to the largest: what SMP's own rounding leaves.
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-11}


def every(**options):
    """Every combination of options, each as keyword arguments."""
    for values in itertools.product(*options.values()):
        yield dict(zip(options, values, strict=True))


def batch(mode, shape, seed, *, dtype=torch.float32, soft=False, ignored=None, probabilities=False):
    """Predictions and a target; some elements hold the ignored label."""
    generator = torch.Generator().manual_seed(seed)
    samples, classes, *spatial = shape
    classes = 1 if mode == "binary" else classes
    x = 3 * torch.randn(samples, classes, *spatial, generator=generator, dtype=dtype)
    if probabilities:
        x = x.softmax(1) if mode == "multiclass" else x.sigmoid()
    if mode == "multiclass":
        target = torch.randint(0, classes, (samples, *spatial), generator=generator)
    elif soft:
        target = torch.rand(x.shape, generator=generator, dtype=dtype)
    else:
        target = torch.randint(0, 2, x.shape, generator=generator)
    if ignored is not None:
        target[torch.rand(target.shape, generator=generator) < 0.2] = ignored
    return x, target


def value_and_gradient(loss, x, *rest):
    """Of a loss, by its first argument; an unreduced one weighted unevenly."""
    x = x.clone().requires_grad_()
    value = loss(x, *rest)
    weights = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).reshape(value.shape)
    (value * weights).sum().backward()
    return value.detach(), x.grad


def agree(ours, other, *inputs, about=""):
    """Both compute the same value, of the same shape, and the same gradient."""
    found, gradient = value_and_gradient(ours, *inputs)
    wanted, wanted_gradient = value_and_gradient(other, *inputs)
    assert found.dtype is wanted.dtype and gradient.dtype is wanted_gradient.dtype
    near(found, wanted, f"value {about}")
    near(gradient, wanted_gradient, f"gradient {about}")


def near(found, wanted, about):
    """Relative to the largest, and NaN only where that is wanted."""
    scale = wanted.nan_to_num().abs().max().item()
    torch.testing.assert_close(
        found,
        wanted,
        rtol=0.0,
        atol=TOLERANCES[wanted.dtype] * scale + 1e-12,
        equal_nan=True,
        msg=lambda message: f"{about}: {message}",
    )
