"""NumPy arrays as the engine reads them: lent where it can follow them, copied where it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core, _maps, _masked, _options, _shapes
from ._terms import Regions
from ._threads import get_num_threads

Array: TypeAlias = NDArray[Any]
Kind: TypeAlias = Literal["labels", "dense", "regions"]

_FLOATS = ("float32", "float64", "float16", "bfloat16")
_LABELS = (
    "uint8",
    "uint32",
    "uint64",
    "int16",
    "int32",
    "int64",
    "bool",
    "float32",
    "float64",
)
_DENSE = ("bool", "uint8", *_FLOATS)


def view(array: Array) -> _core.View:
    """The array's memory, lent."""
    size = array.itemsize
    strides = tuple(stride // size for stride in array.strides)
    return (array.__array_interface__["data"][0], array.shape, strides, array.dtype.name)


class Lent:
    """Logits and target, with what of it counts, ready for the engine.

    Holds the arrays whose memory its views lend.
    """

    __slots__ = ("_arrays", "logits", "options", "views")

    def __init__(
        self,
        logits: ArrayLike,
        target: ArrayLike,
        *,
        ignore_index: int | None = None,
        mask: ArrayLike | None = None,
        voxel_weight: ArrayLike | None = None,
        class_valid: ArrayLike | None = None,
        regions: Regions | None = None,
        maps: Mapping[str, ArrayLike] | None = None,
        wanted: tuple[_maps.Wanted, ...] = (),
    ) -> None:
        logits, of_logits = _masked.split(logits)
        self.logits = _followed(_floating("logits", logits), channels=True)
        if self.logits.ndim < 2:
            raise ValueError(f"logits: found shape {self.logits.shape}, wanted (N, C, spatial…)")
        target, of_target = _masked.split(target)
        kind, labels = _target(self.logits, target, regions)
        counted, of_mask = (None, None) if mask is None else _masked.split(mask)
        weight, of_weight = (None, None) if voxel_weight is None else _masked.split(voxel_weight)
        voxels = self.logits.shape[:1] + self.logits.shape[2:]
        if counted is not None:
            counted = _mask(_masked.spread("mask", counted, voxels))
        if weight is not None:
            weight = _weights(_masked.spread("voxel_weight", weight, voxels))
        of_voxel = {"mask": of_mask, "voxel_weight": of_weight}
        by_class = {"logits": of_logits, "target": of_target}
        named = {}
        for map, value in zip(wanted, _maps.given(maps, wanted), strict=True):
            if value is not None:
                array, there = _masked.split(value)
                named[map.name] = _map(map.name, array, self.logits.shape)
                by_class[f"map {map.name!r}"] = there
        known = _masked.known(self.logits.shape, by_class, of_voxel)
        if known is not None:
            counted = np.ascontiguousarray(known if counted is None else known & (counted != 0))
        lent = {
            "mask": counted,
            "weights": weight,
            "valid": None if class_valid is None else _valid(class_valid, self.logits.shape),
        }
        views = {name: None if array is None else view(array) for name, array in lent.items()}
        self._arrays = (labels, lent, named)
        self.views = (view(self.logits), view(labels))
        table = _options.optional(_options.table, "regions", regions)
        self.options: _core.Options = (
            kind,
            table,
            _options.optional(_options.integer, "ignore_index", ignore_index),
            views["mask"],
            views["weights"],
            views["valid"],
            [(name, view(array)) for name, array in named.items()],
        )

    @property
    def maps(self) -> dict[str, Array]:
        """By name."""
        maps: dict[str, Array] = self._arrays[2]
        return maps

    def make_maps(self, spec: str, names: Iterable[str]) -> None:
        """Has the engine make those of these names, of the target."""
        given: _core.Options = (*self.options[:-1], [])
        for name in names:
            samples, classes, *spatial = self.logits.shape
            channels = _core.made_channels(spec, name, classes)
            made = np.empty((samples, channels, *spatial), np.float32)
            _core.make_map(spec, name, *self.views, given, get_num_threads(), view(made))
            self.maps[name] = made
            self.options[-1].append((name, view(made)))

    @property
    def valid(self) -> Array:
        """(N, C): which classes were annotated."""
        valid: Array | None = self._arrays[1]["valid"]
        return np.ones(self.logits.shape[:2], dtype=bool) if valid is None else valid.copy()

    def gradient(self) -> Array:
        """Memory for the gradient: of the logits' shape, type and order of axes."""
        fresh = np.empty_like(self.logits)
        strides = [stride // fresh.itemsize for stride in fresh.strides]
        if _core.collapses(fresh.shape, strides, True):
            return fresh
        return np.empty(self.logits.shape, self.logits.dtype)


def _target(logits: Array, array: Array, regions: Regions | None) -> tuple[Kind, Array]:
    """Whether a target is a label map or dense, and its array."""
    one_channel = logits.shape[1] == 1
    is_float = array.dtype.kind not in "biu"
    if regions is not None:
        return "regions", _labels(array)
    if array.shape == logits.shape and (is_float or not one_channel):
        _shapes.warn_of_channels(logits.shape, array.shape)
        return "dense", _followed(_cast("target", array, _DENSE), channels=True)
    samples, spatial = logits.shape[0], logits.shape[2:]
    per_voxel, with_channel = (samples, *spatial), (samples, 1, *spatial)
    if array.shape not in (per_voxel, with_channel):
        raise ValueError(
            f"target: found shape {array.shape}, wanted {per_voxel} or {with_channel} for labels, "
            f"or {logits.shape} for a dense target, to fit the logits"
        )
    return "labels", _labels(array)


def _labels(array: Array) -> Array:
    if array.dtype.kind in "biu" and array.dtype.name not in _LABELS:
        array = array.astype(np.int64)
    elif array.dtype.name in ("float16", "bfloat16"):
        array = array.astype(np.float32, copy=False)
    return _followed(_cast("labels", array, _LABELS), channels=False)


def _mask(array: Array) -> Array:
    if array.dtype.kind in "iu" and array.dtype.name != "uint8":
        array = array != 0
    return _followed(_cast("mask", array, _DENSE), channels=False)


def _weights(array: Array) -> Array:
    if array.dtype.kind in "biu":
        array = array.astype(np.float64)
    return _followed(_floating("voxel_weight", array), channels=False)


def _map(name: str, array: Array, logits: tuple[int, ...]) -> Array:
    if array.dtype.kind in "biu":
        # Numbers of instances may be as large as they like.
        array = array.astype(np.float64 if array.dtype.itemsize > 2 else np.float32)
    array = array.reshape(_maps.shape_of(name, array.shape, logits))
    return _followed(_floating(f"map {name!r}", array), channels=True)


def _valid(valid: ArrayLike, shape: tuple[int, ...]) -> Array:
    array, known = _masked.split(valid)
    array = array if known is None else array.astype(bool) & known
    if array.dtype.kind not in "biu":
        raise TypeError(f"class_valid: found {array.dtype.name}, wanted bool")
    array = array.reshape(_shapes.over_classes(array.shape, *shape[:2]))
    return np.ascontiguousarray(np.broadcast_to(array != 0, shape[:2]))


def _floating(what: str, array: Array) -> Array:
    if array.dtype.name not in _FLOATS:
        raise TypeError(f"{what}: found {array.dtype.name}, wanted {' or '.join(_FLOATS)}")
    return array


def _cast(what: str, array: Array, accepted: tuple[str, ...]) -> Array:
    """Integers that the engine does not read are widened, in a copy."""
    if array.dtype.name in accepted:
        return array
    if array.dtype.kind in "iu":
        return array.astype(np.float32)
    raise TypeError(f"{what}: found {array.dtype.name}, wanted {' or '.join(accepted)}")


def _followed(array: Array, *, channels: bool) -> Array:
    """The array itself if the engine can follow it, else a contiguous copy."""
    if array.dtype.isnative and array.flags.aligned:
        size = array.itemsize
        steps = [stride // size for stride in array.strides]
        whole = all(stride % size == 0 for stride in array.strides)
        if whole and _core.collapses(array.shape, steps, channels):
            return array
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
