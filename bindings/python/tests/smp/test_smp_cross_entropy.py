"""SoftBCEWithLogitsLoss and SoftCrossEntropyLoss beside SMP's."""

from __future__ import annotations

import pytest
import torch
from beside_smp import SHAPES, agree, batch, every, theirs, value_and_gradient
from dice_loss import smp
from dice_loss.torch import _route


def both(name, *args, **options):
    return getattr(smp, name)(*args, **options), getattr(theirs, name)(*args, **options)


def factors(shape):
    """Factors that are broadcast to the logits along one axis or another."""
    generator = torch.Generator().manual_seed(1)
    axes = [(1,), (shape[1], *(1,) * (len(shape) - 2)), (shape[-1],), shape]
    return [None, *(0.5 + torch.rand(size, generator=generator) for size in axes)]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_binary(reduction):
    cases = every(smooth_factor=[None, 0.0, 0.2], ignore_index=[-100, 255, None], which=range(5))
    for seed, options in enumerate(cases):
        shape, which = SHAPES[seed % len(SHAPES)], options.pop("which")
        options |= {"pos_weight": factors(shape)[which], "reduction": reduction}
        dtype = [torch.float32, torch.float64][seed // 2 % 2]
        ignored = options["ignore_index"]
        soft = seed % 2 == 0
        x, target = batch("multilabel", shape, seed, dtype=dtype, soft=soft, ignored=ignored)
        pair = both("SoftBCEWithLogitsLoss", **options)
        agree(*(loss.to(dtype) for loss in pair), x, target.to(dtype), about=f"{options} {shape}")


@pytest.mark.parametrize("which", range(1, 5))
def test_binary_with_weights(which):
    x, target = batch("multilabel", SHAPES[0], 1, soft=True, ignored=-100)
    weight = factors(SHAPES[0])[which]
    agree(*both("SoftBCEWithLogitsLoss", weight), x, target)
    agree(*both("SoftBCEWithLogitsLoss", weight, 7, "sum", 0.1, weight), x, target.clamp(min=0))


def test_binary_of_few_axes():
    x, target = torch.randn(6, 3), torch.randint(0, 2, (6, 3)).float()
    agree(*both("SoftBCEWithLogitsLoss", pos_weight=torch.tensor([1.0, 2.0, 3.0])), x, target)
    agree(*both("SoftBCEWithLogitsLoss"), x[0], target[0])


def test_binary_takes_integers_too():
    """Which SMP refuses without smoothing."""
    x, target = batch("multilabel", SHAPES[0], 2, ignored=255)
    loss = smp.SoftBCEWithLogitsLoss(ignore_index=255)
    assert loss(x, target) == loss(x, target.float())


def test_weights_are_saved():
    weight, positive = torch.rand(3, 1, 1), torch.rand(3, 1, 1)
    for loss in both("SoftBCEWithLogitsLoss", weight=weight, pos_weight=positive):
        assert list(loss.state_dict()) == ["weight", "pos_weight"]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_softmax(reduction):
    cases = every(smooth_factor=[0.0, 0.1, 1.0], ignore_index=[-100, 255, 1, None])
    for seed, options in enumerate(cases):
        shape = SHAPES[seed % len(SHAPES)]
        options["reduction"] = reduction
        x, labels = batch("multiclass", shape, seed, ignored=options["ignore_index"])
        agree(*both("SoftCrossEntropyLoss", **options), x, labels, about=f"{options} {shape}")
        pair = both("SoftCrossEntropyLoss", **options)
        agree(*pair, x.double(), labels, about=f"{options} {shape}")


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("ignore_index", [-100, None])
def test_the_axis_of_the_classes(reduction, ignore_index):
    x, labels = batch("multiclass", SHAPES[0], 3, ignored=ignore_index)
    agree(*both("SoftCrossEntropyLoss", reduction, 0.1, ignore_index), x, labels.unsqueeze(1))
    last = both("SoftCrossEntropyLoss", reduction, 0.1, ignore_index, -1)
    agree(*last, x.movedim(1, -1).contiguous(), labels)
    agree(*last, x.movedim(1, -1).contiguous(), labels.unsqueeze(-1))
    flat = x.movedim(1, -1).reshape(-1, 3)
    agree(*both("SoftCrossEntropyLoss", reduction, 0.1, ignore_index), flat, labels.flatten())


def test_a_single_class():
    x, _ = batch("binary", SHAPES[0], 4)
    labels = torch.zeros(2, 7, 5, dtype=torch.long)
    agree(*both("SoftCrossEntropyLoss", smooth_factor=0.1), x, labels)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_the_default_of_softmax_is_no_smoothing(reduction):
    """SMP's cannot be called."""
    x, labels = batch("multiclass", SHAPES[0], 5, ignored=-100)
    ours, other = both("SoftCrossEntropyLoss", reduction)
    with pytest.raises(TypeError):
        other(x, labels)
    agree(ours, theirs.SoftCrossEntropyLoss(reduction, 0.0), x, labels)


def test_errors():
    def fails(error, call):
        for library in (smp, theirs):
            with pytest.raises(error) as caught:
                call(library)
            assert caught.type is error

    x, labels = batch("multiclass", SHAPES[0], 6)
    for soft in ({"smooth_factor": 0.1}, {"smooth_factor": 0.1, "ignore_index": None}):
        fails(RuntimeError, lambda of, soft=soft: of.SoftCrossEntropyLoss(**soft)(x, labels + 1))
        fails(RuntimeError, lambda of, soft=soft: of.SoftCrossEntropyLoss(**soft)(x, labels - 1))
    fails(ValueError, lambda of: of.SoftBCEWithLogitsLoss()(x, labels.float()))
    fails(ValueError, lambda of: of.SoftBCEWithLogitsLoss()(x, labels.unsqueeze(1).float()))


@pytest.mark.parametrize("reduction", ["sum", "none"])
@pytest.mark.parametrize("name", ["SoftBCEWithLogitsLoss", "SoftCrossEntropyLoss"])
def test_half_precision_does_not_overflow(name, reduction):
    mode = "multilabel" if name == "SoftBCEWithLogitsLoss" else "multiclass"
    x, target = batch(mode, (2, 2, 200, 300), 7)
    ours, other = both(name, reduction=reduction, smooth_factor=0.1)
    for dtype in (torch.float16, torch.bfloat16):
        half = x.to(dtype)
        loss, gradient = value_and_gradient(ours, half, target)
        wanted, exact = value_and_gradient(
            other, half.double(), target.double() if mode == "multilabel" else target
        )
        assert loss.dtype is torch.float32 and gradient.dtype is dtype
        torch.testing.assert_close(loss.double(), wanted, rtol=1e-6, atol=1e-6)
        step = torch.finfo(dtype).eps
        atol = step * exact.abs().max().item()
        torch.testing.assert_close(gradient.double(), exact, rtol=0.0, atol=atol)


@pytest.mark.parametrize("name", ["SoftBCEWithLogitsLoss", "SoftCrossEntropyLoss"])
def test_other_devices(name, monkeypatch):
    """There plain torch computes the sums."""
    monkeypatch.setattr(_route, "chosen", _route.Plain)
    mode = "multilabel" if name == "SoftBCEWithLogitsLoss" else "multiclass"
    x, target = batch(mode, SHAPES[1], 9, ignored=255)
    target = target.float() if mode == "multilabel" else target
    agree(*both(name, ignore_index=255, smooth_factor=0.1), x, target)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("name", ["SoftBCEWithLogitsLoss", "SoftCrossEntropyLoss"])
def test_nothing_leaks_from_ignored_voxels(name, reduction):
    mode = "multilabel" if name == "SoftBCEWithLogitsLoss" else "multiclass"
    x, target = batch(mode, SHAPES[0], 8, ignored=255)
    hidden = target == 255 if mode == "multilabel" else (target == 255).unsqueeze(1)
    loss = getattr(smp, name)(ignore_index=255, reduction=reduction, smooth_factor=0.1)
    wanted, wanted_gradient = value_and_gradient(loss, x, target)
    found, gradient = value_and_gradient(loss, torch.where(hidden, torch.nan, x), target)
    assert torch.equal(found, wanted) and torch.equal(gradient, wanted_gradient)
    assert gradient[hidden.expand_as(x)].eq(0).all()
