"""The sweeps as differentiable functions: the engine on the CPU, plain JAX elsewhere.

Differentiated once and in reverse, by the logits. A gradient by the target or the voxel weights is
that of plain JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.custom_derivatives import SymbolicZero

from .._plain.objective import objective
from . import _native, _plain
from ._batch import Counted, Reading

_Sweep = Callable[[str, Reading, Array, Counted], Array]


def loss(spec: str, reading: Reading, logits: Array, counted: Counted) -> Array:
    """The loss, or for reduction "none" of overlap terms its values."""
    value: Array = _loss(spec, reading, logits, counted)
    return value


def moments(spec: str, reading: Reading, logits: Array, counted: Counted) -> Array:
    """The moments (N, K, C)."""
    sums: Array = _differentiable_moments(spec, reading, logits, counted)
    return sums


def voxel_losses(spec: str, reading: Reading, logits: Array, counted: Counted) -> Array:
    """The loss of every voxel, in the layout of the logits."""
    losses: Array = _differentiable_voxel_losses(spec, reading, logits, counted)
    return losses


def _dispatched(native: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """One or the other by the platform that it is compiled for; traced once for each shape."""

    def dispatch(spec: str, reading: Reading, *arrays: Any) -> Any:
        if objective(spec).looks_at_instances:
            # How many there are is not known here, so only the engine can.
            _native.expect_cpu("a loss of instances")
            return native(spec, reading, *arrays)
        return jax.lax.platform_dependent(
            *arrays, cpu=partial(native, spec, reading), default=partial(plain, spec, reading)
        )

    compiled: Callable[..., Any] = jax.jit(dispatch, static_argnums=(0, 1), inline=True)
    return compiled


_fused = _dispatched(_native.fused, _plain.fused)
_moments = _dispatched(_native.moments, _plain.moments)
_pull_back = _dispatched(_native.pull_back, _plain.pull_back)
_voxel_losses = _dispatched(_native.voxel_losses, _plain.voxel_losses)
_pull_back_map = _dispatched(_native.pull_back_map, _plain.pull_back_map)


def with_gradient(
    sweep: _Sweep,
    plain: _Sweep,
    forward: Callable[..., tuple[Array, Any]],
    backward: Callable[..., Array],
) -> Callable[..., Any]:
    """A sweep with its derivative.

    `forward` returns the value and what `backward` needs beside logits and target, which returns
    the gradient by the logits.
    """

    def keep(spec: str, reading: Reading, logits: Any, counted: Any) -> tuple[Array, Any]:
        perturbed = any(leaf.perturbed for leaf in jax.tree.leaves(counted, is_leaf=_is_primal))
        logits, counted = jax.tree.map(lambda x: x.value, (logits, counted), is_leaf=_is_primal)
        if perturbed:
            value, pull = jax.vjp(partial(plain, spec, reading), logits, counted)
            return value, (pull,)
        value, kept = forward(spec, reading, logits, counted)
        return value, (kept, logits, counted)

    def pull(spec: str, reading: Reading, residuals: Any, upstream: Any) -> tuple[Any, Any]:
        if isinstance(upstream, SymbolicZero):
            upstream = jnp.zeros(upstream.shape, upstream.dtype)
        if len(residuals) == 1:
            by_logits, by_counted = residuals[0](upstream)
            return by_logits, by_counted
        return backward(spec, reading, upstream, *residuals), None

    function = jax.custom_vjp(sweep, nondiff_argnums=(0, 1))
    function.defvjp(keep, pull, symbolic_zeros=True)
    # Of a compiled function only can shard_map derive with symbolic zeros.
    compiled: Callable[..., Any] = jax.jit(function, static_argnums=(0, 1), inline=True)
    return compiled


def _is_primal(leaf: Any) -> bool:
    return hasattr(leaf, "perturbed")


def _pull_back_loss(
    spec: str, reading: Reading, upstream: Array, slopes: Array, logits: Array, counted: Counted
) -> Array:
    slopes = _chained(spec, slopes, upstream)
    gradient: Array = _pull_back(spec, reading, slopes, logits, counted)
    return gradient


def _chained(spec: str, slopes: Array, upstream: Array) -> Array:
    """The derivatives by the moments, times the gradient by the value that each belongs to."""
    upstream = upstream.astype(slopes.dtype)
    if upstream.ndim:
        by_cell = {
            "sample and class": (-1, 1, slopes.shape[2]),
            "class": (1, 1, -1),
            "sample": (-1, 1, 1),
        }
        upstream = upstream.reshape(by_cell[objective(spec).terms[0].cells])
    # An infinite derivative of something that has no upstream gradient is no gradient.
    return jnp.where(upstream == 0, 0.0, slopes * upstream)


_loss = with_gradient(
    lambda *arguments: _fused(*arguments)[0],
    _plain.loss,
    _fused,
    _pull_back_loss,
)
_differentiable_moments = with_gradient(
    _moments,
    _plain.moments,
    lambda *arguments: (_moments(*arguments), None),
    lambda spec, reading, slopes, _, *batch: _pull_back(spec, reading, slopes, *batch),
)
_differentiable_voxel_losses = with_gradient(
    _voxel_losses,
    _plain.voxel_losses,
    lambda *arguments: (_voxel_losses(*arguments), None),
    lambda spec, reading, upstream, _, *batch: _pull_back_map(spec, reading, upstream, *batch),
)
