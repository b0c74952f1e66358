"""Losses within a mask and at several scales, around losses of either library and of torch."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from beside_monai import Batch, agree, inputs, ours, theirs

SHAPES = [(2, 3, 7, 6), (1, 4, 5, 6, 4), (2, 2, 9)]


def around(name, inner, **given):
    """Each library's wrapper, around its own loss."""

    def made(library):
        return lambda **options: getattr(library, name)(getattr(library, inner)(**given), **options)

    return tuple(SimpleNamespace(**{name: made(library)}) for library in (ours, theirs))


def masked(shape, kind, seed, of=1, dtype=torch.float32):
    batch = inputs(shape, kind, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    mask = torch.rand((shape[0], of, *shape[2:]), generator=generator) < 0.7
    return Batch(batch.input, (*batch.rest, mask.to(dtype)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("inner", "options", "kind"),
    [
        ("DiceLoss", {"sigmoid": True}, "one-hot"),
        ("DiceLoss", {"softmax": True, "to_onehot_y": True, "batch": True}, "labels"),
        ("TverskyLoss", {"softmax": True, "reduction": "none"}, "soft"),
        ("DiceCELoss", {"softmax": True, "to_onehot_y": True}, "labels"),
        ("FocalLoss", {}, "one-hot"),
    ],
)
@pytest.mark.parametrize("wide", [False, True])
def test_masked(shape, inner, options, kind, wide):
    batch = masked(shape, kind, 0)
    batch = batch.to(torch.float64) if wide else batch
    agree("MaskedLoss", {}, batch, around("MaskedLoss", inner, **options))


def test_a_class_is_made():
    options = {"loss": torch.nn.MSELoss, "reduction": "sum"}
    agree("MaskedLoss", options, masked((2, 3, 4, 5), "one-hot", 0))
    found = ours.MaskedLoss(ours.DiceLoss, True, False, True).loss
    assert isinstance(found, ours.DiceLoss) and found.sigmoid


@pytest.mark.parametrize("loss", [3, None])
def test_what_cannot_be_called(loss):
    agree("MaskedLoss", {"loss": loss}, masked((2, 3, 4, 5), "one-hot", 0))


@pytest.mark.parametrize(
    "change",
    [
        lambda mask: None,
        lambda mask: mask[:1],
        lambda mask: torch.cat([mask, mask]),
        lambda mask: mask.expand(2, 3, 4, 5),
        lambda mask: mask[..., :1],
        lambda mask: mask[..., :3],
        lambda mask: mask[0],
        lambda mask: mask.bool(),
        lambda mask: mask * 0.5,
    ],
)
def test_masks_that_may_not_fit(change):
    batch = masked((2, 3, 4, 5), "one-hot", 0)
    x, (target, mask) = batch.input, batch.rest
    agree("MaskedLoss", {"loss": torch.nn.MSELoss()}, Batch(x, (target, change(mask))))


def test_what_is_masked_out_may_be_nan():
    batch = masked((2, 3, 4, 5), "one-hot", 0)
    target, mask = batch.rest
    loss = ours.MaskedLoss(ours.DiceLoss(sigmoid=True))
    wanted = loss(batch.input, target, mask)
    x = torch.where(mask == 0, torch.nan, batch.input).requires_grad_()
    found = loss(x, target, mask)
    found.backward()
    assert found == wanted and x.grad[(mask == 0).expand_as(x)].eq(0).all()


def scaled(shape, kind, seed):
    """The target first."""
    batch = inputs(shape, kind, seed)
    return batch.input, batch.rest[0]


def turned(library, inner):
    """With the prediction first."""

    def made(**options):
        loss = library.MultiScaleLoss(inner, **options)
        return lambda x, target: loss(target, x)

    return SimpleNamespace(MultiScaleLoss=made)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scales", [None, [0], [1], [0, 1, 2.5], [0.3]])
@pytest.mark.parametrize("kernel", ["gaussian", "cauchy"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_multi_scale_of_a_loss_of_torch(shape, scales, kernel, reduction):
    x, target = scaled(shape, "soft", 0)
    inner = torch.nn.MSELoss(reduction="none")
    libraries = (turned(ours, inner), turned(theirs, inner))
    options = {"scales": scales, "kernel": kernel, "reduction": reduction}
    for dtype in (torch.float32, torch.float64):
        agree("MultiScaleLoss", options, Batch(x.to(dtype), (target.to(dtype),)), libraries)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scales", [[0], [1, 2], [0, 1.5]])
def test_multi_scale_of_dice(shape, scales):
    libraries = tuple(
        turned(library, library.DiceLoss(sigmoid=True, reduction="none"))
        for library in (ours, theirs)
    )
    x, target = scaled(shape, "one-hot", 1)
    agree("MultiScaleLoss", {"scales": scales}, Batch(x, (target,)), libraries)


@pytest.mark.parametrize(
    "options", [{"kernel": "box"}, {"reduction": "other"}, {"scales": [-1]}, {"scales": []}]
)
def test_options_that_do_not_fit(options):
    libraries = tuple(turned(library, torch.nn.MSELoss()) for library in (ours, theirs))
    x, target = scaled((2, 3, 4, 5), "soft", 0)
    agree("MultiScaleLoss", options, Batch(x, (target,)), libraries)


def test_a_target_of_integers_is_smoothed():
    x, target = scaled((2, 3, 4, 5), "one-hot", 0)
    loss = ours.MultiScaleLoss(ours.DiceLoss(sigmoid=True), [1, 2])
    wanted = loss(target, x)
    assert loss(target.long(), x) == wanted and loss(target.bool(), x) == wanted


def test_a_small_scale_of_this_package_says_what_is_wrong():
    loss = ours.MultiScaleLoss(ours.DiceLoss(sigmoid=True), [0.5])
    with pytest.raises(ValueError, match="wanted"):
        loss(torch.ones(1, 2, 9, 9), torch.zeros(1, 2, 9, 9))
