"""What is not reproduced: sums that overflow, and voxels that do not count but do."""

from __future__ import annotations

import pytest
import torch
from beside_monai import agree, inputs, ours, theirs
from dice_loss.torch import _route

HALVES = [
    ("DiceLoss", {"sigmoid": True}),
    ("DiceLoss", {"softmax": True, "squared_pred": True}),
    ("DiceLoss", {"softmax": True, "soft_label": True}),
    ("TverskyLoss", {"sigmoid": True}),
    ("GeneralizedDiceLoss", {"softmax": True}),
    ("MCCLoss", {"sigmoid": True}),
    ("DiceCELoss", {"softmax": True}),
    ("DiceFocalLoss", {"softmax": True}),
    ("GeneralizedDiceFocalLoss", {"softmax": True}),
    ("FocalLoss", {"use_softmax": True}),
]


@pytest.mark.parametrize(("name", "options"), HALVES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_does_not_overflow(name, options, dtype):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((1, 2, 512, 512), generator=generator).to(dtype).requires_grad_()
    target = torch.rand((1, 1, 512, 512), generator=generator) < 0.3
    target = torch.cat([~target, target], 1).to(dtype)
    loss = getattr(ours, name)(**options)
    value = loss(x, target)
    (gradient,) = torch.autograd.grad(value, x)
    # Of the same numbers in float64.
    y = x.detach().double().requires_grad_()
    wanted = loss(y, target.double())
    (wanted_gradient,) = torch.autograd.grad(wanted, y)
    assert value.dtype is torch.float32 and gradient.dtype is dtype
    torch.testing.assert_close(value.double(), wanted.double(), rtol=1e-5, atol=0.0)
    rounding = torch.finfo(dtype).eps
    # The least that float16 can hold.
    torch.testing.assert_close(gradient.double(), wanted_gradient, rtol=rounding, atol=6e-8)


IGNORING = [
    ("DiceLoss", {"softmax": True}),
    ("DiceLoss", {"softmax": True, "soft_label": True}),
    ("TverskyLoss", {"softmax": True}),
    ("FocalLoss", {}),
    ("FocalLoss", {"reduction": "none"}),
    ("FocalLoss", {"use_softmax": True}),
    ("FocalLoss", {"use_softmax": True, "include_background": False}),
]


@pytest.mark.parametrize(("name", "options"), IGNORING)
def test_what_is_ignored_has_no_effect(name, options):
    batch = inputs((2, 3, 4, 5), "labels", 0)
    (labels,) = batch.rest
    labels[0, 0, :2] = 255
    loss = getattr(ours, name)(**options, to_onehot_y=True, ignore_index=255)
    wanted = getattr(theirs, name)(**options, to_onehot_y=True, ignore_index=255)(
        batch.input, labels
    )
    x = batch.input.masked_fill(labels == 255, float("nan")).requires_grad_()
    value = loss(x, labels)
    torch.testing.assert_close(value, wanted, rtol=1e-5, atol=1e-7)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    clean = batch.input.detach().requires_grad_()
    (wanted_gradient,) = torch.autograd.grad(loss(clean, labels).sum(), clean)
    assert torch.equal(gradient, wanted_gradient)
    assert (gradient[(labels == 255).expand_as(x)] == 0).all()


@pytest.mark.parametrize("mask", [torch.bool, torch.float32])
@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_what_is_masked_out_has_no_effect(mask, fraction):
    batch = inputs((2, 3, 4, 5), "one-hot", 0)
    chosen = torch.rand(2, 1, 4, 5) > 0.4
    weight = chosen if mask is torch.bool else fraction * chosen.float()
    loss = ours.MaskedDiceLoss(softmax=True)
    x = batch.input.masked_fill(~chosen, float("nan")).requires_grad_()
    value = loss(x, *batch.rest, weight)
    wanted = theirs.MaskedDiceLoss(softmax=True)(batch.input, *batch.rest, weight)
    torch.testing.assert_close(value, wanted, rtol=1e-5, atol=0.0)
    (gradient,) = torch.autograd.grad(value, x)
    assert (gradient[(~chosen).expand_as(x)] == 0).all()


def test_nan_where_it_counts_propagates():
    batch = inputs((2, 3, 4, 5), "labels", 0)
    batch.input[0, 0, 0, 0] = float("nan")
    for library in (ours, theirs):
        loss = library.DiceCELoss(softmax=True, to_onehot_y=True)
        assert loss(batch.input, *batch.rest).isnan()


@pytest.mark.parametrize("name", ["TverskyLoss", "MCCLoss", "DiceLoss", "DiceCELoss"])
def test_bool_targets(name):
    batch = inputs((2, 3, 4, 5), "one-hot", 0)
    loss = getattr(ours, name)(softmax=True)
    assert loss(batch.input, batch.rest[0].bool()) == loss(batch.input, batch.rest[0])


def test_targets_out_of_range_are_refused():
    batch = inputs((2, 1, 4, 5), "one-hot", 0)
    with pytest.raises(ValueError, match="found target 2"):
        ours.DiceLoss(sigmoid=True)(batch.input, 2.0 * batch.rest[0])
    labels = inputs((2, 3, 4, 5), "labels", 0)
    with pytest.raises(RuntimeError, match=r"found label \d\.5"):
        ours.DiceLoss(softmax=True, to_onehot_y=True)(labels.input, labels.rest[0] + 0.5)


@pytest.mark.parametrize("name", ["DiceCELoss", "DiceFocalLoss", "GeneralizedDiceLoss"])
def test_compiles_without_breaks(name):
    batch = inputs((2, 3, 4, 5), "labels", 0)
    x = batch.input.requires_grad_()
    loss = getattr(ours, name)(softmax=True, to_onehot_y=True, include_background=False)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    found, wanted = compiled(x, *batch.rest), loss(x, *batch.rest)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=0.0)
    torch.testing.assert_close(
        torch.autograd.grad(found, x), torch.autograd.grad(wanted, x), rtol=1e-6, atol=1e-9
    )


ELSEWHERE = [
    ("DiceLoss", {"softmax": True, "ignore_index": 1}),
    ("MaskedDiceLoss", {"softmax": True}),
    ("GeneralizedDiceLoss", {"softmax": True}),
    ("TverskyLoss", {"sigmoid": True, "include_background": False}),
    ("MCCLoss", {"softmax": True}),
    ("DiceCELoss", {"softmax": True, "label_smoothing": 0.1}),
    ("DiceFocalLoss", {"softmax": True}),
    ("FocalLoss", {"use_softmax": True, "include_background": False, "ignore_index": 2}),
]


@pytest.mark.parametrize(("name", "options"), ELSEWHERE)
def test_other_devices_take_plain_torch(name, options, monkeypatch):
    batch = inputs((2, 3, 4, 5), "labels", 0)
    if name == "MaskedDiceLoss":
        batch.rest = (*batch.rest, torch.rand(2, 1, 4, 5) > 0.4)
    monkeypatch.setattr(_route, "chosen", _route.Plain)
    agree(name, {**options, "to_onehot_y": True}, batch)
