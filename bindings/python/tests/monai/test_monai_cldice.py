"""The losses of centrelines."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from beside_monai import Batch, agree, drawn, inputs, ours, outcome, theirs

SHAPES = [(3, 2, 5, 4), (2, 3, 9, 11), (1, 4, 3, 4, 5), (2, 2, 6, 5, 7), (2, 1, 8, 9)]
OPTIONS: dict[str, list[Any]] = {
    "shape": SHAPES,
    "kind": ["labels", "one-hot", "soft"],
    "activation": [{}, {"sigmoid": True}, {"softmax": True}, {"other_act": torch.sigmoid}],
    "include_background": [True, False],
    "reduction": ["mean", "sum", "none"],
    "iter_": [0, 1, 3, 10, True],
    "smooth_nr": [1.0, 0.3],
    "smooth_dr": [1.0, 0.7],
    "smooth": [1e-4, 0.25],
}
WIDE = [{"shape": shape, "kind": "soft", "activation": {"softmax": True}} for shape in SHAPES[:4]]


def call(case: dict[str, Any], seed: int) -> tuple[dict[str, Any], Batch]:
    """Options of the loss, and a batch that they fit."""
    options = dict(case)
    shape, kind, activation = (options.pop(key) for key in ("shape", "kind", "activation"))
    batch = inputs(shape, kind, seed, probabilities=not activation)
    options |= activation
    if kind == "labels":
        options["to_onehot_y"] = True
        # MONAI's pools take no integers.
        batch.rest = tuple(target.float() for target in batch.rest)
    return options, batch


@pytest.mark.parametrize(("case", "seed"), drawn(OPTIONS, draws=3))
def test_cldice(case, seed):
    agree("SoftclDiceLoss", *call(case, seed))


@pytest.mark.parametrize(("case", "seed"), drawn({**OPTIONS, "alpha": [0.5, 0.0, 1.0, 0.3]}))
def test_dice_and_cldice(case, seed):
    agree("SoftDiceclDiceLoss", *call(case, seed))


@pytest.mark.parametrize("name", ["SoftclDiceLoss", "SoftDiceclDiceLoss"])
@pytest.mark.parametrize("case", WIDE)
def test_in_double_precision_to_its_last_digits(name, case):
    options, batch = call(case, 5)
    found, wanted = (
        outcome(library, name, options, batch.to(torch.float64)) for library in (ours, theirs)
    )
    assert found.value.dtype is torch.float64
    torch.testing.assert_close(found.value, wanted.value, rtol=1e-13, atol=0.0)
    torch.testing.assert_close(found.gradient, wanted.gradient, rtol=0.0, atol=1e-14)


@pytest.mark.parametrize("shape", [(2, 1, 7, 8), (1, 2, 4, 5, 6)])
def test_where_numbers_are_the_same_the_same_voxel_has_the_gradient(shape):
    x = torch.randint(0, 4, shape, generator=torch.Generator().manual_seed(1)) / 4.0
    g = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(2)).float()
    for iterations in (0, 2, 5):
        agree("SoftclDiceLoss", {"iter_": iterations}, Batch(x, (g,)))


@pytest.mark.parametrize(
    "options",
    [
        {"sigmoid": True, "softmax": True},
        {"other_act": 1},
        {"reduction": "median"},
        {"iter_": -1},
        {"iter_": 2.0},
        {"smooth": 0.0},
        {"smooth": -1.0},
    ],
)
def test_options_that_are_wrong(options):
    agree("SoftclDiceLoss", options, inputs((2, 3, 4, 5), "one-hot", 0))
    agree("SoftDiceclDiceLoss", options, inputs((2, 3, 4, 5), "one-hot", 0))


@pytest.mark.parametrize("alpha", [-0.1, 1.5])
def test_a_share_is_a_fraction(alpha):
    agree("SoftDiceclDiceLoss", {"alpha": alpha}, inputs((2, 3, 4, 5), "one-hot", 0))


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (2, 1, 4, 5), (2, 3, 4), (2, 2, 4, 5)])
@pytest.mark.parametrize("name", ["SoftclDiceLoss", "SoftDiceclDiceLoss"])
def test_targets_that_do_not_fit(name, shape):
    agree(name, {}, Batch(torch.rand(2, 3, 4, 5), (torch.ones(shape),)))


def test_a_row_of_voxels_is_refused():
    # MONAI's soft_erode gives None for it.
    batch = inputs((2, 3, 7), "one-hot", 0)
    assert isinstance(outcome(theirs, "SoftclDiceLoss", {}, batch).error, AttributeError)
    error = outcome(ours, "SoftclDiceLoss", {}, batch).error
    assert isinstance(error, ValueError)
    assert "found shape (2, 3, 7), wanted images (N, C, H, W)" in str(error)


def test_the_names_before_the_last_ones_are_gone_in_both():
    # MONAI announces that they are deprecated, and cannot be called with them.
    x, g = torch.rand(1, 1, 4, 5), torch.ones(1, 1, 4, 5)
    for library in (ours, theirs):
        for name in ("SoftclDiceLoss", "SoftDiceclDiceLoss"):
            loss = getattr(library, name)()
            with pytest.raises(TypeError, match=r"y_pred|input"):
                loss(y_pred=x, y_true=g)


def test_half_precision():
    x, g = torch.randn(2, 2, 9, 8), torch.randint(0, 2, (2, 2, 9, 8))
    wanted = ours.SoftclDiceLoss(sigmoid=True)(x.half().float(), g)
    found = ours.SoftclDiceLoss(sigmoid=True)(x.half(), g)
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, wanted)
