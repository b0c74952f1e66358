"""The losses that see distances."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from beside_monai import Batch, agree, drawn, ours
from test_monai_overlap import ACTIVATIONS, call

COMMON: dict[str, list[Any]] = {
    "shape": [(3, 2, 5, 4), (2, 3, 6, 5), (1, 4, 3, 4, 5), (2, 1, 5, 6), (2, 3, 7)],
    "kind": ["labels", "one-hot", "soft"],
    "activation": ACTIVATIONS,
    "include_background": [True, False],
    "reduction": ["mean", "sum", "none"],
    "batch": [False, True],
}


@pytest.mark.parametrize("name", ["HausdorffDTLoss", "LogHausdorffDTLoss"])
@pytest.mark.parametrize(("case", "seed"), drawn({**COMMON, "alpha": [2.0, 1.0, 0.5]}, draws=4))
def test_hausdorff(name, case, seed):
    agree(name, *call(case, seed))


@pytest.mark.parametrize(("case", "seed"), drawn(COMMON, draws=4))
def test_boundary(case, seed):
    agree("BoundaryLoss", *call(case, seed))


@pytest.mark.parametrize("name", ["HausdorffDTLoss", "LogHausdorffDTLoss", "BoundaryLoss"])
@pytest.mark.parametrize("fill", [0, 1])
def test_empty_and_full_targets(name, fill):
    x = torch.linspace(-2, 2, 2 * 2 * 4 * 5).reshape(2, 2, 4, 5)
    target = torch.full((2, 1, 4, 5), fill)
    target[1, 0, 1:3, 2:] = 1 - fill
    agree(name, {"softmax": True, "to_onehot_y": True}, Batch(x, (target,)))
    agree(name, {"sigmoid": True}, Batch(x.abs() + 1, (target.expand(2, 2, 4, 5).float(),)))


def test_labels_without_a_channel_as_the_boundary_loss_takes_them():
    x = torch.randn(2, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(60).reshape(2, 5, 6) % 3
    agree("BoundaryLoss", {"softmax": True, "to_onehot_y": True}, Batch(x, (labels,)))


def test_a_label_that_names_no_class():
    x, labels = torch.zeros(1, 3, 4, 4), torch.full((1, 1, 4, 4), 3)
    with pytest.raises(RuntimeError, match="found label 3, wanted 0 to 2"):
        ours.HausdorffDTLoss(softmax=True, to_onehot_y=True)(x, labels)
