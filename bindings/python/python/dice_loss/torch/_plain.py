"""The sums over the voxels in plain torch: any device, any transform, any order of derivative."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .._plain import voxels as reference
from .._plain.objective import Integrand, Objective
from .._plain.voxels import SUMS, Inputs
from . import _namespace as xp
from ._namespace import sum_dtype
from ._target import Target

__all__ = ["SUMS", "Integrand", "moments", "sum_dtype", "voxel_losses"]


def moments(integrands: Sequence[Integrand], logits: Tensor, target: Target) -> Tensor:
    """The sums (N, K, C) of K integrands, differentiable by logits, weights and dense target."""
    sums: Tensor = reference.moments(xp, integrands, _batch(logits, target))
    return sums


def voxel_losses(
    objective: Objective, logits: Tensor, target: Target, class_weights: Tensor | None = None
) -> Tensor:
    """The loss of every voxel, (N, 1, spatial…) or (N, C, spatial…), of voxel terms."""
    batch = _batch(logits, target)
    weights = None if class_weights is None else class_weights.to(batch.x.dtype)
    losses: Tensor = reference.voxel_losses(xp, objective, batch, weights)
    return losses.reshape(losses.shape[0], losses.shape[1], *logits.shape[2:])


def _batch(logits: Tensor, target: Target) -> Inputs:
    """Everything with one axis for the voxels, and computed in float32 or wider."""
    wide = torch.float64 if logits.dtype is torch.float64 else torch.float32
    is_dense, valid = target.kind == "dense", target.class_valid
    return Inputs(
        _by_class(logits.to(wide)),
        _by_class(target.tensor) if is_dense else _per_voxel(target.tensor),
        target.kind,
        1,
        target.regions,
        target.ignore_index,
        None if target.mask is None else _per_voxel(target.mask),
        None if target.voxel_weight is None else _per_voxel(target.voxel_weight),
        None if valid is None else valid.to(torch.bool),
        {name: _by_class(m) for name, m in target.maps.items()},
        tuple(logits.shape[2:]),
    )


def _by_class(tensor: Tensor) -> Tensor:
    """(N, C, spatial…) as (N, C, V)."""
    return tensor.flatten(2) if tensor.dim() > 2 else tensor.unsqueeze(2)


def _per_voxel(tensor: Tensor) -> Tensor:
    """(N, spatial…) or (N, 1, spatial…), which have one value a voxel, as (N, 1, V)."""
    return tensor.flatten(1).unsqueeze(1) if tensor.dim() > 1 else tensor.view(-1, 1, 1)
