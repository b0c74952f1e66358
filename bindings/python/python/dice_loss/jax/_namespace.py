"""`jax.numpy`, as the plain losses want it; see `dice_loss._plain.namespace`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import log_sigmoid, log_softmax, sigmoid, softmax
from jax.numpy import (
    abs,
    any,
    concatenate,
    equal,
    exp,
    expand_dims,
    log,
    log1p,
    maximum,
    minimum,
    ones_like,
    reshape,
    sqrt,
    stack,
    swapaxes,
    where,
    zeros_like,
)

from .._plain import values

__all__ = [
    "abs",
    "any",
    "arange",
    "argmax",
    "cast",
    "concatenate",
    "constant",
    "descending",
    "distinct",
    "einsum",
    "equal",
    "exp",
    "expand_dims",
    "gather",
    "is_float64",
    "is_number",
    "labels",
    "log",
    "log1p",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "lowest",
    "maximum",
    "min",
    "minimum",
    "ones_like",
    "reshape",
    "running",
    "settled",
    "sigmoid",
    "slack",
    "softmax",
    "sqrt",
    "stack",
    "stop_gradient",
    "sum",
    "sum_dtype",
    "swapaxes",
    "to_bool",
    "total",
    "where",
    "wide",
    "zeros_like",
]


def sum_dtype() -> np.dtype[Any]:
    """What sums are kept in: float64, where JAX is told to have it."""
    dtype: np.dtype[Any] = np.dtype(jax.dtypes.canonicalize_dtype(np.float64))
    return dtype


def constant(values: Sequence[float], like: Array) -> Array:
    return jnp.asarray(values, dtype=like.dtype)


def arange(count: int, like: Array) -> Array:
    return jnp.arange(count)


def cast(x: Array, like: Array) -> Array:
    return x.astype(like.dtype)


def to_bool(x: Array) -> Array:
    return x.astype(jnp.bool_)


def is_number(x: Array, number: int) -> Array:
    if not values.holds(x.dtype.name, number):
        return jnp.zeros_like(x, dtype=jnp.bool_)
    return jnp.equal(x, jnp.asarray(number, dtype=x.dtype))


def labels(x: Array) -> Array:
    to = jax.dtypes.canonicalize_dtype(np.int64)
    largest = np.iinfo(to).max
    if jnp.issubdtype(x.dtype, jnp.floating):
        # No float beyond is a class, nor is what is not a number.
        is_whole = (x == jnp.floor(x)) & (jnp.abs(x) < largest // 2)
        return jnp.where(is_whole, x, -1).astype(to)
    if jnp.issubdtype(x.dtype, jnp.unsignedinteger) and x.dtype.itemsize >= to.itemsize:
        return jnp.where(x > jnp.asarray(largest, x.dtype), -1, x.astype(to))
    return x.astype(to)


def slack(x: Array) -> float:
    return values.slack(x.dtype.name)


def is_float64(x: Array) -> bool:
    return bool(x.dtype == np.float64)


def lowest(like: Array) -> float:
    return float(np.finfo(like.dtype).min)


def total(x: Array, axis: int) -> Array:
    return x.sum(axis, dtype=sum_dtype())


def wide(x: Array) -> Array:
    return x.astype(sum_dtype())


def settled(x: Array) -> Array:
    # What a branch is given lies in memory; a barrier does not see to that on the CPU.
    return jax.lax.cond(jnp.isnan(x).all(), jnp.negative, lambda x: x, x)


def running(x: Array) -> Array:
    return jnp.cumsum(x, -1, dtype=jnp.int32)


def descending(x: Array) -> Array:
    return jnp.argsort(x, -1, descending=True, stable=True)


def gather(x: Array, places: Array) -> Array:
    return jnp.take_along_axis(x, places, -1)


def sum(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    return jnp.sum(x, axis, keepdims=keepdims)


def min(x: Array, axis: int, keepdims: bool = False) -> Array:
    return jnp.min(x, axis, keepdims=keepdims)


def distinct(x: Array) -> Sequence[float]:
    if isinstance(x, jax.core.Tracer):
        raise ValueError(
            "instances: found numbers that are traced, wanted ones that can be looked at: without "
            "jit, or in main memory without reference=True and axis_name"
        )
    found: list[float] = np.unique(np.asarray(x)).tolist()
    return found


def argmax(x: Array, axis: int) -> Array:
    return jnp.argmax(x, axis, keepdims=True)


def logsumexp(x: Array, axis: int) -> Array:
    return jax.nn.logsumexp(x, axis, keepdims=True)


def einsum(subscripts: str, x: Array, y: Array) -> Array:
    return jnp.einsum(subscripts, x, y, precision=jax.lax.Precision.HIGHEST)


def stop_gradient(x: Array) -> Array:
    return jax.lax.stop_gradient(x)
