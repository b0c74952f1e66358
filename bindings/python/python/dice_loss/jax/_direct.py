"""Losses beside the objective as differentiable functions: the engine on the CPU, plain JAX
elsewhere.

Differentiated once and in reverse, by the logits. The engine leaves the gradient with the loss, for
an upstream gradient of 1, so that everything is done once; of half precision, which rounds once,
and of unreduced values it is done again for the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from .. import _direct
from . import _native, _plain
from ._batch import Counted, Reading
from ._native import classes_of
from ._sweeps import with_gradient


def loss(
    spec: str, reading: Reading, logits: Array, counted: Counted, *, reference: bool = False
) -> Array:
    """The loss, or for reduction "none" its values."""
    _direct.check(spec, classes_of(reading, logits))
    function = _plain.direct if reference else _loss
    value: Array = function(spec, reading, logits, counted)
    return value


def _dispatched(native: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """One or the other by the platform that it is compiled for; traced once for each shape."""

    def dispatch(spec: str, reading: Reading, *arrays: Any) -> Any:
        return jax.lax.platform_dependent(
            *arrays, cpu=partial(native, spec, reading), default=partial(plain, spec, reading)
        )

    compiled: Callable[..., Any] = jax.jit(dispatch, static_argnums=(0, 1), inline=True)
    return compiled


_value = _dispatched(_native.direct, _plain.direct)
_fused = _dispatched(_native.direct_fused, _plain.direct_fused)
_gradient = _dispatched(_native.direct_gradient, _plain.direct_gradient)


def _forward(
    spec: str, reading: Reading, logits: Array, counted: Counted
) -> tuple[Array, Array | None]:
    is_wide = logits.dtype in (np.float32, np.float64)
    if is_wide and _direct.read(spec).reduction != "none":
        value, gradient = _fused(spec, reading, logits, counted)
        return value, gradient
    return _value(spec, reading, logits, counted), None


def _backward(
    spec: str,
    reading: Reading,
    upstream: Array,
    gradient: Array | None,
    logits: Array,
    counted: Counted,
) -> Array:
    if gradient is None:
        pulled: Array = _gradient(spec, reading, upstream, logits, counted)
        return pulled
    # An infinite derivative of something that has no upstream gradient is no gradient.
    return jnp.where(upstream == 0, 0.0, gradient * upstream.astype(gradient.dtype))


_loss = with_gradient(_value, _plain.direct, _forward, _backward)
