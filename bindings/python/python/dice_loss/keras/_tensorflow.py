"""The TensorFlow backend by the engine: outside the graph, so not under `jit_compile=True`.

Sweep 1 and the gradient are each a `tf.numpy_function` that reads the tensors' own memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from .. import _core
from .._arrays import Batch as Arrays
from .._arrays import view
from .._reference.objective import integrands, objective
from .._threads import get_num_threads
from . import _plain
from ._batch import Batch

Tensor = Any


def loss(spec: str, batch: Batch) -> Tensor:
    """The loss, or for reduction "none" its values."""
    whole = objective(spec)
    if whole.has_map:
        raise ValueError(
            'native: found reduction "none" of voxel losses, wanted another reduction, or '
            "native=False"
        )
    return _plain.of_moments(spec, moments(spec, batch), batch)


def moments(spec: str, batch: Batch) -> Tensor:
    """The sums (N, K, C) that the loss is a function of; differentiable by the predictions once."""
    others = [x for x in (batch.target, batch.mask, batch.voxel_weight) if x is not None]
    classes = batch.logits.shape[batch.axis]
    columns = len(integrands(spec, classes))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def measured(logits: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        sums = tf.numpy_function(_measure(spec, batch), [logits, *others], tf.float64)
        sums = tf.ensure_shape(sums, (logits.shape[0], columns, classes))

        def gradient(slopes: Tensor) -> Tensor:
            inputs = [slopes, logits, *others]
            by_logits = tf.numpy_function(_pull_back(spec, batch), inputs, logits.dtype)
            return tf.ensure_shape(by_logits, logits.shape)

        return sums, gradient

    return measured(batch.logits)


def _measure(spec: str, batch: Batch) -> Callable[..., Any]:
    settings = _Settings(batch)

    def measure(logits: Any, *others: Any) -> Any:
        arrays = settings.arrays(logits, *others)
        samples, classes = arrays.logits.shape[:2]
        sums = np.empty((samples, len(integrands(spec, classes)), classes))
        _core.measure(spec, *arrays.views, arrays.options, get_num_threads(), view(sums))
        return sums

    return measure


def _pull_back(spec: str, batch: Batch) -> Callable[..., Any]:
    settings = _Settings(batch)

    def pull_back(slopes: Any, logits: Any, *others: Any) -> Any:
        arrays = settings.arrays(logits, *others)
        slopes = np.ascontiguousarray(slopes, dtype=np.float64)
        gradient = arrays.gradient()
        threads, out = get_num_threads(), view(gradient)
        _core.pull_back(spec, view(slopes), *arrays.views, arrays.options, threads, out)
        return np.moveaxis(gradient, 1, settings.axis)

    return pull_back


class _Settings:
    """What is not a tensor: a closure over tensors of a graph would keep the graph."""

    def __init__(self, batch: Batch) -> None:
        self.axis = batch.axis
        self._is_dense = batch.kind == "dense"
        self._regions = batch.regions
        self._ignore_index = batch.ignore_index
        self._has_mask = batch.mask is not None

    def arrays(self, logits: Any, target: Any, *others: Any) -> Arrays:
        """With the classes on axis 1: views."""
        rest = list(others)
        mask = rest.pop(0) if self._has_mask else None
        if self._is_dense:
            target = np.moveaxis(target, self.axis, 1)
            target = target if target.shape[1] > 1 else target.astype(np.float32, copy=False)
        return Arrays(
            np.moveaxis(logits, self.axis, 1),
            target,
            ignore_index=self._ignore_index,
            mask=mask,
            voxel_weight=rest.pop(0) if rest else None,
            regions=self._regions,
        )
