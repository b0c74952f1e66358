"""Which functions from logits to probabilities the engine has itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from ..terms import Activation

__all__ = ["Nonlinearity", "activated", "softmax_helper_dim1"]

Nonlinearity: TypeAlias = Callable[[Tensor], Tensor]


def softmax_helper_dim1(x: Tensor) -> Tensor:
    """Softmax over the channels."""
    return torch.softmax(x, 1)


def activated(x: Tensor, nonlinearity: Nonlinearity | None) -> tuple[Tensor, Activation]:
    """What the engine is to read, and as what; any other function is applied here."""
    if nonlinearity is None:
        return x, "probabilities"
    if is_sigmoid(nonlinearity):
        return x, "sigmoid"
    if x.shape[1] > 1 and is_softmax(nonlinearity):
        return x, "softmax"
    return nonlinearity(x), "probabilities"


def is_sigmoid(nonlinearity: Nonlinearity | None) -> bool:
    """Whether it is the sigmoid."""
    known = (torch.sigmoid, nn.functional.sigmoid, Tensor.sigmoid, torch.special.expit)
    return nonlinearity in known or type(nonlinearity) is nn.Sigmoid


def is_softmax(nonlinearity: Nonlinearity | None) -> bool:
    """Whether it is the softmax over axis 1."""
    if type(nonlinearity) is nn.Softmax:
        return nonlinearity.dim == 1
    if nonlinearity is softmax_helper_dim1:
        return True
    # nnU-Net's own, which is not imported here.
    return (
        getattr(nonlinearity, "__module__", None) == "nnunetv2.utilities.helpers"
        and getattr(nonlinearity, "__name__", None) == "softmax_helper_dim1"
    )
