"""The losses in `keras.ops`: any backend, any device, any compiler."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from .._plain import direct as beside
from .._plain import evaluation, voxels
from .._plain.evaluation import SampleWeights
from .._plain.objective import integrands, objective
from . import _namespace as xp
from ._batch import Batch

Tensor = Any


def loss(spec: str, batch: Batch) -> Tensor:
    """The loss, or for reduction "none" its values."""
    whole = objective(spec)
    if not whole.has_map:
        return of_moments(spec, moments(spec, batch), batch)
    flattened = flat(batch)
    losses = voxels.voxel_losses(xp, whole, flattened)
    if losses.shape[flattened.axis] == 1:
        return ops.reshape(losses, _without(ops.shape(batch.logits), batch.axis))
    shape = list(ops.shape(batch.logits))
    if flattened.axis == 1:
        shape.insert(1, shape.pop(batch.axis))
        return ops.moveaxis(ops.reshape(losses, tuple(shape)), 1, batch.axis)
    return ops.reshape(losses, tuple(shape))


def direct(spec: str, batch: Batch) -> Tensor:
    """A loss beside the objective, or for reduction "none" its values."""
    return ops.cast(beside.loss(xp, spec, flat(batch)), loss_dtype(batch.logits))


def moments(spec: str, batch: Batch) -> Tensor:
    """The sums (N, K, C) that the loss is a function of."""
    columns = integrands(spec, int(batch.logits.shape[batch.axis]))
    return voxels.moments(xp, columns, flat(batch))


def of_moments(spec: str, sums: Tensor, batch: Batch, normalise: bool = False) -> Tensor:
    """The loss of sums, with the weights of samples if the batch has any."""
    weights = None
    if batch.sample_weight is not None:
        weights = SampleWeights(xp.cast(batch.sample_weight, sums), normalise)
    columns = integrands(spec, int(batch.logits.shape[batch.axis]))
    data = evaluation.Moments(xp, columns, sums, None, weights)
    value = evaluation.evaluate(objective(spec), data).loss
    return ops.cast(value, loss_dtype(batch.logits))


def loss_dtype(logits: Tensor) -> str:
    """What a loss comes in: float32, or float64 of float64 logits."""
    return "float64" if xp.dtype_of(logits) == "float64" else "float32"


def flat(batch: Batch) -> voxels.Inputs:
    """With one axis for the voxels; classes stay last where they are, and go first otherwise."""
    last = batch.axis == len(batch.logits.shape) - 1 and batch.axis > 1
    axis = 2 if last else 1

    def by_class(x: Tensor) -> Tensor:
        if last:
            samples, *spatial, classes = ops.shape(x)
            return ops.reshape(x, (samples, _voxels(spatial), classes))
        x = ops.moveaxis(x, batch.axis, 1) if batch.axis != 1 else x
        samples, classes, *spatial = ops.shape(x)
        return ops.reshape(x, (samples, classes, _voxels(spatial)))

    def per_voxel(x: Tensor | None) -> Tensor | None:
        if x is None:
            return None
        samples, *spatial = ops.shape(x)
        voxels = _voxels(spatial)
        return ops.reshape(x, (samples, voxels, 1) if last else (samples, 1, voxels))

    return voxels.Inputs(
        by_class(ops.cast(batch.logits, loss_dtype(batch.logits))),
        by_class(batch.target) if batch.kind == "dense" else per_voxel(batch.target),
        batch.kind,
        axis,
        batch.regions,
        batch.ignore_index,
        None if batch.mask is None else per_voxel(ops.cast(batch.mask, "int32")),
        per_voxel(batch.voxel_weight),
        None,
        {name: by_class(map) for name, map in batch.maps.items()},
        _without(ops.shape(batch.logits), batch.axis)[1:],
    )


def _voxels(spatial: list[Any]) -> int:
    """How many there are, or -1 for what is left: of an empty batch that could be any number."""
    return math.prod(spatial) if all(isinstance(size, int) for size in spatial) else -1


def _without(shape: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    return (*shape[:axis], *shape[axis + 1 :])
