"""The engine and the plain-torch reference compute the same numbers."""

from __future__ import annotations

import pytest
import torch
from batches import BATCHES, LOSSES, SINGLE, built, every_case, labels_of, logits_of
from dice_loss.torch import DiceLoss, FocalLoss, _route

#: Steps of 1 that the engine may lose, relative to the largest: halves of them are 112 for what a
#: voxel contributes and 68 for adding voxels up, as the engine's own tests derive them, and one for
#: each class. The reference loses less of these few voxels.
ROUNDINGS = (112 + 68 + 4) / 2


def lost(dtype):
    return ROUNDINGS * torch.finfo(dtype).eps


@pytest.fixture
def reference_only(monkeypatch):
    """Turns the engine off."""

    def off():
        monkeypatch.setattr(_route, "chosen", _route.Plain)

    return off


def value_and_gradient(loss, batch):
    x = batch.logits.clone().requires_grad_()
    value = loss(x, batch.target, **batch.masks)
    # Something that weighs every value differently.
    weights = torch.linspace(0.5, 2.0, value.numel(), dtype=value.dtype).reshape(value.shape)
    (value * weights).sum().backward()
    return value.detach(), x.grad


def size(x):
    """The largest."""
    return x.abs().max().item() if x.numel() else 0.0


def compare(found, wanted, relative, absolute=0.0):
    """Relative to the largest."""
    bound = relative * size(wanted) + absolute
    torch.testing.assert_close(found, wanted, rtol=0.0, atol=bound)


@pytest.mark.parametrize(("name", "activation", "kind"), every_case())
def test_every_loss_of_every_batch(name, activation, kind, reference_only):
    batch = BATCHES[kind](activation)
    loss = built(name, activation, batch)
    found = value_and_gradient(loss, batch)
    single = value_and_gradient(loss, batch.to(torch.float32))
    reference_only()
    wanted = value_and_gradient(loss, batch)
    assert wanted[0].isfinite() and wanted[1].isfinite().all()
    compare(found[0], wanted[0], lost(torch.float64))
    compare(found[1], wanted[1], lost(torch.float64))
    assert single[0].dtype == single[1].dtype == torch.float32
    compare(single[0].double(), wanted[0], lost(torch.float32))
    compare(single[1].double(), wanted[1], lost(torch.float32))


@pytest.mark.parametrize("kind", ["labels", "counted", "partial"])
@pytest.mark.parametrize(
    ("reduction", "name"),
    [*(("sum", name) for name in LOSSES), *(("none", name) for name in SINGLE)],
)
def test_other_reductions(name, reduction, kind, reference_only):
    activation = LOSSES[name][2][0]
    batch = BATCHES[kind](activation)
    loss = built(name, activation, batch, reduction=reduction)
    found = value_and_gradient(loss, batch)
    reference_only()
    wanted = value_and_gradient(loss, batch)
    assert found[0].shape == wanted[0].shape
    compare(found[0], wanted[0], lost(torch.float64))
    compare(found[1], wanted[1], lost(torch.float64))


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (2, 3)),
        ({"pool": "batch"}, (3,)),
        ({"pool": "all"}, ()),
    ],
)
def test_shapes_of_values(options, shape):
    batch = BATCHES["labels"]("softmax")
    value = DiceLoss(reduction="none", **options)(batch.logits, batch.target)
    assert value.shape == shape


@pytest.mark.parametrize(("activation", "channels"), [("softmax", 1), ("sigmoid", 3)])
def test_shapes_of_maps(activation, channels):
    batch = BATCHES["labels"](activation)
    loss = FocalLoss(activation=activation, reduction="none")
    assert loss(batch.logits, batch.target).shape == (2, channels, 4, 5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["dice", "cross-entropy", "focal", "dice + ce", "matthews"])
def test_halves_are_read_as_they_are(name, dtype, reference_only):
    """The same numbers as of the rounded logits in float32; the gradient is rounded once."""
    batch = BATCHES["labels"]("softmax").to(dtype)
    loss = built(name, "softmax", batch)
    value, gradient = value_and_gradient(loss, batch)
    assert value.dtype is torch.float32 and gradient.dtype is dtype
    reference_only()
    exact, exact_gradient = value_and_gradient(loss, batch.to(torch.float64))
    compare(value.double(), exact, lost(torch.float32))
    # Half a step of its own, and half of the least that float16 holds.
    own = lost(torch.float32) * size(exact_gradient) + 2.0**-25
    half = torch.finfo(dtype).eps / 2
    torch.testing.assert_close(gradient.double(), exact_gradient, rtol=half, atol=own * (1 + half))


@pytest.mark.parametrize("name", LOSSES)
def test_large_logits(name, reference_only):
    """±1e4, as an untrained network may give them."""
    activation = LOSSES[name][2][0]
    batch = BATCHES["labels"](activation).to(torch.float32)
    loss = built(name, activation, batch)
    _, usual = value_and_gradient(loss, batch)
    batch.logits *= 5e3
    found = value_and_gradient(loss, batch)
    assert found[0].isfinite() and found[1].isfinite().all()
    reference_only()
    wanted = value_and_gradient(loss, batch)
    compare(found[0], wanted[0], lost(torch.float32))
    # Where p is 1, q − Σ p q cancels; a gradient at usual logits is about as large as q.
    relative = lost(torch.float32)
    compare(found[1], wanted[1], relative, absolute=relative * size(usual))


def test_nan_in_a_voxel_that_counts_reaches_loss_and_gradient(reference_only):
    x, labels = logits_of("softmax"), labels_of()
    x[0, 0, 0, 0] = float("nan")
    for loss in (DiceLoss(), FocalLoss()):
        for _ in range(2):
            leaf = x.clone().requires_grad_()
            value = loss(leaf, labels)
            value.backward()
            assert value.isnan() and leaf.grad.isnan().any()
            reference_only()


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 3, 0), (2, 3), (1, 2, 3, 4, 5)])
def test_odd_shapes(shape, reference_only):
    x = torch.randn(shape, dtype=torch.float64)
    labels = torch.zeros((shape[0], *shape[2:]), dtype=torch.int64)
    batch = BATCHES["labels"]("softmax")
    batch.logits, batch.target = x, labels
    for name in ("dice", "cross-entropy", "dice + ce", "generalized dice"):
        loss = built(name, "softmax", batch)
        found = value_and_gradient(loss, batch)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_route, "chosen", _route.Plain)
            wanted = value_and_gradient(loss, batch)
        compare(found[0], wanted[0], lost(torch.float64))
        compare(found[1], wanted[1], lost(torch.float64))


def test_the_engine_is_used(monkeypatch):
    """The fast path is not lost unnoticed."""
    batch = BATCHES["counted"]("softmax")
    loss = built("dice + ce", "softmax", batch)
    monkeypatch.setattr(_route._plain, "moments", None)
    value_and_gradient(loss, batch)
