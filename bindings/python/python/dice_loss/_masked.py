"""Masked arrays of NumPy: what is masked is not known, so its voxel does not count."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from . import _shapes

Array: TypeAlias = NDArray[Any]


def split(value: Any) -> tuple[Array, Array | None]:
    """An array, and where it is not masked; None for everywhere."""
    if isinstance(value, list | tuple) and any(map(is_masked, value)):
        value = np.ma.stack([np.ma.asarray(part) for part in value])
    if not is_masked(value):
        return np.asarray(value), None
    hidden = np.ma.getmaskarray(value)
    return np.asarray(value.data), ~hidden if hidden.any() else None


def is_masked(value: Any) -> bool:
    """Whether it is a masked array, with or without something masked."""
    return isinstance(value, np.ma.MaskedArray)


def known(
    logits: tuple[int, ...],
    by_class: dict[str, Array | None],
    by_voxel: dict[str, Array | None],
) -> Array | None:
    """Which voxels (N, spatial…) are known everywhere; None for all.

    Given is where each array is not masked: those that may have the classes on axis 1, as logits of
    this shape do, and those that have one value a voxel.
    """
    shape = logits[:1] + logits[2:]
    found = None
    for what, there in (by_class | by_voxel).items():
        if there is None:
            continue
        if what in by_class and there.ndim == len(logits):
            there = _of_voxels(what, there)
        if there.shape not in (shape, (*shape[:1], 1, *shape[1:])):
            raise ValueError(
                f"{what}: found shape {there.shape}, wanted {shape}, to fit the logits"
            )
        found = both(there.reshape(shape), found)
    return found


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
    together: Array = first & second.reshape(first.shape)
    return together
