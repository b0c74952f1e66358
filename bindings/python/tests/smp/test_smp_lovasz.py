"""LovaszLoss beside SMP's."""

from __future__ import annotations

import pytest
import torch
from beside_smp import SHAPES, batch, every, near, theirs, value_and_gradient
from dice_loss import smp

MODES = (smp.BINARY_MODE, smp.MULTICLASS_MODE, smp.MULTILABEL_MODE)


def agree(ours, other, x, target, about=""):
    """SMP's own rounding is that of float32: float64 it refuses. It subtracts Jaccard losses that
    follow each other, so increments are good to some roundings of 1."""
    (found, slopes), (wanted, other_slopes) = (
        value_and_gradient(loss, x.float(), target) for loss in (ours, other)
    )
    near(found, wanted, f"value {about}")
    torch.testing.assert_close(slopes, other_slopes, rtol=0, atol=4e-7)
    found, slopes = value_and_gradient(ours, x.double(), target)
    near(found.float(), wanted, f"value in float64 {about}")
    torch.testing.assert_close(slopes.float(), other_slopes, rtol=0, atol=4e-7)


@pytest.mark.parametrize("mode", MODES)
def test_every_option(mode):
    cases = every(
        per_image=[False, True],
        ignore_index=[None, 255, -1],
        from_logits=[True, False],
        # With one spatial axis SMP takes (N, C, V) for channels of a sigmoid.
        shape=SHAPES[: 2 if mode == "multiclass" else 3],
    )
    for seed, options in enumerate(cases):
        shape = options.pop("shape")
        inputs = batch(mode, shape, seed, ignored=options["ignore_index"])
        both = (losses.LovaszLoss(mode, **options) for losses in (smp, theirs))
        agree(*both, *inputs, about=f"{options} {shape}")


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32])
def test_masks_of_any_type(dtype):
    x, target = batch("binary", SHAPES[0], 3)
    wanted = theirs.LovaszLoss("binary")(x, target.float())
    near(smp.LovaszLoss("binary")(x, target.to(dtype)), wanted, "value")
    near(smp.LovaszLoss("binary")(x, target.to(dtype).squeeze(1)), wanted, "value")


def test_labels_with_a_channel():
    x, target = batch("multiclass", SHAPES[0], 4)
    both = (losses.LovaszLoss("multiclass", per_image=True) for losses in (smp, theirs))
    agree(*both, x, target.unsqueeze(1))


def test_nothing_to_rank_is_0():
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    for mode, target in (
        ("multiclass", torch.full((2, 4, 5), 255)),
        ("multilabel", torch.full((2, 3, 4, 5), 255)),
    ):
        for per_image in (False, True):
            loss = smp.LovaszLoss(mode, per_image, ignore_index=255)(x, target)
            (gradient,) = torch.autograd.grad(loss, x)
            assert loss.item() == 0 and gradient.eq(0).all()


def test_ignore_index_of_any_kind():
    x, target = batch("binary", SHAPES[0], 5)
    target = target.float()
    target[0, 0, :3] = 0.5
    agree(smp.LovaszLoss("binary", False, 0.5), theirs.LovaszLoss("binary", False, 0.5), x, target)


def test_errors():
    with pytest.raises(AssertionError, match="mode: found 'both'"):
        smp.LovaszLoss("both")
    with pytest.raises(ValueError, match="found 1 channel"):
        smp.LovaszLoss("multiclass")(torch.zeros(1, 1, 3), torch.zeros(1, 3, dtype=torch.long))
    with pytest.raises(RuntimeError, match=r"found label 0\.5"):
        smp.LovaszLoss("binary")(torch.zeros(1, 1, 3), torch.full((1, 1, 3), 0.5))
    with pytest.raises(RuntimeError, match="found label 7, wanted 0 to 1"):
        smp.LovaszLoss("multiclass")(torch.zeros(1, 2, 3), torch.full((1, 3), 7))
