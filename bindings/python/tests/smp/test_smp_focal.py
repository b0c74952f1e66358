"""FocalLoss beside SMP's."""

from __future__ import annotations

import pytest
import torch
from beside_smp import SHAPES, agree, batch, every, theirs, value_and_gradient
from dice_loss import smp
from dice_loss.torch import _route

MODES = (smp.BINARY_MODE, smp.MULTICLASS_MODE, smp.MULTILABEL_MODE)


def both(*args, **options):
    return smp.FocalLoss(*args, **options), theirs.FocalLoss(*args, **options)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchwise_mean"])
@pytest.mark.parametrize("mode", MODES)
def test_every_option(mode, reduction):
    cases = every(
        alpha=[None, 0.3],
        gamma=[2.0, 0.0],
        ignore_index=[None] if mode == "multilabel" else [None, 255],
        variant=[{}, {"normalized": True}, {"reduced_threshold": 0.4}],
    )
    for seed, options in enumerate(cases):
        options |= options.pop("variant")
        options |= {"from_logits": seed % 4 != 3, "reduction": reduction}
        shape = SHAPES[seed % len(SHAPES)]
        if mode != "binary" and seed % 2 and reduction in ("mean", "sum"):
            options["class_weights"] = [0.5 + k for k in range(shape[1])]
        inputs = batch(
            mode,
            shape,
            seed,
            dtype=[torch.float32, torch.float64][seed // 2 % 2],
            ignored=options["ignore_index"],
            probabilities=not options["from_logits"],
        )
        agree(*both(mode, **options), *inputs, about=f"{options} {shape}")


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_soft_targets(reduction):
    """Focal loss of a soft target is no sum of one of the positives and one of the negatives."""
    options = {"alpha": 0.3, "reduction": reduction}
    agree(*both("multilabel", **options), *batch("multilabel", SHAPES[0], 1, soft=True))
    inputs = batch("binary", SHAPES[0], 2, soft=True, ignored=-1)
    agree(*both("binary", ignore_index=-1, **options), *inputs)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.int32, torch.float32])
def test_types_of_hard_targets(dtype):
    for mode in ("binary", "multilabel"):
        x, target = batch(mode, SHAPES[0], 3)
        agree(*both(mode, alpha=0.3), x, target.to(dtype))
    if dtype is not torch.bool:
        x, target = batch("multiclass", SHAPES[0], 3, ignored=9)
        agree(*both("multiclass", ignore_index=9), x, target.to(dtype))


def test_positional_arguments():
    options = ["multiclass", 0.3, 1.0, 2, True, 1e-4, "sum", True, 0.6, [1.0, 2.0, 3.0]]
    agree(*both(*options), *batch("multiclass", SHAPES[0], 4, ignored=2))
    options[4] = False
    agree(*both(*options), *batch("multiclass", SHAPES[0], 4, probabilities=True))


@pytest.mark.parametrize("ignore_index", [None, -1, 3])
def test_labels_that_name_no_class(ignore_index):
    x, labels = batch("multiclass", SHAPES[0], 5)
    labels[0] += 1
    labels[1] -= 1
    agree(*both("multiclass", ignore_index=ignore_index), x, labels)
    agree(*both("multiclass", ignore_index=ignore_index, normalized=True), x, labels)


def test_a_single_class():
    x, _ = batch("binary", SHAPES[0], 6)
    labels = torch.randint(0, 3, (2, 7, 5))
    for ignore_index in (None, 1, 2):
        agree(*both("multiclass", ignore_index=ignore_index), x, labels)
        agree(*both("multiclass", ignore_index=ignore_index), x, 3 * labels - 3)


@pytest.mark.parametrize("mode", ["binary", "multiclass"])
def test_the_mean_of_no_voxels_is_nan(mode):
    x, target = batch(mode, SHAPES[0], 7)
    for loss in both(mode, ignore_index=9):
        assert loss(x, torch.full_like(target, 9)).isnan()


def test_errors():
    def fails(error, call):
        for library in (smp, theirs):
            with pytest.raises(error) as caught:
                call(library.FocalLoss)
            assert caught.type is error

    fails(AssertionError, lambda loss: loss("other"))
    fails(ValueError, lambda loss: loss("binary", class_weights=[1.0]))
    x, labels = batch("multiclass", SHAPES[0], 8)
    fails(ValueError, lambda loss: loss("multiclass")(x, labels.unsqueeze(1)))
    fails(ValueError, lambda loss: loss("multiclass")(x, labels[:, 1:]))
    fails(ValueError, lambda loss: loss("multilabel")(x, x[:, :, 1:].sigmoid()))
    fails(ValueError, lambda loss: loss("binary")(x, labels))
    fails(IndexError, lambda loss: loss("binary", ignore_index=9)(x, labels))
    fails(IndexError, lambda loss: loss("multilabel", ignore_index=9)(x, x.sigmoid()))
    fails(RuntimeError, lambda loss: loss("multiclass", class_weights=[1.0, 2.0])(x, labels))


@pytest.mark.parametrize("options", [{}, {"normalized": True}, {"reduced_threshold": 0.5}])
@pytest.mark.parametrize("mode", MODES)
def test_half_precision_does_not_overflow(mode, options):
    x, target = batch(mode, (2, 2, 200, 300), 9)
    for dtype in (torch.float16, torch.bfloat16):
        half = x.to(dtype).requires_grad_()
        loss = smp.FocalLoss(mode, reduction="sum", **options)(half, target)
        exact = half.detach().double().requires_grad_()
        wanted = theirs.FocalLoss(mode, reduction="sum", **options)(exact, target)
        assert loss.dtype is torch.float32
        torch.testing.assert_close(loss.double(), wanted, rtol=1e-5, atol=0.0)
        # So that the gradients are in the range of half precision.
        factor = 2.0**16 if "normalized" in options else 1.0
        (factor * loss).backward()
        (factor * wanted).backward()
        assert half.grad.dtype is dtype
        scale = exact.grad.abs().max().item()
        step = torch.finfo(dtype).eps
        torch.testing.assert_close(half.grad.double(), exact.grad, rtol=0.0, atol=step * scale)


@pytest.mark.parametrize("options", [{}, {"normalized": True}])
@pytest.mark.parametrize("mode", ["binary", "multiclass"])
def test_nothing_leaks_from_ignored_voxels(mode, options):
    x, target = batch(mode, SHAPES[0], 10, ignored=255)
    hidden = target == 255 if mode == "binary" else (target == 255).unsqueeze(1)
    loss = smp.FocalLoss(mode, ignore_index=255, **options)
    wanted, wanted_gradient = value_and_gradient(loss, x, target)
    found, gradient = value_and_gradient(loss, torch.where(hidden, torch.nan, x), target)
    assert found == wanted and torch.equal(gradient, wanted_gradient)
    assert gradient[hidden.expand_as(x)].eq(0).all()


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_slopes_where_the_prediction_is_perfect(reduction):
    x = torch.tensor([[[30.0, -300.0, 0.5]]], requires_grad=True)
    loss = smp.FocalLoss("binary", gamma=0.5, reduction=reduction)(x, torch.tensor([[1, 0, 1]]))
    loss.sum().backward()
    # −(1 − p)^γ (1 − p − γ p ln p) of z = x where it is there, −x where not, and of −∂ by −x.
    z = torch.tensor([30.0, 300.0, 0.5], dtype=torch.float64)
    p, rest, ln_p = z.sigmoid(), (-z).sigmoid(), torch.nn.functional.logsigmoid(z)
    wanted = -rest.sqrt() * (rest - 0.5 * p * ln_p) * torch.tensor([1.0, -1.0, 1.0])
    wanted = wanted / 3 if reduction == "mean" else wanted
    # Arguments of 30 are rounded, and exponential, logarithm and power.
    found = x.grad.double().flatten()
    # In plain torch 1 − p is rounded relative to 1, and so is its power 1.5.
    torch.testing.assert_close(found, wanted, rtol=64 * 2.0**-23, atol=2.0**-36)


@pytest.mark.parametrize("mode", ["binary", "multiclass"])
def test_other_devices(mode, monkeypatch):
    """There plain torch computes the sums."""
    monkeypatch.setattr(_route, "chosen", _route.Plain)
    for options in ({}, {"alpha": 0.3, "reduction": "sum"}):
        pair = both(mode, ignore_index=255, **options)
        agree(*pair, *batch(mode, SHAPES[1], 12, ignored=255))


def test_without_a_break_in_a_compiled_graph():
    loss = smp.FocalLoss("multiclass", ignore_index=255)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    agree(compiled, loss, *batch("multiclass", SHAPES[0], 11, ignored=255))
