"""How shapes are read: what says one thing for several voxels, and what may be meant otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

#: Sizes of axes; None is one that is not known yet.
Shape: TypeAlias = tuple[int | None, ...]

#: From here on channels look like the rows of an image.
_ROWS = 16


def warn_of_channels(
    logits: Shape, target: Shape, axis: int = 1, names: tuple[str, str] = ("logits", "target")
) -> None:
    """Says how logits (N, H, W) are read beside a target of their shape: as channels of voxels.

    The channels are on axis 1 or 2. An axis of unknown size says nothing.
    """
    if len(logits) != 3 or logits != target:
        return
    channels, voxels = logits[axis], logits[3 - axis]
    if channels is None or voxels is None:
        return
    if channels >= _ROWS and 4 * channels >= voxels:
        with_channel = "(N, 1, H, W)" if axis == 1 else "(N, H, W, 1)"
        index = "[:, None]" if axis == 1 else "[..., None]"
        warnings.warn(
            f"{names[0]} and {names[1]} of shape {logits} are read as {channels} channels of "
            f"{voxels} voxels; images of one channel are {with_channel}, as from "
            f"{names[0]}{index}",
            UserWarning,
            stacklevel=2,
        )


def place(index: Sequence[int]) -> str:
    """A voxel (sample, place along each spatial axis…), as the engine names it."""
    sample, *along = index
    voxel = tuple(along) if len(along) > 1 else (*along, 0)[0]
    return f"sample {sample}, voxel {voxel}"


def over_voxels(
    what: str, found: Shape, samples: int | None, spatial: Shape, channel: int = 1
) -> Any:
    """The shape (N or 1, spatial or 1…) of which (N, spatial…) is the broadcast.

    One value a voxel is (N, spatial…), with or without a channel of size 1 on the axis `channel`.
    An axis may be 1, and then holds for all; (spatial…) holds for every sample, and (N,) for every
    voxel of a sample. What is unknown fits everything.
    """
    axes = len(spatial)
    if len(found) == axes + 2 and found[channel] == 1:
        place = channel % len(found)
        shape = (*found[:place], *found[place + 1 :])
    elif len(found) == axes + 1:
        shape = found
    else:
        shape = _of_fewer_axes(what, found, samples, spatial)
    wanted = (samples, *spatial)
    if len(shape) != len(wanted) or not all(map(_spreads, shape, wanted)):
        raise ValueError(
            f"{what}: found shape {found}, wanted {wanted}, with 1 for what holds along an axis, "
            f"{spatial} for all samples or ({samples},) for each"
        )
    return shape


def _spreads(size: int | None, full: int | None) -> bool:
    return size in (1, full) or size is None or full is None


def _of_fewer_axes(what: str, found: Shape, samples: int | None, spatial: Shape) -> Shape:
    of_samples, of_voxels = found == (samples,), found == spatial
    if of_samples and of_voxels and samples not in (0, 1):
        raise ValueError(
            f"{what}: found shape {found}, which is that of the samples and of the voxels; wanted "
            f"({samples}, 1) or (1, {samples})"
        )
    if of_voxels:
        return (1, *found)
    return (*found, *(1,) * len(spatial)) if of_samples else found


def over_classes(found: tuple[int, ...], samples: int, classes: int) -> tuple[int, int]:
    """The shape (N or 1, C) of which (N, C) is the broadcast; (C,) holds for every sample."""
    shape = (1, *found) if len(found) == 1 else found
    if len(shape) != 2 or shape[0] not in (1, samples) or shape[1] != classes:
        wanted = f"(N, C) = {(samples, classes)} or ({classes},)"
        raise ValueError(f"class_valid: found shape {found}, wanted {wanted}")
    return (shape[0], shape[1])
