"""What a loss is called with: which of it is labels, a mask, a weight of samples or of voxels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
from keras import ops, tree

from .. import _maps, _masked, _shapes
from .._options import check_channels
from ._namespace import dtype_of

try:
    # Not public, but the only way to a mask on the JAX backend, whose arrays take no attribute.
    from keras.src.backend.common.masking import get_keras_mask
except ImportError:

    def get_keras_mask(x: Any) -> Any:
        return getattr(x, "_keras_mask", None)


Tensor = Any


class Batch(NamedTuple):
    """Predictions and target in Keras' layout; what has one value a voxel is (N, spatial…)."""

    logits: Tensor
    target: Tensor
    kind: Literal["labels", "dense", "regions"]
    #: Where the classes are, counted from the front.
    axis: int
    regions: tuple[tuple[int, ...], ...] | None
    ignore_index: int | None
    mask: Tensor | None
    voxel_weight: Tensor | None
    #: (N).
    sample_weight: Tensor | None
    #: By name, with 1 or C where the classes are; those that are not there have to be made.
    maps: Mapping[str, Tensor] = MappingProxyType({})


def batch_of(
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    mask: Any,
    *,
    axis: int,
    regions: tuple[tuple[int, ...], ...] | None,
    ignore_index: int | None,
    sparse_y_true: bool | None,
    maps: Mapping[str, Any] | None = None,
    wanted: tuple[_maps.Wanted, ...] = (),
) -> Batch:
    """Tells what is what by shape, and checks the shapes that are known."""
    refuse_masked({"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight})
    logits = _tensor(y_pred)
    if not dtype_of(logits).startswith(("float", "bfloat")):
        raise TypeError(f"y_pred: found {dtype_of(logits)}, wanted a floating point type")
    rank = len(logits.shape)
    if rank < 2:
        raise ValueError(f"y_pred: found shape {tuple(logits.shape)}, wanted (N, spatial…, C)")
    if not -rank <= axis < rank or axis % rank == 0:
        raise ValueError(f"axis: found {axis} of {rank} axes, wanted one that is not the samples'")
    axis %= rank
    if logits.shape[axis] is None:
        raise ValueError(f"y_pred: found an unknown number of classes along axis {axis}")
    of_voxels = tuple(size for index, size in enumerate(logits.shape) if index != axis)
    check_channels(regions, logits.shape[axis])
    narrow, given = None, y_true
    if keras.backend.backend() == "jax":
        from ..jax import _narrow

        sample_weight = _narrow.weights("sample_weight", _array(sample_weight))
        given = _array(y_true)
        if isinstance(given, np.ndarray):
            is_dense = kind_of(given, logits, axis, sparse_y_true, regions is not None) == "dense"
            narrow = _narrow.target(given, ignore_index, is_dense)
            y_true, ignore_index = narrow.array, narrow.ignore_index
    target = _target(y_true)
    kind = kind_of(target, logits, axis, sparse_y_true, regions is not None)
    if kind == "dense":
        target = target if len(target.shape) == rank else ops.expand_dims(target, axis)
        _check("y_true", target, tuple(logits.shape))
        if sparse_y_true is None:
            names = ("y_pred", "y_true")
            _shapes.warn_of_channels(tuple(logits.shape), tuple(target.shape), axis, names)
        if ignore_index is not None and logits.shape[axis] != 1:
            raise ValueError(
                f"ignore_index of a dense y_true: found {ignore_index} with {logits.shape[axis]} "
                "classes, wanted one; weigh voxels with 0 for several"
            )
    else:
        target = _per_voxel("y_true", target, of_voxels, axis)
    of_sample, of_voxel = None, None
    if sample_weight is not None:
        weight = _tensor(sample_weight)
        if dtype_of(weight) != "float64":
            weight = ops.cast(weight, "float32")
        if is_of_samples(weight, of_voxels):
            of_sample = ops.reshape(weight, (-1,))
        else:
            of_voxel = _spread("sample_weight", weight, logits, axis)
    counted = None if mask is None else _mask(mask, logits, of_voxels, axis)
    if narrow is not None and kind != "dense":
        count = len(regions) if regions else max(2, logits.shape[axis])
        _narrow.refuse(narrow, given, count, tuple(target.shape), (counted, of_voxel))
    given = zip(wanted, _maps.given(maps, wanted), strict=True)
    named = {map.name: _map(map.name, m, logits, axis) for map, m in given if m is not None}
    weights = (counted, of_voxel, of_sample)
    return Batch(logits, target, kind, axis, regions, ignore_index, *weights, named)


def refuse_masked(given: dict[str, Any]) -> None:
    """Fails for a masked array of NumPy, or a list of some, whose mask Keras would lose."""
    for what, value in given.items():
        if _masked.holds_masked(value):
            raise TypeError(
                f"{what}: found a masked array, of which Keras keeps no mask; wanted "
                f"{what}.filled(0), and a sample_weight of 0 for the voxels that do not count"
            )


def mask_of(y_pred: Any) -> Any:
    """The mask that Keras attached to a tensor; None if it did not."""
    return get_keras_mask(y_pred)


def kind_of(
    target: Tensor, logits: Tensor, axis: int, sparse: bool | None, has_regions: bool
) -> Literal["labels", "dense", "regions"]:
    """Labels or dense: by shape alone, since Keras turns labels into floats.

    With several classes the shape of the predictions means dense, and one value a voxel means
    labels. With one class a target is dense, which for 0 and 1 is the same.
    """
    if has_regions:
        return "regions"
    if sparse is not None:
        return "labels" if sparse else "dense"
    classes = logits.shape[axis]
    if classes == 1:
        return "dense"
    same_rank = len(target.shape) == len(logits.shape)
    return "dense" if same_rank and target.shape[axis] == classes else "labels"


def is_of_samples(weight: Tensor, of_voxels: Sequence[int | None]) -> bool:
    """Whether there is one weight a sample: (N), or (N, 1, …) beside more than one voxel.

    One for all samples may be one of each. What is of another number is of voxels, or of nothing.
    """
    if len(weight.shape) == 0:
        return True
    if weight.shape[0] not in (1, of_voxels[0]) and None not in (weight.shape[0], of_voxels[0]):
        return False
    if any(size != 1 for size in weight.shape[1:]):
        return False
    return len(weight.shape) < len(of_voxels) or any(size != 1 for size in of_voxels[1:])


def _array(value: Any) -> Any:
    """A list as an array of NumPy, unless it holds tensors."""
    is_list = isinstance(value, list | tuple)
    is_plain = is_list and not any(map(ops.is_tensor, tree.flatten(value)))
    return np.asarray(value) if is_plain else value


def _tensor(value: Any) -> Tensor:
    """As a tensor of the backend, arrays too where Keras makes none of them for torch."""
    if isinstance(value, (np.ndarray, np.generic)) and keras.backend.backend() == "torch":
        import torch

        # Keras asks for the type, which an array does not tell while a graph is compiled.
        if torch.compiler.is_compiling():
            value = torch.as_tensor(value)
        elif value.dtype == np.uint64:
            value = torch.from_numpy(np.array(value, order="C"))
    return ops.convert_to_tensor(value)


def _target(y_true: Any) -> Tensor:
    """As a tensor; integers made int32 or int64, which every operation takes."""
    target = _tensor(y_true)
    dtype = dtype_of(target)
    if dtype.startswith("complex"):
        raise TypeError(f"y_true: found {dtype}, wanted real numbers")
    if dtype in ("uint8", "int8", "int16", "uint16"):
        return ops.cast(target, "int32")
    if dtype not in ("uint32", "uint64") or keras.backend.backend() == "jax":
        return target
    signed = ops.cast(target, "int64")
    # What has no place in it wrapped to a negative number: some number that nobody ignores.
    return signed if dtype == "uint32" else ops.where(signed < 0, -(1 << 63), signed)


def _per_voxel(what: str, tensor: Tensor, of_voxels: Sequence[int | None], axis: int) -> Tensor:
    """(N, spatial…), or with 1 where the classes are, as (N, spatial…)."""
    rank = len(of_voxels)
    if len(tensor.shape) == rank + 1 and tensor.shape[axis] == 1:
        tensor = ops.squeeze(tensor, axis)
    _check(what, tensor, tuple(of_voxels))
    return tensor


def _mask(mask: Any, logits: Tensor, of_voxels: Sequence[int | None], axis: int) -> Tensor:
    """A mask of voxels, or of samples spread over their voxels."""
    mask = ops.cast(_tensor(mask), "bool")
    if not is_of_samples(mask, of_voxels):
        return _spread("mask", mask, logits, axis)
    mask = ops.reshape(mask, (-1, *(1,) * (len(of_voxels) - 1)))
    return ops.logical_and(mask, ops.ones_like(ops.take(logits, 0, axis), dtype="bool"))


def _map(name: str, map: Any, logits: Tensor, axis: int) -> Tensor:
    """Of all classes or of each, with 1 or C where the classes are."""
    refuse_masked({f"map {name!r}": map})
    tensor = _tensor(map)
    if not dtype_of(tensor).startswith(("float", "bfloat")):
        tensor = ops.cast(tensor, "float32")
    shape = _maps.shape_of(name, tuple(tensor.shape), tuple(logits.shape), axis)
    return tensor if len(tensor.shape) == len(shape) else ops.expand_dims(tensor, axis)


def _spread(what: str, tensor: Tensor, logits: Tensor, axis: int) -> Tensor:
    """One value a voxel as (N, spatial…), of what may hold for several."""
    samples, *spatial = (size for index, size in enumerate(logits.shape) if index != axis)
    shape = _shapes.over_voxels(what, tuple(tensor.shape), samples, tuple(spatial), axis)
    if len(tensor.shape) > len(shape):
        tensor = ops.squeeze(tensor, axis)
    elif len(tensor.shape) < len(shape):
        tensor = ops.expand_dims(tensor, 0)
    if all(map(_is_full, shape, (samples, *spatial))):
        return tensor
    whole = ops.shape(logits)
    return ops.broadcast_to(tensor, (*whole[:axis], *whole[axis + 1 :]))


def _is_full(size: int | None, full: int | None) -> bool:
    """Whether it is the whole axis, as far as can be told before it is known."""
    return size == full or (full is None and size != 1)


def _check(what: str, tensor: Tensor, wanted: tuple[int | None, ...]) -> None:
    found = tuple(tensor.shape)
    fits = len(found) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(found, wanted, strict=True)
    )
    if not fits:
        raise ValueError(f"{what}: found shape {found}, wanted {wanted}, to fit y_pred")
