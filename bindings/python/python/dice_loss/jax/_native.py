"""The engine's sweeps through XLA's foreign functions, on the CPU; none is differentiable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec

from .. import _core, _direct
from .._maps import Wanted
from .._plain.objective import integrands, objective
from .._threads import get_num_threads
from ._batch import Counted, Reading
from ._namespace import sum_dtype

for _name, _target in _core.xla_targets():
    jax.ffi.register_ffi_target(_name, _target, platform="cpu")


def fused(spec: str, reading: Reading, logits: Array, counted: Counted) -> tuple[Array, Array]:
    """Sweep 1 and the loss (or its values), with the derivatives by the moments (N, K, C)."""
    shapes = [
        _like(logits, values_shape(spec, reading, logits), loss_dtype(logits)),
        _like(logits, moments_shape(spec, reading, logits), sum_dtype()),
    ]
    loss, slopes = _call("objective", shapes, spec, reading, logits, counted)
    return loss, slopes


def moments(spec: str, reading: Reading, logits: Array, counted: Counted) -> Array:
    """Sweep 1: the moments (N, K, C)."""
    shape = _like(logits, moments_shape(spec, reading, logits), sum_dtype())
    return _call("measure", [shape], spec, reading, logits, counted)[0]


def pull_back(spec: str, reading: Reading, slopes: Array, logits: Array, counted: Counted) -> Array:
    """Sweep 2: from derivatives by the moments to the gradient by the logits."""
    shape = _like(logits, logits.shape, logits.dtype)
    return _call("pull_back", [shape], spec, reading, logits, counted, slopes)[0]


def voxel_losses(spec: str, reading: Reading, logits: Array, counted: Counted) -> Array:
    """The loss of every voxel, (N, 1, spatial…) or (N, C, spatial…)."""
    shape = _like(logits, map_shape(spec, reading, logits), loss_dtype(logits))
    return _call("voxel_losses", [shape], spec, reading, logits, counted)[0]


def pull_back_map(
    spec: str, reading: Reading, upstream: Array, logits: Array, counted: Counted
) -> Array:
    """Sweep 2 of the map of voxel losses."""
    shape = _like(logits, logits.shape, logits.dtype)
    return _call("pull_back_map", [shape], spec, reading, logits, counted, upstream)[0]


def direct(spec: str, reading: Reading, logits: Array, counted: Counted) -> Array:
    """A loss beside the objective, or its values."""
    shape = _direct_shape(spec, reading, logits)
    return _call("direct_value", [shape], spec, reading, logits, counted)[0]


def direct_fused(
    spec: str, reading: Reading, logits: Array, counted: Counted
) -> tuple[Array, Array]:
    """The same with the gradient by the logits, of the sum if it is several values."""
    shapes = [_direct_shape(spec, reading, logits), _like(logits, logits.shape, logits.dtype)]
    value, gradient = _call("direct", shapes, spec, reading, logits, counted)
    return value, gradient


def direct_gradient(
    spec: str, reading: Reading, upstream: Array, logits: Array, counted: Counted
) -> Array:
    """The gradient by the logits alone, from one by the value or values."""
    shape = _like(logits, logits.shape, logits.dtype)
    return _call("direct_gradient", [shape], spec, reading, logits, counted, upstream)[0]


def _direct_shape(spec: str, reading: Reading, logits: Array) -> Any:
    shape = _direct.read(spec).shape(logits.shape[0], classes_of(reading, logits))
    return _like(logits, shape, loss_dtype(logits))


def with_maps(
    spec: str, wanted: tuple[Wanted, ...], reading: Reading, logits: Array, counted: Counted
) -> tuple[Reading, Counted]:
    """What is read with all maps that are wanted: those that are given, and the others made."""
    if len(reading.maps) == len(wanted):
        return reading, counted
    lacking = [map.name for map in wanted if map.name not in reading.maps]
    if jax.default_backend() != "cpu":
        raise ValueError(
            f"maps: found none called {lacking[0]!r} on {jax.default_backend()}, wanted one: the "
            "CPU makes them, ahead of the loss, by dice_loss.Objective.maps, or in a data loader "
            "by dice_loss.morphology"
        )
    maps = dict(zip(reading.maps, counted.maps, strict=True))
    alone = reading._replace(maps=()), logits, counted._replace(maps=())
    frozen = jax.lax.stop_gradient(alone[1:])
    channels = -1 if reading.channels_last else 1
    for name in lacking:
        made_channels = _core.made_channels(spec, name, classes_of(reading, logits))
        first = (logits.shape[0], made_channels, *_spatial(reading, logits))
        shape = _like(logits, first, np.float32)
        made = _call("make_map", [shape], spec, alone[0], *frozen, made=name)[0]
        maps[name] = jnp.moveaxis(made, 1, channels)
    names = tuple(map.name for map in wanted)
    return reading._replace(maps=names), counted._replace(maps=tuple(maps[n] for n in names))


def expect_cpu(what: str) -> None:
    """Fails where XLA compiles for another device."""
    if jax.default_backend() != "cpu":
        raise ValueError(
            f"{what}: found JAX on {jax.default_backend()}, wanted the CPU, whose engine looks at "
            "instances"
        )


def loss_dtype(logits: Array) -> np.dtype[Any]:
    """What a loss comes in: float32, or float64 of float64 logits."""
    return np.dtype(np.float64 if logits.dtype == np.float64 else np.float32)


def _spatial(reading: Reading, logits: Array) -> tuple[int, ...]:
    shape: tuple[int, ...] = logits.shape
    return shape[1:-1] if reading.channels_last else shape[2:]


def classes_of(reading: Reading, logits: Array) -> int:
    """C."""
    return int(logits.shape[-1 if reading.channels_last else 1])


def moments_shape(spec: str, reading: Reading, logits: Array) -> tuple[int, ...]:
    """(N, K, C)."""
    classes = classes_of(reading, logits)
    return (logits.shape[0], len(integrands(spec, classes)), classes)


def values_shape(spec: str, reading: Reading, logits: Array) -> tuple[int, ...]:
    """Of the loss, or of its values for reduction "none"."""
    return objective(spec).shape(logits.shape[0], classes_of(reading, logits))


def map_shape(spec: str, reading: Reading, logits: Array) -> tuple[int, ...]:
    """Of the map of voxel losses, in the layout of the logits."""
    channels = _core.map_channels(spec, classes_of(reading, logits))
    if reading.channels_last:
        return (*logits.shape[:-1], channels)
    return (logits.shape[0], channels, *logits.shape[2:])


def _call(
    name: str,
    results: Sequence[Any],
    spec: str,
    reading: Reading,
    logits: Array,
    counted: Counted,
    *before: Array,
    made: str | None = None,
) -> Sequence[Array]:
    # Arrays that vmap does not map get an axis of size 1, so nothing is copied or looped over.
    call = jax.ffi.ffi_call(f"dice_loss_{name}", results, vmap_method="expand_dims")
    *masks, maps = counted
    given = [*(array for array in masks if array is not None), *maps]
    there = tuple(array is not None for array in masks[1:])
    settings = _settings(reading, logits.ndim, there, get_num_threads(), made)
    found: Sequence[Array] = call(*before, logits, *given, spec=spec, settings=settings)
    return found


@lru_cache(maxsize=256)
def _settings(
    reading: Reading, rank: int, there: tuple[bool, ...], threads: int, made: str | None
) -> str:
    mask, voxel_weight, class_valid = there
    return json.dumps(
        reading._asdict()
        | {
            "rank": rank,
            "mask": mask,
            "voxel_weight": voxel_weight,
            "class_valid": class_valid,
            "threads": threads,
            "made": made,
        }
    )


def _like(array: Array, shape: tuple[int, ...], dtype: Any) -> Any:
    """A type that varies, within `shard_map`, over the same axes as an array."""
    of_array = jax.typeof(array)
    sharding = of_array.sharding.update(spec=PartitionSpec(*(None for _ in shape)))
    return of_array.update(shape=shape, dtype=np.dtype(dtype), sharding=sharding, weak_type=False)
