"""SoftDiceLoss and MemoryEfficientSoftDiceLoss beside nnU-Net's."""

from __future__ import annotations

import pytest
import torch
from beside_nnunet import SHAPES, agree, batch, every, near, theirs, value_and_gradient
from dice_loss import nnunet

NAMES = ("SoftDiceLoss", "MemoryEfficientSoftDiceLoss")
NONLINEARITIES = {
    "sigmoid": torch.sigmoid,
    "nn.Sigmoid": torch.nn.Sigmoid(),
    "softmax": nnunet.softmax_helper_dim1,
    "nnU-Net's softmax": theirs.softmax_helper_dim1,
    "nn.Softmax": torch.nn.Softmax(1),
    "softmax over an image axis": torch.nn.Softmax(2),
    "another function": lambda x: x.sigmoid() ** 2,
    "none": None,
}


def both(name, *args, **options):
    return getattr(nnunet, name)(*args, **options), getattr(theirs, name)(*args, **options)


@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
@pytest.mark.parametrize("name", NAMES)
def test_every_option(name, nonlinearity):
    cases = every(
        batch_dice=[False, True],
        do_bg=[True, False],
        masked=[False, True],
    )
    for seed, options in enumerate(cases):
        shape = SHAPES[seed % len(SHAPES)]
        options |= {"apply_nonlin": NONLINEARITIES[nonlinearity], "ddp": False}
        options["smooth"] = [1.0, 1e-5, 0][seed % 3]
        if name == "SoftDiceLoss" and seed % 2:
            options["clip_tp"] = [0.5, 4.0][seed // 2 % 2]
        masked = options.pop("masked")
        x, labels = batch(shape, seed)
        x = x.sigmoid() if nonlinearity == "none" else x
        mask = torch.rand(labels.shape) < 0.7 if masked else None
        agree(*both(name, **options), x, labels, loss_mask=mask, about=f"{options} {shape}")


@pytest.mark.parametrize("name", NAMES)
def test_kinds_of_targets(name):
    pair = both(name, torch.sigmoid, ddp=False)
    x, labels = batch(SHAPES[0], 1)
    one_hot = torch.nn.functional.one_hot(labels[:, 0]).movedim(-1, 1)
    for target in (labels[:, 0], labels.short(), labels.float(), labels.to(torch.uint8)):
        agree(*pair, x, target)
    for dtype in (torch.long, torch.float32, torch.bool, torch.uint8):
        agree(*pair, x, one_hot.to(dtype))
    agree(*pair, x, torch.rand(x.shape))
    agree(*pair, x[:, :1], labels.clamp(max=1))
    agree(*pair, x[:, :1], labels[:, 0].clamp(max=1))


@pytest.mark.parametrize("name", NAMES)
def test_kinds_of_masks(name):
    pair = both(name, torch.sigmoid, ddp=False)
    x, labels = batch(SHAPES[0], 2)
    for mask in (torch.rand(labels.shape), torch.randint(0, 3, labels.shape)):
        agree(*pair, x, labels, loss_mask=mask)


@pytest.mark.parametrize("name", NAMES)
def test_positional_arguments(name):
    options = [torch.sigmoid, True, False, 0.5, False]
    if name == "SoftDiceLoss":
        options.append(1.5)
    agree(*both(name, *options), *batch(SHAPES[0], 3))


@pytest.mark.parametrize("name", NAMES)
def test_one_channel_of_softmax(name):
    x, labels = batch(SHAPES[0], 4)
    pair = both(name, nnunet.softmax_helper_dim1, ddp=False)
    agree(*pair, x[:, :1], labels.clamp(max=1))
    for loss in both(name, nnunet.softmax_helper_dim1, do_bg=False, ddp=False):
        assert loss(x[:, :1], labels.clamp(max=1)).isnan()


@pytest.mark.parametrize("name", NAMES)
def test_errors(name):
    x, labels = batch(SHAPES[0], 5)
    cases = [
        (RuntimeError, {"ddp": False}, labels + 1),
        (RuntimeError, {"ddp": False}, labels - 1),
        (ValueError, {"batch_dice": True}, labels),
    ]
    for error, options, target in cases:
        for loss in both(name, torch.sigmoid, **options):
            with pytest.raises(error) as caught:
                loss(x, target)
            assert caught.type is error
    with pytest.raises(RuntimeError, match="target: found shape"):
        getattr(nnunet, name)()(x.sigmoid(), labels[:1])


def scaled(loss, factor):
    return lambda *inputs: factor * loss(*inputs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_does_not_overflow(name, dtype):
    x, labels = batch((2, 2, 300, 300), 6)
    for options in every(batch_dice=[True], apply_nonlin=[torch.sigmoid, torch.exp]):
        half = x.clamp(max=0).to(dtype)
        # So that the gradients are in the range of half precision.
        ours, other = (scaled(loss, 2.0**16) for loss in both(name, **options, ddp=False))
        found, gradient = value_and_gradient(ours, half, labels)
        wanted, exact = value_and_gradient(other, half.float(), labels)
        assert found.dtype is torch.float32 and gradient.dtype is dtype
        step = torch.finfo(dtype).eps
        # Another function than softmax and sigmoid is computed in half precision.
        rounding = step if options["apply_nonlin"] is torch.exp else 1e-6
        torch.testing.assert_close(found, wanted, rtol=rounding, atol=0.0)
        atol = 2 * step * exact.abs().max().item()
        torch.testing.assert_close(gradient.float(), exact, rtol=0.0, atol=atol)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaks_from_masked_voxels(name):
    x, labels = batch(SHAPES[0], 7)
    mask = torch.rand(labels.shape) < 0.7
    loss = getattr(nnunet, name)(torch.sigmoid, ddp=False)
    wanted, wanted_gradient = value_and_gradient(loss, x, labels, mask)
    found, gradient = value_and_gradient(loss, torch.where(mask, x, torch.nan), labels, mask)
    assert found == wanted and torch.equal(gradient, wanted_gradient)
    assert gradient[~mask.expand_as(x)].eq(0).all()


def test_float64_stays_float64():
    """nnU-Net's sums are float32."""
    x, labels = batch(SHAPES[0], 8)
    found = nnunet.SoftDiceLoss(torch.sigmoid, ddp=False)(x.double(), labels)
    assert found.dtype is torch.float64
    near(found, theirs.SoftDiceLoss(torch.sigmoid, ddp=False)(x.double(), labels))
