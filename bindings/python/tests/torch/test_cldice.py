"""Soft clDice: beside max pools that torch differentiates, derivatives, tracers, memory."""

from __future__ import annotations

import dice_loss
import numpy as np
import pytest
import torch
from dice_loss.torch import ClDiceLoss, SegmentationLoss, functional
from dice_loss.torch import _direct as functions
from torch.nn.functional import max_pool1d, max_pool2d, max_pool3d, relu

SHAPES = [(2, 3, 40), (2, 3, 9, 11), (2, 3, 4, 5, 6), (1, 3, 1, 7), (1, 3, 5, 1), (2, 3, 2, 1, 6)]
POOLS = {3: max_pool1d, 4: max_pool2d, 5: max_pool3d}


def tensor(shape, seed, levels=None, dtype=torch.float64):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (x if levels is None else (levels * x).round() / levels).to(dtype)


def eroded(x):
    axes = x.dim() - 2
    least = None
    for axis in range(axes):
        window = [3 if each == axis else 1 for each in range(axes)]
        padding = [size // 2 for size in window]
        of_axis = -POOLS[x.dim()](-x, window, 1, padding)
        least = of_axis if least is None else torch.minimum(least, of_axis)
    return least


def skeleton(x, iterations):
    """As the paper's code has it, of any number of axes."""
    found = None
    for _ in range(iterations + 1):
        smaller = eroded(x)
        delta = relu(x - POOLS[x.dim()](smaller, 3, 1, 1))
        found = delta if found is None else found + relu(delta - found * delta)
        x = smaller
    return found


def by_torch(p, g, iterations=3, s=1.0, epsilon=0.0, alpha=1.0, axes=None):
    """The loss of each class of each sample, (N, C), or over these axes."""
    axes = axes or tuple(range(2, p.dim()))
    of_p, of_g = skeleton(p, iterations), skeleton(g, iterations)
    precision = ((of_p * g).sum(axes) + s) / (of_p.sum(axes) + s)
    sensitivity = ((p * of_g).sum(axes) + s) / (of_g.sum(axes) + s)
    lines = 1 - 2 * precision * sensitivity / (precision + sensitivity + epsilon)
    dice = 1 - (2 * (p * g).sum(axes) + s) / ((p + g).sum(axes) + s)
    return (1 - alpha) * dice + alpha * lines


def value_and_gradient(loss, x, *rest, upstream=None, **masks):
    x = x.detach().clone().requires_grad_()
    value = loss(x, *rest, **masks)
    (gradient,) = torch.autograd.grad(value, x, upstream)
    return value.detach(), gradient


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("levels", [None, 3, 8])
@pytest.mark.parametrize("iterations", [0, 1, 3, 8])
def test_agrees_with_max_pools(shape, levels, iterations):
    """With the same voxel where numbers are the same."""
    p, g = tensor(shape, 0, levels), tensor(shape, 1, 1)
    g[:, 2] = tensor(shape, 2, 4)[:, 2]
    options = {"iterations": iterations, "smoothing": 0.5, "alpha": 0.75, "epsilon": 0.125}
    loss = ClDiceLoss(activation="probabilities", absent="formula", target_kind="dense", **options)

    def wanted(p, g):
        return by_torch(p, g, iterations, 0.5, 0.125, 0.75).mean()

    for found, exact in zip(
        value_and_gradient(loss, p, g), value_and_gradient(wanted, p, g), strict=True
    ):
        torch.testing.assert_close(found, exact, rtol=1e-12, atol=1e-14)
    # Of quarters and the like f32 has the same order.
    if levels == 8:
        narrow = value_and_gradient(loss, p.float(), g)
        slopes = value_and_gradient(wanted, p.float(), g.float())
        torch.testing.assert_close(narrow[0], slopes[0], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(narrow[1], slopes[1], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("shape", [(2, 3, 9, 11), (2, 3, 4, 5, 6)], ids=str)
def test_activations(activation, shape):
    x = 4.0 * tensor(shape, 0) - 2.0
    labels = (3 * tensor((shape[0], *shape[2:]), 1)).long().clamp(max=2)
    one_hot = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).double()
    probabilities = torch.sigmoid if activation == "sigmoid" else lambda x: x.softmax(1)
    for pool, axes in (("sample", None), ("batch", (0, *range(2, x.dim())))):
        found = value_and_gradient(ClDiceLoss(activation=activation, pool=pool), x, labels)
        exact = value_and_gradient(
            lambda x, axes=axes: by_torch(probabilities(x), one_hot, axes=axes).mean(), x
        )
        for one, other in zip(found, exact, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-14)
    found = value_and_gradient(ClDiceLoss(activation=activation, pool="all"), x, labels)
    axes = tuple(range(x.dim()))
    exact = value_and_gradient(lambda x: by_torch(probabilities(x), one_hot, axes=axes), x)
    for one, other in zip(found, exact, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-14)


OPTIONS = [
    {},
    {"pool": "batch", "reduction": "none", "absent": "formula"},
    {"pool": "all", "class_weights": [1.0, 2.0, 0.5, 0.0]},
    {"pool": "all", "background": False, "absent": "formula", "reduction": "none"},
    {"absent": "zero", "class_weights": [1.0, 2.0, 0.5, 3.0], "reduction": "sum"},
    {"background": False, "reduction": "none", "alpha": 0.0},
    {"classes": [1, 3], "ignore_index": 9, "absent": "formula", "alpha": 0.25},
    {"regions": [[0], [0, 1], [1, 2], [3]], "activation": "sigmoid"},
]


def batch_of(options, shape=(3, 4, 6, 5)):
    x = 4.0 * tensor(shape, 0) - 2.0
    labels = (3 * tensor((shape[0], *shape[2:]), 1)).long().clamp(max=2)
    if "ignore_index" in options:
        labels[tensor(labels.shape, 2) < 0.2] = options["ignore_index"]
    masks = {
        "mask": tensor(labels.shape, 3) < 0.9,
        "class_valid": torch.tensor([[1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 1, 0]], dtype=torch.bool),
    }
    x[~masks["mask"].unsqueeze(1).expand(shape)] = torch.nan
    return x, labels, masks


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_engine_and_torch_agree(options):
    loss = ClDiceLoss(**options)
    x, labels, masks = batch_of(options)
    with torch.no_grad():
        shape = loss(x, labels, **masks).shape
    upstream = torch.linspace(0.5, 2.0, max(1, shape.numel()), dtype=torch.float64).reshape(shape)
    found = value_and_gradient(loss, x, labels, upstream=upstream, **masks)

    def in_torch(logits, voxels, spec, settings):
        return functions._in_torch(logits, voxels, spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functions, "loss", in_torch)
        wanted = value_and_gradient(loss, x, labels, upstream=upstream, **masks)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-14)
    assert found[1][~masks["mask"].unsqueeze(1).expand(x.shape)].eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_narrow_logits(dtype):
    x, labels = (4.0 * tensor((2, 3, 9, 8), 0) - 2.0).to(dtype), tensor((2, 9, 8), 1, 2).mul(2)
    loss = ClDiceLoss(activation="sigmoid")
    value, gradient = value_and_gradient(loss, x, labels.long())
    wanted, slopes = value_and_gradient(loss, x.double(), labels.long())
    assert value.dtype is torch.float32 and gradient.dtype is dtype
    torch.testing.assert_close(value.double(), wanted, rtol=1e-5, atol=1e-6)
    error = (gradient.double() - slopes).abs().max() / slopes.abs().max()
    assert error < max(1e-4, 4 * torch.finfo(dtype).eps)


def test_derivatives():
    x, labels = 4.0 * tensor((2, 3, 4, 5), 0) - 2.0, tensor((2, 4, 5), 1, 2).mul(2).long()
    x.requires_grad_()
    for loss in (ClDiceLoss(iterations=1), ClDiceLoss(reduction="none", pool="batch", alpha=0.5)):
        assert torch.autograd.gradcheck(lambda x, loss=loss: loss(x, labels), x)
        assert torch.autograd.gradgradcheck(lambda x, loss=loss: loss(x, labels), x)


@pytest.mark.parametrize("pool", ["sample", "all"])
def test_compiled(pool):
    x, labels = tensor((2, 3, 9, 8), 0, dtype=torch.float32), tensor((2, 9, 8), 1, 2).mul(2).long()
    loss = ClDiceLoss(pool=pool, reduction="none")
    torch._dynamo.reset()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    upstream = torch.ones(loss(x, labels).shape)
    found = value_and_gradient(compiled, x, labels, upstream=upstream)
    torch.testing.assert_close(found, value_and_gradient(loss, x, labels, upstream=upstream))


def test_nothing_is_kept_but_the_gradient():
    x = tensor((2, 3, 9, 8), 0, dtype=torch.float32).requires_grad_()
    labels = tensor((2, 9, 8), 1, 2).mul(2).long()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        ClDiceLoss()(x, labels)
    assert {t.data_ptr() for t in kept} <= {x.data_ptr(), labels.data_ptr()}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_functions_are_the_modules(options):
    x, labels, masks = batch_of(options)
    wanted = ClDiceLoss(**options)(x, labels, **masks)
    found = functional.cldice_loss(x, labels, **masks, **options)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    arrays = {name: mask.numpy() for name, mask in masks.items()}
    value, _ = dice_loss.cldice(x.numpy(), labels.numpy(), **arrays, **options)
    np.testing.assert_array_equal(value, wanted.numpy())


def test_what_it_shows_and_refuses():
    assert repr(ClDiceLoss(iterations=5, pool="all")) == "ClDiceLoss(iterations=5, pool='all')"
    with pytest.raises(AttributeError, match="wanted ClDiceLoss"):
        ClDiceLoss().iterations = 4
    with pytest.raises(TypeError, match="looks at skeletons"):
        ClDiceLoss().moments(torch.ones(1))
    with pytest.raises(TypeError, match="ClDiceLoss: found process_group"):
        ClDiceLoss(process_group=object())
    with pytest.raises((TypeError, ValueError)):
        SegmentationLoss([(1.0, ClDiceLoss())])
    for options, message in (
        ({"iterations": -1}, "cldice: iterations: found -1"),
        ({"iterations": 1.5}, "iterations: found 1.5, wanted an integer"),
        ({"smoothing": -1.0}, "cldice: smoothing.numerator: found -1"),
        ({"alpha": 2.0}, "cldice: alpha: found 2.0, wanted 0 to 1"),
        ({"pool": "cell"}, "cldice: pool: found cell, wanted sample, batch or all"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            ClDiceLoss(**options)
    x, labels = torch.rand(1, 2, 2, 2, 2, 2), torch.ones(1, 2, 2, 2, 2).long()
    with pytest.raises(ValueError, match="spatial axes: found 4 or more, wanted one to three"):
        ClDiceLoss()(x, labels)


def test_an_image_without_voxels_costs_nothing():
    labels = torch.zeros(2, 0, 4, dtype=torch.int64)
    x = torch.zeros(2, 3, 0, 4)
    gradient, loss = torch.func.grad_and_value(lambda x: ClDiceLoss()(x, labels))(x)
    assert loss == ClDiceLoss()(x, labels) == 0.0
    assert gradient.shape == x.shape
