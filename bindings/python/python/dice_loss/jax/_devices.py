"""Moments of a batch that lies on several devices."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import Array, lax

AxisName: TypeAlias = Hashable | tuple[Hashable, ...]
"""One or several named axes of `shard_map`, `pmap` or `vmap`."""


def of_all_devices(
    moments: Array, valid: Array | None, axis_name: AxisName, by_sample: bool
) -> tuple[Array, Array | None]:
    """The moments (N, K, C) of all devices: added up in one row or, if by sample, one after
    another. With them, which classes were annotated."""
    if by_sample:
        valid = None if valid is None else _one_after_another(valid, axis_name)
        return _one_after_another(moments, axis_name), valid
    if valid is not None:
        valid = _anywhere(jnp.any(valid, 0, keepdims=True), axis_name)
    return lax.psum(moments.sum(0, keepdims=True), axis_name), valid


def _one_after_another(rows: Array, axis_name: AxisName) -> Array:
    """The rows of all devices, the same on each: a sum, unlike a gather, is known to be that."""
    if rows.dtype == jnp.bool_:
        return _one_after_another(rows.astype(jnp.int8), axis_name) != 0
    count, devices = rows.shape[0], jax.lax.axis_size(axis_name)
    whole = jnp.zeros((devices, *rows.shape), rows.dtype)
    whole = jnp.where(
        jnp.arange(devices).reshape(-1, *(1,) * rows.ndim) == lax.axis_index(axis_name), rows, whole
    )
    everyone: Array = lax.psum(whole, axis_name)
    return everyone.reshape(devices * count, *rows.shape[1:])


def _anywhere(truths: Array, axis_name: AxisName) -> Array:
    count: Array = lax.psum(truths.astype(jnp.int32), axis_name)
    return count != 0
