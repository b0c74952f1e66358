"""The JAX backend: the functions of `dice_loss.jax`, on arrays as they lie."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array

from .. import _maps
from .._plain.objective import objective
from ..jax import _direct, _sweeps
from ..jax._batch import Counted, Reading, prepare
from ..jax._native import with_maps
from ._batch import Batch


def loss(spec: str, batch: Batch) -> Array:
    """The loss, or for reduction "none" its values."""
    reading, logits, counted = _prepared(spec, batch)
    if not objective(spec).has_map:
        value: Array = _sweeps.loss(spec, reading, logits, counted)
        return value
    losses: Array = _sweeps.voxel_losses(spec, reading, logits, counted)
    axis = losses.ndim - 1 if reading.channels_last else 1
    return (
        losses.squeeze(axis) if losses.shape[axis] == 1 else jnp.moveaxis(losses, axis, batch.axis)
    )


def direct(spec: str, batch: Batch) -> Array:
    """A loss beside the objective, or for reduction "none" its values."""
    return _direct.loss(spec, *_read(batch, ()))


def moments(spec: str, batch: Batch) -> Array:
    """The sums (N, K, C) that the loss is a function of."""
    sums: Array = _sweeps.moments(spec, *_prepared(spec, batch))
    return sums


def maps(spec: str, batch: Batch, names: Sequence[str]) -> dict[str, Array]:
    """Those of these names, made of the target."""
    reading, _, counted = _prepared(spec, batch)
    axis = -1 if reading.channels_last else 1
    found = dict(zip(reading.maps, counted.maps, strict=True))
    return {name: jnp.moveaxis(found[name], axis, batch.axis) for name in names}


def _prepared(spec: str, batch: Batch) -> tuple[Reading, Array, Counted]:
    """With all maps that the objective reads."""
    wanted = _maps.wanted(spec)
    reading, logits, counted = _read(batch, wanted)
    reading, counted = with_maps(spec, wanted, reading, logits, counted)
    return reading, logits, counted


def _read(batch: Batch, wanted: tuple[_maps.Wanted, ...]) -> tuple[Reading, Array, Counted]:
    """Classes stay where they are if that is axis 1 or the last, and move to the last otherwise."""
    last = batch.logits.ndim - 1
    axis = 1 if batch.axis == 1 else last
    logits, target = jnp.moveaxis(batch.logits, batch.axis, axis), batch.target
    is_soft = jnp.issubdtype(target.dtype, jnp.floating)
    if batch.kind == "dense":
        target = jnp.moveaxis(target, batch.axis, axis)
        one_class = logits.shape[axis] == 1
        target = target.astype(jnp.float32) if one_class and not is_soft else target
    elif is_soft:
        target = target.astype(jnp.int32) if logits.shape[axis] == 1 else target
    return prepare(
        logits,
        target,
        ignore_index=batch.ignore_index,
        mask=batch.mask,
        voxel_weight=batch.voxel_weight,
        regions=batch.regions,
        channel_axis=1 if axis == 1 else -1,
        maps={name: jnp.moveaxis(map, batch.axis, axis) for name, map in batch.maps.items()},
        wanted=wanted,
        is_kind_known=True,
    )
