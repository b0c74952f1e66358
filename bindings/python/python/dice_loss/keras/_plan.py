"""A loss with all its options, as plain data, and who computes it."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from .. import _maps
from .._plain.objective import Objective
from . import _namespace as xp
from . import _plain
from ._batch import Batch

Tensor = Any


class Plan(NamedTuple):
    """What to compute. Holds no tensors."""

    #: The text of the objective, which the engine reads once.
    spec: str
    objective: Objective
    #: Whether means divide by the sum of the samples' weights.
    normalise: bool
    #: Whether the engine computes it: None for wherever the backend lets it.
    native: bool | None
    #: Whether the terms take logits, be it those of probabilities.
    takes_logits: bool
    #: Whether probabilities are kept away from 0 and 1.
    clips: bool
    #: What is wrong with one class; None where the engine has the words for it.
    lack_of_channels: str | None


def loss(plan: Plan, batch: Batch) -> Tensor:
    """The loss, or for reduction "none" its values."""
    batch = _with_maps(plan.spec, batch)
    backend = _backend(plan.native, plan.spec, batch)
    if batch.sample_weight is None:
        return backend.loss(plan.spec, batch)
    if plan.objective.has_map:
        losses = backend.loss(plan.spec, batch)
        weights = ops.cast(batch.sample_weight, xp.dtype_of(losses))
        return losses * ops.reshape(weights, (-1, *(1,) * (len(losses.shape) - 1)))
    sums = backend.moments(plan.spec, batch)
    return _plain.of_moments(plan.spec, sums, batch, plan.normalise)


def direct(spec: str, batch: Batch, native: bool | None = None) -> Tensor:
    """A loss beside the objective, or for reduction "none" its values."""
    backend = _backend(native, None, batch)
    return backend.direct(spec, batch)


def moments(spec: str, batch: Batch, native: bool | None = None) -> Tensor:
    """The sums (N, K, C) of an objective."""
    batch = _with_maps(spec, batch)
    return _backend(native, spec, batch).moments(spec, batch)


def _with_maps(spec: str, batch: Batch) -> Batch:
    """With all maps that the objective reads: those that are given, and the others made."""
    names = [map.name for map in _maps.wanted(spec)]
    lacking = [name for name in names if name not in batch.maps]
    if not lacking:
        return batch
    made = _on_backend(keras.backend.backend()).maps(spec, batch, lacking)
    both = {**batch.maps, **made}
    return batch._replace(maps={name: both[name] for name in names})


def _on_backend(name: str) -> Any:
    """The module that knows the backend."""
    if name == "tensorflow":
        from . import _tensorflow

        return _tensorflow
    if name == "torch":
        from . import _torch

        return _torch
    if name == "jax":
        from . import _jax

        return _jax
    raise ValueError(
        f"maps: found none on the backend {name!r}, wanted one; dice_loss.Objective.maps makes them"
    )


def _backend(native: bool | None, spec: str | None, batch: Batch) -> Any:
    """The module that computes an objective, or with none a loss beside it."""
    name = keras.backend.backend()
    if native is False:
        return _plain
    if name == "tensorflow":
        engine = _on_backend(name)
        return engine if native or engine.serves(spec, batch) else _plain
    if name == "jax" or (name == "torch" and batch.logits.device.type != "meta"):
        return _on_backend(name)
    return _plain
