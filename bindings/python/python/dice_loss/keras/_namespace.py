"""`keras.ops`, as the plain losses want it; see `dice_loss._plain.namespace`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

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
    "swapaxes",
    "total",
    "where",
    "wide",
    "zeros_like",
]

Tensor = Any

abs = ops.abs
any = ops.any
concatenate = ops.concatenate
einsum = ops.einsum
equal = ops.equal
exp = ops.exp
expand_dims = ops.expand_dims
log = ops.log
log1p = ops.log1p
log_sigmoid = ops.log_sigmoid
log_softmax = ops.log_softmax
ones_like = ops.ones_like
reshape = ops.reshape
sigmoid = ops.sigmoid
softmax = ops.softmax
sqrt = ops.sqrt
stack = ops.stack
stop_gradient = ops.stop_gradient
sum = ops.sum
swapaxes = ops.swapaxes
where = ops.where
zeros_like = ops.zeros_like


def has_float64() -> bool:
    """Whether the backend has it. JAX does on request only."""
    if keras.backend.backend() != "jax":
        return True
    import jax.numpy as jnp

    return bool(jnp.result_type(float) == jnp.float64)


def total(x: Tensor, axis: int) -> Tensor:
    return ops.sum(ops.cast(x, "float64") if has_float64() else x, axis)


def wide(x: Tensor) -> Tensor:
    return ops.cast(x, "float64" if has_float64() else "float32")


def settled(x: Tensor) -> Tensor:
    if keras.backend.backend() == "jax":
        from ..jax._namespace import settled

        return settled(x)
    return x


def running(x: Tensor) -> Tensor:
    return ops.cumsum(ops.cast(x, "int32"), -1)


def descending(x: Tensor) -> Tensor:
    # Of equal ones every backend leaves the first in front.
    return ops.argsort(-x, -1)


def gather(x: Tensor, places: Tensor) -> Tensor:
    return ops.take_along_axis(x, places, -1)


def constant(values: Sequence[float], like: Tensor) -> Tensor:
    return ops.convert_to_tensor(list(values), dtype=dtype_of(like))


def arange(count: int, like: Tensor) -> Tensor:
    return ops.arange(count, dtype="int32")


def cast(x: Tensor, like: Tensor) -> Tensor:
    return ops.cast(x, dtype_of(like))


def is_number(x: Tensor, number: int) -> Tensor:
    if not values.holds(dtype_of(x), number):
        return ops.zeros_like(x, dtype="bool")
    return ops.equal(x, ops.convert_to_tensor(number, dtype=dtype_of(x)))


def labels(x: Tensor) -> Tensor:
    dtype = dtype_of(x)
    if dtype == "bool":
        return ops.cast(x, "int32")
    if dtype == "int32":
        return x
    # No class is beyond, nor is what is not a number.
    inside = (x >= ops.zeros_like(x)) & (x < ops.convert_to_tensor(1 << _bits(dtype), dtype=dtype))
    if dtype.startswith(("float", "bfloat")):
        inside = inside & ops.equal(x, ops.floor(x))
    return ops.where(inside, ops.cast(ops.where(inside, x, ops.zeros_like(x)), "int32"), -1)


def _bits(dtype: str) -> int:
    """Of the numbers that are looked at: as many as the type and int32 have, less one."""
    return next(bits for bits in (30, 15, 14, 7, 6) if values.holds(dtype, 1 << bits))


def slack(x: Tensor) -> float:
    return values.slack(dtype_of(x))


def is_float64(x: Tensor) -> bool:
    return dtype_of(x) == "float64"


def lowest(like: Tensor) -> float:
    return float(np.finfo(dtype_of(like)).min)


def distinct(x: Tensor) -> Sequence[float]:
    try:
        found: list[float] = np.unique(ops.convert_to_numpy(x)).tolist()
        return found
    except Exception as error:
        raise ValueError(
            "instances: found numbers that are traced, wanted ones that can be looked at: "
            "compile the model with run_eagerly=True"
        ) from error


def argmax(x: Tensor, axis: int) -> Tensor:
    return ops.argmax(x, axis, keepdims=True)


def min(x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
    # Of no rows every reduction is none, but Keras on torch refuses this one.
    reduced = ops.sum if 0 in tuple(x.shape) else ops.min
    return reduced(x, axis, keepdims=keepdims)


def maximum(x: Tensor, y: float) -> Tensor:
    # `ops.maximum` of a number leaves float64 on the torch backend.
    return ops.where(x < y, y, x)


def minimum(x: Tensor, y: float) -> Tensor:
    return ops.where(x > y, y, x)


def logsumexp(x: Tensor, axis: int) -> Tensor:
    return ops.logsumexp(x, axis, keepdims=True)


def dtype_of(x: Tensor) -> str:
    """The name of the type of its elements."""
    return str(keras.backend.standardize_dtype(x.dtype))
