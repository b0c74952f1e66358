"""Masked arrays of NumPy: what is masked is not known, so its voxel does not count."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from . import _shapes

Array: TypeAlias = NDArray[Any]


def split(value: Any) -> tuple[Array, Array | None]:
    """An array, and where it is not masked; None for everywhere."""
    value = stacked(value)
    if not is_masked(value):
        return np.asarray(value), None
    hidden = np.ma.getmaskarray(value)
    return np.asarray(value.data), ~hidden if hidden.any() else None


def stacked(value: Any) -> Any:
    """A list with masked arrays somewhere in it as one masked array; anything else as it is."""
    if not isinstance(value, list | tuple) or not holds_masked(value):
        return value
    return np.ma.stack([np.ma.asarray(stacked(part)) for part in value])


def holds_masked(value: Any) -> bool:
    """Whether it is a masked array, or a list with one somewhere in it."""
    is_list = isinstance(value, list | tuple)
    return any(map(holds_masked, value)) if is_list else is_masked(value)


def is_masked(value: Any) -> bool:
    """Whether it is a masked array, with or without something masked."""
    return isinstance(value, np.ma.MaskedArray)


def known(
    logits: tuple[int, ...],
    by_class: dict[str, Array | None],
    by_voxel: dict[str, Array | None],
    channel: int = 1,
) -> Array | None:
    """Which voxels (N, spatial…) are known everywhere; None for all.

    Given is where each array is not masked: those that may have the classes on axis 1, as logits of
    this shape do, and those that have one value a voxel, or one for several, with or without a
    channel of size 1 on the axis `channel`.
    """
    shape = logits[:1] + logits[2:]
    found = None
    for what, there in by_class.items():
        if there is None:
            continue
        if there.ndim == len(logits):
            there = _of_voxels(what, there)
        if there.shape != shape:
            raise ValueError(
                f"{what}: found shape {there.shape}, wanted {shape}, to fit the logits"
            )
        found = both(there, found)
    for what, there in by_voxel.items():
        if there is not None:
            found = both(spread(what, there, shape, channel), found)
    return found


def spread(what: str, array: Array, shape: tuple[int, ...], channel: int = 1) -> Array:
    """One value a voxel as (N, spatial…), of what may hold for several."""
    if array.shape == shape:
        return array
    found = _shapes.over_voxels(what, array.shape, shape[0], shape[1:], channel)
    return np.broadcast_to(array.reshape(found), shape)


def _of_voxels(what: str, there: Array) -> Array:
    """Which voxels are known, each for all of its classes or for none.

    Losses have no mask for a class of a voxel.
    """
    whole: Array = np.asarray(there.all(axis=1))
    partly: Array = np.asarray(there.any(axis=1)) & ~whole
    if partly.any():
        place = _shapes.place(np.argwhere(partly)[0].tolist())
        raise ValueError(
            f"{what}: found {place} masked in some classes only, wanted all classes of a voxel "
            "masked or none; class_valid leaves out a class of a whole sample"
        )
    return whole


def both(first: Array | None, second: Array | None) -> Array | None:
    """Where both are true; None for everywhere."""
    if first is None or second is None:
        return second if first is None else first
    together: Array = first & second
    return together
