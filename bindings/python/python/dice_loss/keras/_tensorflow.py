"""The TensorFlow backend by the engine: outside the graph, so not where XLA compiles.

Each sweep is a `tf.numpy_function` that reads the tensors' own memory. A second derivative is that
of the plain formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import tensorflow as tf

from .. import _core, _direct, _maps
from .._arrays import Lent, view
from .._plain.objective import integrands, objective
from .._threads import get_num_threads
from . import _plain
from ._batch import Batch

try:
    # Not public, but nothing else tells a graph that XLA compiles from one that it does not.
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext as is_compiled
except ImportError:

    def is_compiled(graph: Any) -> bool:
        """Perhaps."""
        return True


Tensor = Any
#: From what the engine found forwards, the upstream gradient: to the gradient by the logits.
Pull = Callable[[Any, Any, Lent], Any]


#: Logits from which on the engine is faster than the plain formulas: two calls out of a graph take
#: about a millisecond.
_MANY = 1 << 16


def serves(spec: str | None, batch: Batch) -> bool:
    """Whether a loss had better leave the graph: it is in main memory and stays in this process,
    nobody compiles it, it is no map, and as far as the shape is known, it is worth it. Instances
    only the engine can see in a graph. Without an objective it is a loss beside it."""
    shape, whole = batch.logits.shape, None if spec is None else objective(spec)
    is_small = shape.is_fully_defined() and shape.num_elements() < _MANY
    if is_small and (whole is None or not whole.looks_at_instances):
        return False
    if whole is not None and whole.has_map:
        return False
    if not _has_cpus_alone() or tf.distribute.has_strategy():
        return False
    return tf.executing_eagerly() or not is_compiled(tf.compat.v1.get_default_graph())


@cache
def _has_cpus_alone() -> bool:
    return all(device.device_type == "CPU" for device in tf.config.list_physical_devices())


def loss(spec: str, batch: Batch) -> Tensor:
    """The loss, or for reduction "none" its values."""
    whole = objective(spec)
    if whole.has_map:
        raise ValueError(
            'native: found reduction "none" of voxel losses, wanted another reduction, or '
            "native=False"
        )
    settings = _Settings(batch, _maps.wanted(spec))
    samples, classes = batch.logits.shape[0], batch.logits.shape[batch.axis]
    cells = whole.terms[0].cells if whole.reduction == "none" and whole.terms else "one"
    shape = {
        "sample and class": (samples, classes),
        "class": (classes,),
        "sample": (samples,),
        "one": (),
    }[cells]
    dtype = _plain.loss_dtype(batch.logits)

    def evaluated(*tensors: Any) -> Any:
        arrays = settings.arrays(*tensors)
        slopes, threads = _room(spec, arrays), get_num_threads()
        views, options = arrays.views, arrays.options
        verdict = _core.objective(spec, *views, options, threads, None, view(slopes))
        values = verdict.loss if verdict.values is None else verdict.values
        return np.asarray(values, dtype).reshape(verdict.shape if shape else ()), slopes

    def chained(slopes: Any, upstream: Any) -> Any:
        if upstream.ndim == 0:
            return slopes * upstream
        by_cell = {"sample and class": (-1, 1, classes), "class": (1, 1, -1), "sample": (-1, 1, 1)}
        upstream = upstream.reshape(by_cell[cells])
        # An infinite derivative of something that has no upstream gradient is no gradient.
        return np.where(upstream == 0, 0.0, slopes * upstream)

    def forward(*tensors: Tensor) -> Sequence[Tensor]:
        value, slopes = _called(evaluated, tensors, [tf.as_dtype(dtype), tf.float64])
        return tf.ensure_shape(value, shape), slopes

    return _differentiable(spec, batch, settings, forward, _swept(spec, chained), _plain.loss)


def moments(spec: str, batch: Batch) -> Tensor:
    """The sums (N, K, C) that the loss is a function of."""
    settings = _Settings(batch, _maps.wanted(spec))
    classes = batch.logits.shape[batch.axis]
    shape = (batch.logits.shape[0], len(integrands(spec, classes)), classes)

    def measured(*tensors: Any) -> Any:
        arrays = settings.arrays(*tensors)
        sums = _room(spec, arrays)
        _core.measure(spec, *arrays.views, arrays.options, get_num_threads(), view(sums))
        return sums

    def forward(*tensors: Tensor) -> Sequence[Tensor]:
        sums = tf.ensure_shape(_called(measured, tensors, tf.float64), shape)
        return sums, tf.zeros((), tf.float64)

    def chained(_: Any, upstream: Any) -> Any:
        return upstream

    return _differentiable(spec, batch, settings, forward, _swept(spec, chained), _plain.moments)


def direct(spec: str, batch: Batch) -> Tensor:
    """A loss beside the objective, or for reduction "none" its values.

    The gradient comes with the loss, for an upstream gradient of 1; of half precision, which rounds
    once, and of unreduced values it is made anew.
    """
    settings, dtype = _Settings(batch), _plain.loss_dtype(batch.logits)
    samples, classes = batch.logits.shape[0], batch.logits.shape[batch.axis]
    said = _direct.read(spec)
    is_kept = said.reduction != "none" and batch.logits.dtype in (tf.float32, tf.float64)

    def computed(*tensors: Any) -> Any:
        arrays = settings.arrays(*tensors)
        gradient = arrays.gradient() if is_kept else np.zeros(())
        out = view(gradient) if is_kept else None
        views, options = arrays.views, arrays.options
        value, values, found = _core.direct(spec, *views, options, get_num_threads(), None, out)
        if is_kept:
            return np.asarray(value, dtype), np.moveaxis(gradient, 1, settings.axis)
        is_one = said.reduction != "none"
        return np.asarray(value if is_one else values, dtype).reshape(() if is_one else found), 0.0

    def pulled(kept: Any, upstream: Any, arrays: Lent) -> Any:
        if is_kept:
            return np.moveaxis(kept * upstream.astype(kept.dtype), settings.axis, 1)
        gradient, upstream = arrays.gradient(), np.ascontiguousarray(upstream, np.float64)
        views, threads = (*arrays.views, arrays.options), get_num_threads()
        _core.direct(spec, *views, threads, view(upstream), view(gradient))
        return gradient

    def forward(*tensors: Tensor) -> Sequence[Tensor]:
        kinds = [tf.as_dtype(dtype), batch.logits.dtype if is_kept else tf.float64]
        value, kept = _called(computed, tensors, kinds)
        return tf.ensure_shape(value, said.shape(samples, classes)), kept

    return _differentiable(spec, batch, settings, forward, pulled, _plain.direct)


def maps(spec: str, batch: Batch, names: Sequence[str]) -> dict[str, Tensor]:
    """Those of these names, made of the target, outside the graph."""
    if is_compiled(tf.compat.v1.get_default_graph()) and not tf.executing_eagerly():
        raise ValueError(
            f"maps: found none called {names[0]!r} where XLA compiles, wanted one: made ahead, by "
            "dice_loss.Objective.maps, or jit_compile=False"
        )
    settings = _Settings(batch, _maps.wanted(spec))
    voxels = (batch.target, batch.mask, batch.voxel_weight, *batch.maps.values())
    tensors = (batch.logits, *(x for x in voxels if x is not None))

    frozen = [tf.stop_gradient(x) for x in tensors]

    def made(name: str, *tensors: Any) -> Any:
        lent = settings.arrays(*tensors)
        lent.make_maps(spec, [name])
        return np.moveaxis(lent.maps[name], 1, settings.axis)

    def shape(name: str) -> list[Any]:
        shape: list[Any] = batch.logits.shape.as_list()
        shape[settings.axis] = _core.made_channels(spec, name, shape[settings.axis])
        return shape

    return {
        name: tf.ensure_shape(_called(partial(made, name), frozen, tf.float32), shape(name))
        for name in names
    }


def _swept(spec: str, chain: Callable[[Any, Any], Any]) -> Pull:
    """Sweep 2, of the slopes by the moments that `chain` makes."""

    def swept(found: Any, upstream: Any, arrays: Lent) -> Any:
        slopes = np.ascontiguousarray(chain(found, upstream), dtype=np.float64)
        gradient = arrays.gradient()
        threads, out = get_num_threads(), view(gradient)
        _core.pull_back(spec, view(slopes), *arrays.views, arrays.options, threads, out)
        return gradient

    return swept


def _differentiable(
    spec: str,
    batch: Batch,
    settings: _Settings,
    forward: Callable[..., Sequence[Tensor]],
    pull: Pull,
    plain: Callable[[str, Batch], Tensor],
) -> Tensor:
    """A value whose gradient is `pull`'s, and whose further derivatives are those of `plain`."""
    voxels = (batch.target, batch.mask, batch.voxel_weight, *batch.maps.values())
    others = [x for x in voxels if x is not None]

    def swept(found: Any, upstream: Any, logits: Any, *others: Any) -> Any:
        gradient = pull(found, upstream, settings.arrays(logits, *others))
        return np.moveaxis(gradient, 1, settings.axis)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def computed(logits: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        value, found = forward(logits, *others)

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def pulled_back(upstream: Tensor, logits: Tensor) -> tuple[Tensor, Any]:
            by_logits = _called(swept, (found, upstream, logits, *others), logits.dtype)

            def again(second: Tensor) -> Any:
                with tf.GradientTape() as outer:
                    outer.watch([upstream, logits])
                    with tf.GradientTape() as inner:
                        inner.watch(logits)
                        plainly = plain(spec, batch._replace(logits=logits))
                    slope = inner.gradient(plainly, logits, output_gradients=upstream)
                if slope is None:
                    raise ValueError(
                        "native: found a forward accumulator, which the engine has no derivatives "
                        "for, wanted native=False"
                    )
                return outer.gradient(slope, [upstream, logits], output_gradients=second)

            return tf.ensure_shape(by_logits, logits.shape), again

        return value, lambda upstream: pulled_back(upstream, logits)

    return computed(batch.logits)


def _called(function: Callable[..., Any], tensors: Sequence[Tensor], returned: Any) -> Any:
    """What a function of arrays makes of tensors: always the same of the same ones."""
    return tf.numpy_function(function, tensors, returned, stateful=False)


def _room(spec: str, arrays: Lent) -> Any:
    """For numbers (N, K, C), as the moments are."""
    samples, classes = arrays.logits.shape[:2]
    return np.empty((samples, len(integrands(spec, classes)), classes))


class _Settings:
    """What is not a tensor: a closure over tensors of a graph would keep the graph."""

    def __init__(self, batch: Batch, wanted: tuple[_maps.Wanted, ...] = ()) -> None:
        self.axis = batch.axis
        self._is_dense = batch.kind == "dense"
        self._regions = batch.regions
        self._ignore_index = batch.ignore_index
        self._has_mask = batch.mask is not None
        self._is_weighted = batch.voxel_weight is not None
        self._maps = tuple(batch.maps)
        self._wanted = wanted

    def arrays(self, logits: Any, target: Any, *others: Any) -> Lent:
        """With the classes on axis 1: views."""
        rest = list(others)
        mask = rest.pop(0) if self._has_mask else None
        if self._is_dense:
            target = np.moveaxis(target, self.axis, 1)
            target = target if target.shape[1] > 1 else target.astype(np.float32, copy=False)
        return Lent(
            np.moveaxis(logits, self.axis, 1),
            target,
            ignore_index=self._ignore_index,
            mask=mask,
            voxel_weight=rest.pop(0) if self._is_weighted else None,
            regions=self._regions,
            maps={n: np.moveaxis(m, self.axis, 1) for n, m in zip(self._maps, rest, strict=True)},
            wanted=self._wanted,
        )
