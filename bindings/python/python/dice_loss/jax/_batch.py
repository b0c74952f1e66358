"""What a loss is given: logits, target, masks, weights; their kinds, types and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import NamedSharding, PartitionSpec
from jax.typing import ArrayLike

from .. import _maps, _masked, _options, _shapes
from .._terms import Regions as RegionsGiven
from . import _narrow

Kind = Literal["labels", "dense", "regions"]
Regions = tuple[tuple[int, ...], ...]

_FLOATS = ("float32", "float64", "float16", "bfloat16")
_DENSE = ("bool", "uint8", *_FLOATS)
_LABELS = ("uint8", "uint32", "uint64", "int16", "int32", "int64", "float32", "float64")


class Reading(NamedTuple):
    """How arrays are to be read. Holds none, so that it can be a static argument."""

    kind: Kind
    regions: Regions | None
    ignore_index: int | None
    #: Whether channels are the last axis of logits and dense target, and not the second.
    channels_last: bool
    #: The names of the maps, in the order of their arrays; others have to be made.
    maps: tuple[str, ...] = ()


class Counted(NamedTuple):
    """The target, and what of it counts, beside the logits."""

    #: (N, spatial…), or dense in the shape of the logits.
    target: Array
    #: (N, spatial…).
    mask: Array | None
    #: (N, spatial…).
    voxel_weight: Array | None
    #: (N, C), bool.
    class_valid: Array | None
    #: Each (N, 1 or C, spatial…), in the layout of the logits.
    maps: tuple[Array, ...] = ()


def prepare(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    voxel_weight: ArrayLike | None = None,
    class_valid: ArrayLike | None = None,
    regions: RegionsGiven | None = None,
    channel_axis: int = 1,
    maps: Mapping[str, ArrayLike] | None = None,
    wanted: tuple[_maps.Wanted, ...] = (),
    is_kind_known: bool = False,
) -> tuple[Reading, Array, Counted]:
    """Everything in types and shapes that the sweeps read. Fails where they do not fit.

    Says how shapes are read that may be meant otherwise, unless their kind is known.
    """
    logits, target, class_valid = map(_masked.stacked, (logits, target, class_valid))
    mask, voxel_weight = _masked.stacked(mask), _masked.stacked(voxel_weight)
    given = list(map(_masked.stacked, _maps.given(maps, wanted)))
    hidden = {"mask": mask, "voxel_weight": voxel_weight}
    if any(map(_masked.is_masked, (logits, target, class_valid, *hidden.values(), *given))):
        is_last = _is_last(channel_axis, np.ndim(logits))
        by_class = {"logits": logits, "target": target}
        named = zip(wanted, given, strict=True)
        by_class |= {f"map {w.name!r}": m for w, m in named if m is not None}
        mask = _unmasked(by_class, hidden, is_last)
        logits, target, given = _data(logits), _data(target), list(map(_data, given))
        voxel_weight, class_valid = _data(voxel_weight), _filled(class_valid)
    x = _logits(logits)
    channels_last = _is_last(channel_axis, x.ndim)
    whole = _Shape(x.shape, channels_last)
    table = _options.optional(_options.table, "regions", regions)
    _options.check_channels(table, whole.classes)
    ignored = _options.optional(_options.integer, "ignore_index", ignore_index)
    target = _narrow.readable(target)
    kind = _kind(whole, target, table is not None)
    if kind == "dense" and not is_kind_known:
        axis = 2 if channels_last else 1
        _shapes.warn_of_channels(whole.logits, np.shape(target), axis)
    narrow = _narrow.target(target, ignored, kind == "dense")
    counted = Counted(
        _target(whole, jnp.asarray(narrow.array), kind),
        None if mask is None else whole.spread("mask", _mask(mask)),
        None if voxel_weight is None else whole.spread("voxel_weight", _weight(voxel_weight)),
        None if class_valid is None else _valid(class_valid, whole),
        tuple(whole.map(w.name, m) for w, m in zip(wanted, given, strict=True) if m is not None),
    )
    if kind != "dense":
        count = max(2, whole.classes) if table is None else len(table)
        shape, others = counted.target.shape, (counted.mask, counted.voxel_weight)
        _narrow.refuse(narrow, target, count, shape, others)
    x, counted = _varying_alike(_gathered((x, counted)))
    names = tuple(map.name for map, m in zip(wanted, given, strict=True) if m is not None)
    return Reading(kind, table, narrow.ignore_index, channels_last, names), x, counted


def _unmasked(
    by_class: dict[str, Any], by_voxel: dict[str, Any], channels_last: bool
) -> np.ndarray[Any, Any] | Any:
    """The mask, without the voxels that a masked array of NumPy does not know."""
    shape = np.shape(by_class["logits"])

    def first(array: Any) -> Any:
        is_last = array is not None and channels_last and array.ndim == len(shape)
        return np.moveaxis(array, -1, 1) if is_last else array

    def there(value: Any) -> Any:
        return _masked.split(value)[1] if _masked.is_masked(value) else None

    classes_first = (shape[0], shape[-1], *shape[1:-1]) if channels_last else shape
    known = _masked.known(
        classes_first,
        {what: first(there(value)) for what, value in by_class.items()},
        {what: there(value) for what, value in by_voxel.items()},
        channel=-1 if channels_last else 1,
    )
    mask = _data(by_voxel["mask"])
    if mask is None or known is None:
        return mask if known is None else known
    whole = _Shape(shape, channels_last)
    return jnp.asarray(known) & whole.spread("mask", _mask(mask) != 0)


def _data(value: Any) -> Any:
    return value.data if _masked.is_masked(value) else value


def _filled(valid: Any) -> Any:
    return valid.filled(False) if _masked.is_masked(valid) else valid


class _Shape:
    """Of the logits."""

    def __init__(self, shape: tuple[int, ...], channels_last: bool) -> None:
        self.logits = shape
        self.channels_last = channels_last
        self.samples = shape[0]
        self.classes = shape[-1] if channels_last else shape[1]
        self.spatial = shape[1:-1] if channels_last else shape[2:]

    @property
    def voxels(self) -> tuple[int, ...]:
        return (self.samples, *self.spatial)

    @property
    def one_channel(self) -> tuple[int, ...]:
        with_last = (*self.voxels, 1)
        return with_last if self.channels_last else (self.samples, 1, *self.spatial)

    def per_voxel(self, name: str, array: Array, also: str = "") -> Array:
        """One value a voxel, as (N, spatial…)."""
        if array.shape not in (self.voxels, self.one_channel):
            raise ValueError(
                f"{name}: found shape {array.shape}, wanted {self.voxels} or {self.one_channel}"
                f"{also}, to fit logits {self.logits}"
            )
        return array.reshape(self.voxels)

    def spread(self, name: str, array: Array) -> Array:
        """The same of what may hold for several voxels."""
        channel = -1 if self.channels_last else 1
        shape = _shapes.over_voxels(name, array.shape, self.samples, self.spatial, channel)
        return jnp.broadcast_to(array.reshape(shape), self.voxels)

    def map(self, name: str, map: ArrayLike) -> Array:
        """Of all classes or of each, in the layout of the logits."""
        array = _cast(f"map {name!r}", jnp.asarray(map), _FLOATS, jnp.float32)
        axis = -1 if self.channels_last else 1
        return array.reshape(_maps.shape_of(name, array.shape, self.logits, axis))


def _logits(value: ArrayLike) -> Array:
    logits = jnp.asarray(value)
    if logits.dtype.name not in _FLOATS:
        raise TypeError(f"logits: found {logits.dtype.name}, wanted {' or '.join(_FLOATS)}")
    if logits.ndim < 2:
        raise ValueError(f"logits: found shape {logits.shape}, wanted (N, C, spatial…)")
    return logits


def _is_last(channel_axis: int, axes: int) -> bool:
    axis = _options.integer("channel_axis", channel_axis)
    if axis == 1 or (axis in (-1, axes - 1) and axes == 2):
        return False
    if axis not in (-1, axes - 1):
        raise ValueError(f"channel_axis: found {axis}, wanted 1 or -1")
    return True


def _kind(whole: _Shape, target: Any, is_table: bool) -> Kind:
    """With several channels, dense is what has the shape of the logits; with one, what is floating
    point or bool. All else is labels."""
    if is_table:
        return "regions"
    if whole.classes > 1:
        return "dense" if np.shape(target) == whole.logits else "labels"
    soft = jnp.issubdtype(target.dtype, jnp.floating) or target.dtype == jnp.bool_
    return "dense" if soft else "labels"


def _target(whole: _Shape, target: Array, kind: Kind) -> Array:
    if kind == "dense":
        if whole.classes == 1:
            target = whole.per_voxel("target", target).reshape(whole.logits)
        return _dense(target)
    is_open = kind == "labels" and whole.classes > 1
    also = f" for labels, or {whole.logits} for a dense target" if is_open else ""
    return _labels(whole.per_voxel("target", target, also))


def _dense(target: Array) -> Array:
    return _cast("target", target, _DENSE, jnp.float32)


def _labels(target: Array) -> Array:
    wide = jnp.float32 if jnp.issubdtype(target.dtype, jnp.floating) else jnp.int32
    return _cast("target", target, _LABELS, wide)


def _mask(mask: ArrayLike) -> Array:
    array = jnp.asarray(_narrow.truths(_narrow.readable(mask)))
    if array.dtype.kind == "c":
        raise TypeError(f"mask: found {array.dtype.name}, wanted {' or '.join(_DENSE)}")
    return array if array.dtype.name in _DENSE else array != 0


def _weight(weight: ArrayLike) -> Array:
    array = jnp.asarray(_narrow.weights("voxel_weight", _narrow.readable(weight)))
    return _cast("voxel_weight", array, _FLOATS, jnp.float32)


def _cast(name: str, array: Array, accepted: tuple[str, ...], to: Any) -> Array:
    if array.dtype.name in accepted:
        return array
    if array.dtype.kind == "c":
        raise TypeError(f"{name}: found {array.dtype.name}, wanted {' or '.join(accepted)}")
    return array.astype(to)


def _valid(valid: ArrayLike, whole: _Shape) -> Array:
    given, wanted = _narrow.readable(valid), (whole.samples, whole.classes)
    if given.dtype.kind not in "biu":
        raise TypeError(f"class_valid: found {given.dtype.name}, wanted bool")
    array = jnp.asarray(_narrow.truths(given))
    array = array.reshape(_shapes.over_classes(array.shape, *wanted))
    return jnp.broadcast_to(array != 0, wanted)


def _gathered(arrays: Any) -> Any:
    """Of a mesh with explicit axes: whole arrays on every device.

    What is split stays split within `shard_map` only.
    """

    def gather(array: Array) -> Array:
        lies = jax.typeof(array).sharding
        if all(axis is None for axis in lies.spec):
            return array
        whole: Array = jax.sharding.reshard(array, NamedSharding(lies.mesh, PartitionSpec()))
        return whole

    return jax.tree.map(gather, arrays)


def _varying_alike(arrays: Any) -> Any:
    """Within `shard_map`: all of them varying over the axes that any of them varies over."""
    axes = frozenset[Any]().union(*(varying(leaf) for leaf in jax.tree.leaves(arrays)))
    if not axes:
        return arrays

    def vary(array: Array) -> Array:
        lacking = tuple(sorted(axes - varying(array)))
        return jax.lax.pcast(array, lacking, to="varying") if lacking else array

    return jax.tree.map(vary, arrays)


def varying(array: Array) -> frozenset[Any]:
    """The axes of `shard_map` over which an array varies."""
    found: frozenset[Any] = jax.typeof(array).manual_axis_type.varying
    return found
