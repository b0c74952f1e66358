"""The sweeps in plain `jax.numpy`: any platform, any transform, any order of derivative."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array

from .._plain import direct as beside
from .._plain import voxels as reference
from .._plain.evaluation import HELD, Moments, evaluate
from .._plain.objective import Integrand, integrands, objective
from . import _namespace as xp
from ._batch import Counted, Reading
from ._native import classes_of, loss_dtype, map_shape


def expect_held(weight: Array | None) -> None:
    """Fails where the sums of these weights are not; of traced ones that cannot be seen."""
    if weight is None or isinstance(weight, jax.core.Tracer) or xp.sum_dtype() != jnp.float32:
        return
    largest = float(jnp.sum(weight, dtype=jnp.float32))
    if largest > HELD:
        raise ValueError(
            f"voxel_weight: found a sum of {largest:.1e}, wanted at most {HELD:.0e}, beyond which "
            "float32 does not hold what is made of it: smaller weights, or jax_enable_x64"
        )


def moments(spec: str, reading: Reading, logits: Array, counted: Counted) -> Array:
    """The moments (N, K, C)."""
    columns = integrands(spec, classes_of(reading, logits))
    return moments_of(columns, reading, logits, counted)


def moments_of(
    columns: Sequence[Integrand], reading: Reading, logits: Array, counted: Counted
) -> Array:
    """The sums (N, K, C) of K integrands."""
    sums: Array = reference.moments(xp, columns, _batch(reading, logits, counted))
    return sums


def of_moments(spec: str, moments: Array, valid: Array | None) -> Array:
    """The loss (or its values) of moments (rows, K, C)."""
    columns = integrands(spec, int(moments.shape[2]))
    loss: Array = evaluate(objective(spec), Moments(xp, columns, moments, valid)).loss
    return loss


def loss(spec: str, reading: Reading, logits: Array, counted: Counted) -> Array:
    """The loss (or its values)."""
    sums = moments(spec, reading, logits, counted)
    return of_moments(spec, sums, counted.class_valid).astype(loss_dtype(logits))


def fused(spec: str, reading: Reading, logits: Array, counted: Counted) -> tuple[Array, Array]:
    """The loss (or its values), and the derivatives of their sum by the moments."""

    def total(sums: Array) -> tuple[Array, Array]:
        values = of_moments(spec, sums, counted.class_valid)
        return values.sum(), values

    sums = moments(spec, reading, logits, counted)
    slopes, values = jax.grad(total, has_aux=True)(sums)
    return values.astype(loss_dtype(logits)), slopes


def pull_back(spec: str, reading: Reading, slopes: Array, logits: Array, counted: Counted) -> Array:
    """The gradient by the logits, from derivatives by the moments."""
    _, pull = jax.vjp(lambda x: moments(spec, reading, x, counted), logits)
    gradient: Array = pull(slopes)[0]
    return gradient


def voxel_losses(spec: str, reading: Reading, logits: Array, counted: Counted) -> Array:
    """The loss of every voxel."""
    batch = _batch(reading, logits, counted)
    losses: Array = reference.voxel_losses(xp, objective(spec), batch)
    return losses.reshape(map_shape(spec, reading, logits)).astype(loss_dtype(logits))


def pull_back_map(
    spec: str, reading: Reading, upstream: Array, logits: Array, counted: Counted
) -> Array:
    """The gradient by the logits, from one by the voxel losses."""
    _, pull = jax.vjp(lambda x: voxel_losses(spec, reading, x, counted), logits)
    gradient: Array = pull(upstream)[0]
    return gradient


def direct(spec: str, reading: Reading, logits: Array, counted: Counted) -> Array:
    """A loss beside the objective, or its values."""
    value: Array = beside.loss(xp, spec, _batch(reading, logits, counted))
    return value.astype(loss_dtype(logits))


def direct_fused(
    spec: str, reading: Reading, logits: Array, counted: Counted
) -> tuple[Array, Array]:
    """The same with the gradient by the logits, of the sum if it is several values."""
    value, pull = jax.vjp(lambda x: direct(spec, reading, x, counted), logits)
    return value, pull(jnp.ones_like(value))[0]


def direct_gradient(
    spec: str, reading: Reading, upstream: Array, logits: Array, counted: Counted
) -> Array:
    """The gradient by the logits alone, from one by the value or values."""
    _, pull = jax.vjp(lambda x: direct(spec, reading, x, counted), logits)
    gradient: Array = pull(upstream)[0]
    return gradient


def _batch(reading: Reading, logits: Array, counted: Counted) -> reference.Inputs:
    """Everything with one axis for the voxels, and computed in float32 or wider."""
    axis = 2 if reading.channels_last else 1
    is_dense, weight = reading.kind == "dense", counted.voxel_weight

    samples = logits.shape[0]
    spatial = logits.shape[1:-1] if reading.channels_last else logits.shape[2:]
    voxels = math.prod(spatial)

    def by_class(array: Array) -> Array:
        channels = classes_of(reading, array)
        shape = (voxels, channels) if reading.channels_last else (channels, voxels)
        return array.reshape(samples, *shape)

    def per_voxel(array: Array) -> Array:
        return jnp.expand_dims(array.reshape(samples, voxels), axis)

    return reference.Inputs(
        by_class(logits.astype(loss_dtype(logits))),
        by_class(counted.target) if is_dense else per_voxel(counted.target),
        reading.kind,
        axis,
        reading.regions,
        reading.ignore_index,
        None if counted.mask is None else per_voxel(counted.mask),
        None if weight is None else per_voxel(weight),
        counted.class_valid,
        {name: by_class(m) for name, m in zip(reading.maps, counted.maps, strict=True)},
        spatial,
    )
