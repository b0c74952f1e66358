"""How shapes are read: what says one thing for several voxels, and what may be meant otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

#: From here on channels look like the rows of an image.
_ROWS = 16


def warn_of_channels(logits: tuple[int, ...], target: tuple[int, ...]) -> None:
    """Says how logits (N, H, W) are read beside a target of their shape: as H channels."""
    if len(logits) != 3 or logits != target:
        return
    _, channels, voxels = logits
    if channels >= _ROWS and 4 * channels >= voxels:
        warnings.warn(
            f"logits and target of shape {logits} are read as {channels} channels of {voxels} "
            "voxels; images of one channel are (N, 1, H, W), as from logits[:, None]",
            UserWarning,
            stacklevel=2,
        )


def place(index: Sequence[int]) -> str:
    """A voxel (sample, place along each spatial axis…), as the engine names it."""
    sample, *along = index
    voxel = tuple(along) if len(along) > 1 else (*along, 0)[0]
    return f"sample {sample}, voxel {voxel}"


def over_voxels(
    what: str, found: tuple[int, ...], samples: int, spatial: tuple[int, ...], channel: int = 1
) -> tuple[int, ...]:
    """The shape (N or 1, spatial or 1…) of which (N, spatial…) is the broadcast.

    One value a voxel is (N, spatial…), with or without a channel of size 1 on the axis `channel`.
    An axis may be 1, and then holds for all; (spatial…) holds for every sample, and (N,) for every
    voxel of a sample.
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
    fits = len(shape) == len(wanted)
    if not fits or any(size not in (1, full) for size, full in zip(shape, wanted, strict=True)):
        raise ValueError(
            f"{what}: found shape {found}, wanted {wanted}, with 1 for what holds along an axis, "
            f"{spatial} for all samples or ({samples},) for each"
        )
    return shape


def _of_fewer_axes(
    what: str, found: tuple[int, ...], samples: int, spatial: tuple[int, ...]
) -> tuple[int, ...]:
    of_samples, of_voxels = found == (samples,), found == spatial
    if of_samples and of_voxels and samples > 1:
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
