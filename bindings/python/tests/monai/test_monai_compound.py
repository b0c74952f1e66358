"""Sums of two losses, the generalized Wasserstein Dice loss, and losses at several resolutions."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from beside_monai import SHAPES, Batch, agree, drawn, inputs, ours, theirs

COMMON: dict[str, list[Any]] = {
    "shape": SHAPES,
    "kind": ["labels", "one-hot", "soft"],
    "activation": [
        {},
        {"sigmoid": True},
        {"softmax": True},
        {"softmax": True},
        {"other_act": torch.sigmoid},
    ],
    "include_background": [True, False],
    "batch": [False, True],
    "smooth_nr": [1e-5, 0.3],
}
DICE: dict[str, list[Any]] = {"jaccard": [False, True], "squared_pred": [False, True]}


def call(case: dict[str, Any], seed: int) -> tuple[dict[str, Any], Batch]:
    """Options of the loss, and a batch that they fit."""
    options = dict(case)
    shape, kind, activation = (options.pop(key) for key in ("shape", "kind", "activation"))
    batch = inputs(shape, kind, seed, probabilities=not activation)
    options |= activation
    if kind == "labels":
        options["to_onehot_y"] = True
    weight = options.get("weight")
    if weight in ("tensor", "each"):
        values = [0.5, 2.0, 1.0, 3.0]
        dropped = shape[1] > 1 and not options["include_background"]
        options["weight"] = (
            torch.tensor(values[: shape[1]]) if weight == "tensor" else values[: shape[1] - dropped]
        )
    return options, batch


@pytest.mark.parametrize(
    ("case", "seed"),
    drawn(
        {
            **COMMON,
            **DICE,
            "reduction": ["mean", "sum"],
            "weight": [None, "tensor"],
            "lambda_dice": [1.0, 0.3],
            "lambda_ce": [1.0, 2.0],
            "label_smoothing": [0.0, 0.2, 1.0, -0.1],
        }
    ),
)
def test_dice_ce(case, seed):
    agree("DiceCELoss", *call(case, seed))


@pytest.mark.parametrize(
    ("case", "seed"),
    drawn(
        {
            **COMMON,
            **DICE,
            "reduction": ["mean", "sum", "none"],
            "gamma": [2.0, 0.5],
            "alpha": [None, 0.3],
            "weight": [None, "each", 2.0],
            "lambda_dice": [1.0, 0.3],
            "lambda_focal": [1.0, 2.0],
        }
    ),
)
def test_dice_focal(case, seed):
    agree("DiceFocalLoss", *call(case, seed))


@pytest.mark.parametrize(
    ("case", "seed"),
    drawn(
        {
            **COMMON,
            "w_type": ["square", "simple", "uniform"],
            "reduction": ["mean", "sum", "none"],
            "gamma": [2.0, 0.5],
            "weight": [None, "each", 2.0],
            "lambda_gdl": [1.0, 0.3],
            "lambda_focal": [1.0, 2.0],
        }
    ),
)
def test_generalized_dice_focal(case, seed):
    agree("GeneralizedDiceFocalLoss", *call(case, seed))


@pytest.mark.parametrize("weight", [[2.0], 2.0, [1.0, 2.0, 0.5], torch.ones(4, 5) / 2])
def test_weights_of_one_channel(weight):
    options = {"sigmoid": True, "weight": torch.as_tensor(weight)}
    agree("DiceCELoss", options, inputs((2, 1, 4, 5), "one-hot", 0))


@pytest.mark.parametrize("mode", ["default", "GDL"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(2, 3, 7), (1, 4, 3, 4, 5)])
def test_wasserstein(mode, reduction, shape):
    batch = inputs(shape, "labels", 0)
    (labels,) = batch.rest
    distances = torch.rand(shape[1], shape[1]).fill_diagonal_(0.0)
    options = {"weighting_mode": mode, "reduction": reduction}
    for smoothing in ({}, {"smooth_nr": 0.4, "smooth_dr": 0.1}):
        for matrix in (distances, 3.0 * distances.double(), distances.numpy()):
            agree(
                "GeneralizedWassersteinDiceLoss",
                {"dist_matrix": matrix, **options, **smoothing},
                batch,
            )
    for target in (labels[:, 0], labels.float(), labels.to(torch.uint8)):
        agree(
            "GeneralizedWassersteinDiceLoss",
            {"dist_matrix": distances, **options},
            Batch(batch.input, (target,)),
        )


@pytest.mark.parametrize(
    "options",
    [
        {"weight_mode": "exp"},
        {"weight_mode": "same"},
        {"weight_mode": "two"},
        {"weight_mode": "other"},
        {"weights": [1.0, 0.3, 0.2]},
        {"weights": [1.0, 0.3, 0.2, 0.1, 0.7, 0.5, 0.2]},
        {"weights": [1.0]},
    ],
)
@pytest.mark.parametrize("size", [(33, 20), (16, 9, 17)])
def test_deep_supervision(options, size):
    sizes = [[max(1, length >> level) for length in size] for level in range(6)]
    outputs = [torch.randn(2, 3, *size, requires_grad=True) for size in sizes]
    labels = torch.randint(0, 3, (2, 1, *size)).float()
    found, wanted = (
        library.DeepSupervisionLoss(
            library.DiceLoss(softmax=True, to_onehot_y=True, smooth_dr=1.0), **options
        )(outputs, labels)
        for library in (ours, theirs)
    )
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=0.0)
    for mine, other in zip(
        torch.autograd.grad(found, outputs), torch.autograd.grad(wanted, outputs), strict=True
    ):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-5 * other.abs().max().item())


def test_deep_supervision_of_one_output_and_of_none():
    output, labels = torch.randn(2, 3, 8, 8), torch.randint(0, 3, (2, 1, 8, 8))
    found, wanted = (
        library.DeepSupervisionLoss(library.DiceLoss(softmax=True, to_onehot_y=True))
        for library in (ours, theirs)
    )
    torch.testing.assert_close(found(output, labels), wanted(output, labels))
    assert found([], labels) == wanted([], labels) == 0.0
    for loss in (found, wanted):
        with pytest.raises(ValueError, match="None"):
            loss(None, labels)


def test_deep_supervision_takes_labels_of_any_type():
    outputs = [torch.randn(2, 3, 8, 8), torch.randn(2, 3, 4, 4)]
    labels = torch.randint(0, 3, (2, 1, 8, 8))
    loss = ours.DeepSupervisionLoss(ours.DiceCELoss(softmax=True, to_onehot_y=True))
    assert loss(outputs, labels) == loss(outputs, labels.float()) == loss(outputs, labels.int())
